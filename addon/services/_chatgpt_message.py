"""What one message in a ChatGPT answer holds: text, thoughts, pictures, a tool's name, an error."""

from __future__ import annotations

import re
from typing import Any

from addon.patching import Document, text_of

CITATION = re.compile("\ue200[^\ue201]*(?:\ue201|$)")
"""A citation marker: private-use characters around an id, which the page shows as a link."""

RECIPIENTS = (
    ("web", "web_search"), ("search", "web_search"), ("browser", "web_search"), ("bing", "web_search"),
    ("python", "code"), ("container", "code"), ("canmore", "canvas"), ("bio", "memory"), ("memory", "memory"),
    ("personal_context", "memory"),
    ("dalle", "image_output"), ("image_gen", "image_output"), ("t2uay3k", "image_output"),
    ("computer", "agent"), ("agent", "agent"), ("research_kickoff_tool", "deep_research"),
    ("api_tool", "connector"), ("connector", "connector"), ("slurm", "connector"),
    ("gmail", "connector"), ("gcal", "connector"), ("gcontacts", "connector"), ("github", "connector"),
)  # fmt: skip
"""What the model turns to when it writes to a tool, by the first part of the recipient's name."""


def name_tool(recipient: object) -> str:
    """Return the feature behind the tool that a message is written to."""
    word = recipient.lower() if isinstance(recipient, str) else ""
    return next((feature for start, feature in RECIPIENTS if word.startswith(start)), "tool")


def find_pictures(parts: object) -> list[tuple[str, int | None]]:
    """Return the distinct images among the parts of a message, and their pixels where told."""
    found: dict[str, int | None] = {}
    for part in listed(parts):
        match part:
            case {"content_type": "image_asset_pointer", "asset_pointer": str(pointer)}:
                width, height = part.get("width"), part.get("height")
                known = isinstance(width, int) and isinstance(height, int) and 0 < width * height < 10**9
                found[re.split(r"[#?]", pointer)[0]] = width * height if known else None
    return list(found.items())


def is_visible(document: Document) -> bool:
    return (
        document.get("message", "recipient") in (None, "all")
        and document.get("message", "content", "content_type")
        not in ("thoughts", "reasoning_recap", "model_editable_context")
        and document.get("message", "metadata", "is_visually_hidden_from_conversation") is not True
    )


def read_texts(document: Document) -> list[str]:
    found = []
    parts = document.get("message", "content", "parts")
    for part in listed(parts):
        match part:
            case {"content_type": "audio_transcription", "text": spoken}:
                found.append(text_of(spoken))
            case _:
                found.append(text_of(part))
    found.append(text_of(document.get("message", "content", "text")))
    return [text for text in found if text]


def read_thoughts(document: Document) -> list[str]:
    thoughts = document.get("message", "content", "thoughts")
    found = []
    for thought in listed(thoughts):
        match thought:
            case dict():
                found += [text_of(thought.get("summary")), text_of(thought.get("content"))]
    return [text for text in found if text]


def read_recap_ms(document: Document) -> int:
    """Return the time in "Thought for 1m 12s", where the recap has no number of its own."""
    if document.get("message", "content", "content_type") != "reasoning_recap":
        return 0
    said = text_of(document.get("message", "content", "content"))
    units = {"h": 3_600_000, "m": 60_000, "s": 1000}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"\b(\d{1,4}) ?([hms])", said))


def read_ms(seconds: object) -> int | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 86_400:
        return None
    return round(seconds * 1000)


def keep_slug(value: object) -> str | None:
    """Return a model's slug; a custom GPT's id is a name that a person made, and is not taken."""
    if not isinstance(value, str) or not value:
        return None
    return "custom" if re.match(r"g-(?!pt)[0-9A-Za-z]", value) else value


def keep_word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def listed(value: object) -> list[Any]:
    """Return a list if it is one, else an empty one."""
    return value if isinstance(value, list) else []
