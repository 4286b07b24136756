"""klimaspor: the ear. It hears bytes and hands on records."""
