"""
Bedrock's two-way streams, which Nova Sonic speaks: sound goes in and comes out of one call at the same time.

Turns run into one another, and the counts on the wire run through the whole call: so a call is one row.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Any

from addon.framing import parse_or_none
from addon.service import Event, Turn, Usage
from addon.services._bedrock import fail_by_name, model_in_path, unwrap
from addon.services._content import base64_size
from addon.services._dialect import Dialect
from addon.services._page import pick, text_at
from addon.services._usage import number

_KIND = re.compile(rb'\{\s*"event"\s*:\s*\{\s*"(\w+)"')
_KIND_LETTERS = 32
"""So many letters of Base64 are enough to see of what kind a chunk is."""
_SUM, _SILENT, _SOUND = b"usageEvent", b"contentEnd", b"audioOutput"
_BEFORE_SOUND = re.compile(
    rb'\{"event": ?\{"audioOutput": ?\{(?:"(?!content")\w+": ?"[^"\\]*+", ?)*+"content": ?"(?!data:)'
)
_BEHIND_SOUND = b'"}}}'


class Sonic(Dialect):
    """
    ``invoke-with-bidirectional-stream``: events of one kind each, inside chunks.

    What is asked is an event stream as well, which is not looked at. Text that is to be spoken is told twice, first
    as a plan and then, in sentences, as it was said: the second counts, where counts are missing. What was used is
    summed up after every few words: only the last sum is unpacked.
    """

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        turn.asked("voice")

    def event(self, turn: Turn, event: Event) -> None:
        if fail_by_name(turn, event):
            return
        packed = pick(event.data, "bytes")
        kind = _kind_of(packed[:_KIND_LETTERS]) if isinstance(packed, str) else b""
        if kind == _SUM:
            turn.state["sum"] = event.data
        elif kind == _SOUND and (size := _size_of_sound(packed)):
            self._sound(turn, size, event.at_ms)
        elif kind != _SILENT:
            told = pick(unwrap(event.data), "event")
            for name, inner in told.items() if isinstance(told, dict) else ():
                self._read(turn, name, inner, event.at_ms)

    def _read(self, turn: Turn, kind: str, told: Any, at_ms: int | None) -> None:
        match kind:
            case "audioOutput" if sound := text_at(told, "content"):
                self._sound(turn, base64_size(sound), at_ms)
            case "textOutput":
                self._read_text(turn, told, at_ms)
            case "contentStart":
                self._open(turn, told)
            case "toolUse":
                turn.used("tool")
                turn.call_tool(pick(told, "toolName"))
                turn.call_tool(pick(told, "content"))
            case "completionStart":
                turn.response_id = text_at(told, "completionId")
                turn.conversation_id = text_at(told, "sessionId")
            case "completionEnd":
                turn.finished = True
            case "usageEvent":
                turn.state["sum"] = {"event": {kind: told}}

    def _sound(self, turn: Turn, size: int, at_ms: int | None) -> None:
        turn.state["sound"] = turn.state.get("sound", 0) + size
        turn.note_first_token(at_ms)

    def finish(self, turn: Turn) -> None:
        told = pick(unwrap(turn.state.get("sum")), "event", "usageEvent")
        if told is not None:
            turn.usage = Usage(input=number(told, "totalInputTokens"), output=number(told, "totalOutputTokens"))
        sound, a_second = turn.state.get("sound", 0), turn.state.get("bytes_a_second")
        if sound:
            turn.used("voice")
            turn.used("audio_output")
            turn.media_seconds = sound / a_second if a_second else None

    def _open(self, turn: Turn, start: Any) -> None:
        """Note which of the texts that follow are said and by whom, and how sound is told."""
        fields = pick(start, "additionalModelFields")
        stage = pick(parse_or_none(fields) if isinstance(fields, str) else None, "generationStage")
        turn.state["planned"] = stage == "SPECULATIVE"
        form = pick(start, "audioOutputConfiguration")
        if text_at(form, "mediaType") != "audio/lpcm":
            return
        rate, bits, channels = (number(form, name) for name in ("sampleRateHertz", "bitsPerSample", "channelCount"))
        if rate and bits:
            turn.state["bytes_a_second"] = rate * bits // 8 * (channels or 1)

    def _read_text(self, turn: Turn, told: Any, at_ms: int | None) -> None:
        if pick(told, "role") == "USER":
            turn.prompt(pick(told, "content"))
        elif not turn.state.get("planned"):
            turn.answer(pick(told, "content"), at_ms)


@lru_cache(maxsize=64)
def _kind_of(letters: str) -> bytes:
    """Return of what kind a chunk is, by its first letters; nothing if these do not tell."""
    try:
        found = _KIND.match(binascii.a2b_base64(letters))
    except ValueError:
        return b""
    return found[1] if found else b""


def _size_of_sound(packed: str) -> int:
    """Return how many bytes of sound are in a chunk, if it is written as plainly as nearly all are; 0 otherwise."""
    try:
        told = binascii.a2b_base64(packed, strict_mode=True)  # a fifth faster, and no reading of what is not plain
    except ValueError:
        return 0
    head = _BEFORE_SOUND.match(told)
    if head is None or not told.endswith(_BEHIND_SOUND):
        return 0
    sound = told[head.end() : -len(_BEHIND_SOUND)]
    if b'"' in sound or b"\\" in sound or not sound.isascii():
        return 0
    return base64_size(sound.decode())
