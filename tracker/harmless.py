"""Text that somebody else may have written, fit to be shown: it steers no terminal or spreadsheet and hides none."""

from __future__ import annotations

import re

_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\xad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""
Control characters but for tab and line feed, and those that set the direction of writing; then those that show nothing
or end a line unasked, and halves of characters. The joiners of letters and pictures stay.
"""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def harmless(text: str) -> str:
    """Return the text with each character that steers or hides replaced by the replacement character."""
    return text if text.isprintable() else _STEERING.sub("\ufffd", text)


def in_one_line(name: str, longest: int = 60) -> str:
    """Return the beginning of a name as it may stand in a sentence."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:longest])


def in_a_cell(text: str) -> str:
    """Return the text so that no spreadsheet runs it: what begins like a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
