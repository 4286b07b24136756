"""What a whole reply of Meta AI's says: texts, code and tables, thoughts, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from addon.patching import text_of
from addon.service import Turn
from addon.services._page import list_at, once, pick, text_at

ASIDE = re.compile("Metadata|FollowUp|Suggest|Upsell|Footer")
"""Parts of a primitive's name that tell that it stands beside the answer."""


def write_reply(turn: Turn, reply: Any) -> None:
    """Write what a whole reply of Meta's says into the turn."""
    texts, thoughts, pictures = read_sections(reply)
    turn.answer("\n".join(texts), turn.first_token_ms, part="reply", replace=True)
    turn.reason("\n".join(thoughts), part="thoughts", replace=True)
    if thoughts:
        once(turn, "reasoning")
    if pictures:
        turn.media_count = pictures
        once(turn, "image_output", pictures)


def read_sections(reply: Any) -> tuple[list[str], list[str], int]:
    """Return the texts, the thoughts and the number of pictures in a reply's sections."""
    texts: list[str] = []
    thoughts, pictures = [], 0
    for section in list_at(reply, "sections"):
        shown = pick(section, "view_model")
        for primitive in (pick(shown, "primitive"), *list_at(shown, "primitives")):
            kind = text_at(primitive, "__typename") or ""
            thought = text_of(pick(primitive, "thought_text"))
            if thought or "Thinking" in kind:
                thoughts.append(thought)
            elif "Image" in kind or "Imagine" in kind:
                pictures += 1
            elif not ASIDE.search(kind):
                texts += _read_primitive(primitive)
    return [text for text in texts if text], [text for text in thoughts if text], pictures


def _read_primitive(primitive: Any) -> Iterator[str]:
    """Yield a primitive's text, the lines of its code, the cells of its table."""
    yield text_of(pick(primitive, "text"))
    yield "".join([text_of(pick(block, "content")) for block in list_at(primitive, "code_blocks")])
    for row in list_at(primitive, "rows"):
        cells = list_at(row, "cells") or list_at(row, "items")
        yield " ".join(text_of(cell) or text_of(pick(cell, "text")) for cell in cells)
