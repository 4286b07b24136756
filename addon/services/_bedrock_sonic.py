"""
Bedrock's two-way streams, which Nova Sonic speaks: sound goes in and comes out of one call at the same time.

Turns run into one another, and the counts on the wire run through the whole call: so a call is one row.
"""

from __future__ import annotations

from typing import Any

from addon.framing import parse_or_none
from addon.service import Event, Turn, Usage
from addon.services._bedrock import fail_by_name, model_in_path, unwrap
from addon.services._content import base64_size
from addon.services._dialect import Dialect
from addon.services._usage import dig, number, text


class Sonic(Dialect):
    """
    ``invoke-with-bidirectional-stream``: events of one kind each, inside chunks.

    What is asked is an event stream as well, which is not looked at. Text that is to be spoken is told twice, first
    as a plan and then, in sentences, as it was said: the second counts, where counts are missing.
    """

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        turn.asked("voice")

    def event(self, turn: Turn, event: Event) -> None:
        if fail_by_name(turn, event):
            return
        match dig(unwrap(event.data), "event"):
            case {"completionStart": start}:
                turn.response_id = text(start, "completionId")
                turn.conversation_id = text(start, "sessionId")
            case {"contentStart": start}:
                self._open(turn, start)
            case {"textOutput": told}:
                self._read_text(turn, told, event.at_ms)
            case {"audioOutput": {"content": str(sound)}}:
                turn.state["sound"] = turn.state.get("sound", 0) + base64_size(sound)
                turn.note_first_token(event.at_ms)
            case {"toolUse": call}:
                turn.used("tool")
                turn.call_tool(dig(call, "toolName"))
                turn.call_tool(dig(call, "content"))
            case {"usageEvent": told}:
                turn.usage = Usage(input=number(told, "totalInputTokens"), output=number(told, "totalOutputTokens"))
            case {"completionEnd": _}:
                turn.finished = True

    def finish(self, turn: Turn) -> None:
        sound, a_second = turn.state.get("sound", 0), turn.state.get("bytes_a_second")
        if sound:
            turn.used("voice")
            turn.used("audio_output")
            turn.media_seconds = sound / a_second if a_second else None

    def _open(self, turn: Turn, start: Any) -> None:
        """Note which of the texts that follow are said and by whom, and how sound is told."""
        fields = dig(start, "additionalModelFields")
        stage = dig(parse_or_none(fields) if isinstance(fields, str) else None, "generationStage")
        turn.state["planned"] = stage == "SPECULATIVE"
        form = dig(start, "audioOutputConfiguration")
        rate, bits, channels = (number(form, name) for name in ("sampleRateHertz", "bitsPerSample", "channelCount"))
        if rate and bits and text(form, "mediaType") == "audio/lpcm":
            turn.state["bytes_a_second"] = rate * bits // 8 * (channels or 1)

    def _read_text(self, turn: Turn, told: Any, at_ms: int | None) -> None:
        if dig(told, "role") == "USER":
            turn.prompt(dig(told, "content"))
        elif not turn.state.get("planned"):
            turn.answer(dig(told, "content"), at_ms)
