"""
Gemini in the browser.

The wire shows the person's newest message, how many files came with it, the whole visible answer again and again as
it grows, summaries of thoughts, and (at the end) the name of the model that served. It hides token counts, the
reasoning, history, files and searches; the report of a deep research is read later from elsewhere and not seen.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.framing import parse_or_none
from addon.framing.snapshots import INNER_TEXT, Repeats
from addon.service import Event, Service, Turn
from addon.services._page import list_at, pick, text_at

SLOT_HEADER = "x-goog-ext-525001261-jspb"
SLOTS = {
    "9d8ca3786ebdfbea": "gemini-pro",
    "e6fa609c3fa255c0": "gemini-pro",
    "fbb127bbb056c959": "gemini-flash",
    "56fdd199312815e2": "gemini-flash",
    "5bf011840784117a": "gemini-flash-thinking",
    "e051ce1aa80aa576": "gemini-flash-thinking",
}
"""The place in the model menu that the request names. The model behind a place changes, so these carry no version."""

MODES = {
    1: "gemini-flash", 2: "gemini-flash-thinking", 3: "gemini-pro", 5: "gemini-flash-lite-thinking",
    6: "gemini-flash-lite",
}  # fmt: skip
LABEL = re.compile(r"(?:Gemini )?(\d(?:\.\d)?) (Pro|Flash[ -]Lite|Flash|Ultra|Nano)(?: (Thinking))?", re.IGNORECASE)
ARTEFACT = re.compile(r"https?://googleusercontent\.com/\w+/\d+")
PICTURE = re.compile(r"\.(png|jpe?g|webp|gif|heic|bmp)$", re.IGNORECASE)
LIMIT_REACHED = 1037
FAILED = -1
"""An error that has no number of Gemini's."""


class Gemini(Service):
    name = "gemini"
    title = "Gemini"
    provider = "gcp.gemini"
    hosts = ("gemini.google.com",)
    path = re.compile(r"(/u/\d+)?/_/BardChatUi/data/assistant\.lamda\.BardFrontendService/StreamGenerate")
    transports = ("length-prefixed",)
    framing = "length_prefixed"
    repeats = Repeats(re.compile(rb'\[\\"rc_\w+\\", ?\[\\"(?!h)'), text=INNER_TEXT)  # an artefact's address is no text
    tokens = "counted"
    features = (
        "reasoning", "deep_research", "tool", "code", "file_input", "image_input", "image_output", "video_output",
        "audio_output",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        asked = parse_or_none(pick(parse_or_none(text_at(body, "f.req")), 1))
        turn.prompt(pick(asked, 0, 0))
        for file in list_at(asked, 0, 3):
            name = text_at(file, 1)
            turn.attach(kind="image" if name and PICTURE.search(name) else None)
        turn.conversation_id = text_at(asked, 2, 0)
        slot = text_at(parse_or_none(turn.exchange.request_headers.get(SLOT_HEADER)), 4)
        mode = pick(asked, 79)
        turn.request_model = SLOTS.get(slot or "") or (MODES.get(mode) if isinstance(mode, int) else None)
        match pick(asked, 80):
            case 1:
                turn.effort = "standard"
            case 2:
                turn.effort = "expanded"
        if turn.effort == "expanded" or (turn.request_model or "").endswith("thinking"):
            turn.asked("reasoning")
        if pick(asked, 49) == 1 and pick(asked, 54) is not None:
            turn.asked("deep_research")

    def event(self, turn: Turn, event: Event) -> None:
        for row in event.data if isinstance(event.data, list) else ():
            match row:
                case ["wrb.fr", _, inner, *rest]:
                    self._take(turn, parse_or_none(inner), event.at_ms)
                    if rest and isinstance(code := pick(rest, 2, 2, 0, 1, 0), int):
                        turn.state["code"] = code
                case ["er", *_]:
                    turn.state["code"] = turn.state.get("code") or FAILED
                case ["e", *_]:
                    turn.finished = True

    def finish(self, turn: Turn) -> None:
        code = turn.state.get("code")
        if code and not turn.has_text("answer"):
            turn.outcome = "limited" if code == LIMIT_REACHED else "error"
        if turn.has_text("reasoning"):
            turn.used("reasoning")
        begun = turn.state.get("thinking_from")
        if begun is not None and turn.first_token_ms is not None and turn.first_token_ms > begun:
            turn.thinking_ms = turn.first_token_ms - begun
        for feature in ("image_output", "video_output", "audio_output"):
            if made := sum(turn.state.get(feature, {}).values()):
                turn.used(feature, made)
                turn.media_count = (turn.media_count or 0) + made
        if turn.state.get("plan"):
            turn.used("deep_research")
        if tool := turn.state.get("tool"):
            turn.used("code" if "data_analysis" in tool or "code" in tool else "tool")

    def _take(self, turn: Turn, inner: Any, at_ms: int | None) -> None:
        turn.conversation_id = text_at(inner, 1, 0) or turn.conversation_id
        if label := text_at(inner, 42):
            turn.response_model = name_model(label) or turn.response_model
        turn.state["tool"] = text_at(inner, 6, 1, 0) or turn.state.get("tool")
        for candidate in list_at(inner, 4):
            part = text_at(candidate, 0) or ""
            if turn.response_id is None and (reply := text_at(inner, 1, 1)) and part:
                turn.response_id = f"{reply} {part}"
            if thoughts := text_at(candidate, 37, 0, 0):
                turn.state.setdefault("thinking_from", at_ms)
                turn.reason(thoughts, at_ms, part=part, replace=True)
            text = text_at(candidate, 1, 0) or ""
            if "/card_content/" in text:
                text = text_at(candidate, 22, 0) or text
            if "googleusercontent.com/" in text:
                text = ARTEFACT.sub("", text)
            turn.answer(text, at_ms, part=part, replace=True)
            if media := pick(candidate, 12):
                self._take_media(turn, part, media)

    def _take_media(self, turn: Turn, part: str, media: Any) -> None:
        for feature, made in (
            ("image_output", len(list_at(_field(media, 7), 0)) or (1 if _field(pick(media, 0), 7) else 0)),
            ("video_output", 1 if _field(media, 59) else 0),
            ("audio_output", 1 if _field(media, 86) else 0),
        ):
            if made:
                turn.state.setdefault(feature, {})[part] = made
        if _field(media, 55) or _field(media, 56):
            turn.state["plan"] = True


def name_model(label: str) -> str | None:
    """Return a storable name for what the page shows: ``3.6 Flash`` is ``gemini-3.6-flash``."""
    match = LABEL.fullmatch(label)
    if match is None:
        return None
    return "-".join(["gemini", *(word.lower().replace(" ", "-") for word in match.groups() if word)])


def _field(value: Any, index: int) -> Any:
    """Return a field of Google's sparse lists: by position, or by number in an object at the end of the list."""
    found = pick(value, index)
    if found is None:
        last = pick(value, -1) if isinstance(value, list) else value
        found = pick(last, str(index + 1))
    return found
