"""Empties files: as many bytes, of which only the form of a picture and its size remain."""

from __future__ import annotations

import base64

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_SIDES = 8
"""Bytes that say how wide and how high a PNG is, after its beginning."""
_ENDS = (b"IEND\xaeB`\x82", b"\xff\xd9")
"""How a whole PNG and a whole JPEG end."""


def empty(data: bytes) -> bytes:
    """Return a file of as many zeros that begins and ends as the picture did."""
    start = data[: len(_PNG) + _SIDES] if data.startswith(_PNG) else b""
    end = next((end for end in _ENDS if data.endswith(end)), b"")
    return start + bytes(max(0, len(data) - len(start) - len(end))) + end


def empty_base64(text: str) -> str:
    """Return base64 of an emptied file, as long as the text."""
    try:
        return base64.b64encode(empty(base64.b64decode(text, validate=True))).decode()
    except ValueError:
        padding = len(text) - len(text.rstrip("="))
        return "A" * (len(text) - padding) + "=" * padding
