"""An organisation sees itself, and nobody in it: weekly sums go out of a device, a k-anonymous report comes back."""

from tracker.errors import TellableError


class TeamError(TellableError):
    """Something the organisation's part needs is not as it should be."""
