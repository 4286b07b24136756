"""Text that somebody else may have written, fit to be shown: nothing in it steers a terminal or turns text round."""

from __future__ import annotations

import re

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for tab and line feed, and those that set the direction of writing."""


def harmless(text: str) -> str:
    """Return the text with each character that steers replaced by the replacement character."""
    return text if text.isprintable() else _STEERING.sub("\ufffd", text)
