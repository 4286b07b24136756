"""An organisation sees itself, and nobody in it: weekly sums go out of a device, a k-anonymous report comes back."""


class TeamError(Exception):
    """Something the organisation's part needs is not as it should be: what happened · to what · what to do."""
