"""What ``klimaspor capture`` does not do: all of it, in sentences."""

from __future__ import annotations

MOST_BYTES = 4 * 1024 * 1024
MOST_MESSAGES = 3000

REFUSALS = {
    "coding": (
        "The answer came packed in a way that cannot be undone, so it cannot be scrubbed",
        "ask once more; if it stays so, tell us the service and its browser, without an example",
    ),
    "large": (
        f"The exchange is too long to be scrubbed (more than {MOST_BYTES >> 20} MB or {MOST_MESSAGES} messages)",
        "ask something with a short answer",
    ),
    "binary": (
        "The service speaks in binary messages of a kind that is not known, so they cannot be scrubbed",
        "tell us the service, without an example",
    ),
    "unknown": (
        "It is nobody's turn that comes with klimaspor: a company's own bot speaks in the shape of another service",
        "capture the service whose shape it has",
    ),
    "fault": (
        "The scrubber stumbled over this exchange, so nothing was written",
        "ask something else; if it stays so, tell us the service, without an example",
    ),
    "words": (
        "A word would be left that is in no public vocabulary, so nothing was written",
        "ask something else; if it stays so, tell us the service, without an example",
    ),
}
"""What happened, and what to do."""


class Refused(Exception):  # noqa: N818 - reads better where it is caught
    """No safe example can be made of what was heard; ``reason`` is one of ``REFUSALS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(REFUSALS[reason][0])
        self.reason = reason
