"""klimaspor: the memory and the voice. It keeps records and reports on them."""
