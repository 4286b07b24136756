"""
xAI's gRPC, which its own library speaks: protocol buffers whose description xAI publishes (xai-org/xai-proto).

A call that fails says so in trailers, which are not heard: it has no answer, and is nobody's turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._dialect import Dialect
from addon.services._fetched import hold_or_fetch
from addon.services._protobuf import Fields, dig_fields, fields_in, number_in, read_fields, text_in
from addon.services._usage import read_xai

_TOOLS = {
    1: "tool", 3: "web_search", 4: "web_search", 5: "code", 6: "file_input", 7: "connector", 8: "file_input",
    10: "image_output",
}  # fmt: skip
"""Field of a tool that the request offers → feature."""
_CALLS = {
    2: "web_search", 3: "web_search", 4: "code", 5: "file_input", 6: "connector", 7: "file_input", 10: "image_output",
}  # fmt: skip
"""Type of a call that the service ran by itself → feature; all others are the program's own tools."""
_EFFORTS = {1: "low", 2: "medium", 3: "high", 4: "none", 5: "xhigh"}
_ASSISTANT, _FUNCTION, _TOOL = 2, 4, 5
_IN_PROGRESS = 4
_DONE = 1


def read_usage(usage: Fields) -> Usage | None:
    """Return the counts of a ``SamplingUsage``; a number that is not there is 0."""
    return read_xai(
        {
            "prompt_tokens": number_in(usage, 2),
            "completion_tokens": number_in(usage, 1),
            "total_tokens": number_in(usage, 3),
            "completion_tokens_details": {"reasoning_tokens": number_in(usage, 6)},
            "prompt_tokens_details": {"cached_tokens": number_in(usage, 7)},
        }
    )


class GrpcChat(Dialect):
    """``GetCompletion``, its chunks, and an answer that is ordered and fetched later."""

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        method = turn.exchange.path.rpartition("/")[2]
        asked = read_fields(body)
        if method == "GetDeferredCompletion":
            fetched = text_in(asked, 1)
        else:
            fetched = None
            self.request(turn, asked)
        for event in events:
            if not isinstance(event.data, bytes):
                continue
            told = read_fields(event.data)
            match method:
                case "GetCompletionChunk":
                    self._read_answer(turn, told, event.at_ms, model=4, usage=6, finish=3, message=1, index=4)
                case "GetCompletion":
                    self._read_answer(turn, told)
                case "StartDeferredCompletion":
                    turn.state["ordered"] = text_in(told, 1)
                case _ if number_in(told, 2) == _DONE:
                    self._read_answer(turn, fields_in(told, 1))
        self.finish(turn)
        yield from hold_or_fetch(turn, ordered=turn.state.get("ordered"), fetched=fetched)

    def request(self, turn: Turn, body: Fields) -> None:
        turn.request_model = text_in(body, 2)
        turn.effort = _EFFORTS.get(number_in(body, 19))
        if turn.effort not in {None, "none"}:
            turn.asked("reasoning")
        for feature in sorted(
            {_TOOLS.get(kind, "tool") for tool in dig_fields(body, 17) for kind in read_fields(tool)}
        ):
            turn.asked(feature)
        if 20 in body:
            turn.asked("web_search")
        messages = [read_fields(message) for message in body.get(1, [])]
        roles = [number_in(message, 2) for message in messages]
        last_answer = max((at for at, role in enumerate(roles) if role == _ASSISTANT), default=-1)
        for at, message in enumerate(messages):
            for content in dig_fields(message, 1):
                self._read_content(turn, read_fields(content), is_new=at > last_answer)
        turn.prompt_overhead += 4 * len(messages) + 3
        if roles and roles[-1] in {_FUNCTION, _TOOL}:
            turn.initiator = "agent"

    def _read_content(self, turn: Turn, content: Fields, *, is_new: bool) -> None:
        turn.prompt(text_in(content, 1))
        if is_new and 2 in content:
            turn.attach(kind="image")
        if is_new and 3 in content:
            inline = dig_fields(content, 3, 2)
            turn.attach(len(inline[0]) if inline and isinstance(inline[0], bytes) else None, text_in(content, 3, 4))

    def _read_answer(
        self,
        turn: Turn,
        told: Fields,
        at_ms: int | None = None,
        *,
        model: int = 6,
        usage: int = 9,
        finish: int = 1,
        message: int = 3,
        index: int = 2,
    ) -> None:
        """Read a whole answer, or a chunk, which has the same things under other numbers."""
        turn.response_id = text_in(told, 1) or turn.response_id
        turn.response_model = text_in(told, model) or turn.response_model
        if usage in told:
            turn.state["usage"] = fields_in(told, usage)
        for output in map(read_fields, dig_fields(told, 2)):
            turn.finished = turn.finished or number_in(output, finish) > 0
            part = str(number_in(output, index))
            turn.answer(text_in(output, message, 1), at_ms, part=part)
            turn.reason(text_in(output, message, 4), at_ms, part=part)
            for call in map(read_fields, dig_fields(output, message, 3)):
                if number_in(call, 3) != _IN_PROGRESS:  # told once more when it is whole
                    turn.used(_CALLS.get(number_in(call, 2), "tool"))
                    turn.call_tool(text_in(call, 10, 1), part=part)
                    turn.call_tool(text_in(call, 10, 2), part=part)

    def finish(self, turn: Turn) -> None:
        usage = read_usage(turn.state["usage"]) if "usage" in turn.state else None
        if usage is not None and not turn.finished:
            usage = Usage(input=usage.input, cached=usage.cached)  # of the answer only a part was counted
        turn.usage = usage
        turn.dropped = turn.response_id is None and "ordered" not in turn.state


class GrpcImage(Dialect):
    """``GenerateImage``: pictures, and the tokens of their prompts."""

    operation = "image"

    def request(self, turn: Turn, body: Any) -> None:
        asked = read_fields(body)
        turn.request_model = text_in(asked, 2)
        turn.prompt(text_in(asked, 1))
        if 5 in asked:
            turn.attach(kind="image")
        turn.dropped = True

    def event(self, turn: Turn, event: Event) -> None:
        told = read_fields(event.data)
        made = len(dig_fields(told, 1))
        if made:
            turn.media_count, turn.finished, turn.dropped = made, True, False
            turn.used("image_output", made)
            turn.response_model = text_in(told, 2)
            turn.usage = read_usage(fields_in(told, 3)) if 3 in told else None


class GrpcVideo(Dialect):
    """``GenerateVideo`` and ``ExtendVideo``: counted when they are ordered, as over HTTP."""

    operation = "video"

    def request(self, turn: Turn, body: Any) -> None:
        asked = read_fields(body)
        turn.request_model = text_in(asked, 3)
        turn.prompt(text_in(asked, 1))
        turn.media_seconds = float(number_in(asked, 4)) or None

    def event(self, turn: Turn, event: Event) -> None:
        turn.response_id = text_in(read_fields(event.data), 1) or turn.response_id

    def finish(self, turn: Turn) -> None:
        turn.dropped, turn.finished = turn.response_id is None, True
        if turn.response_id is not None:
            turn.media_count = 1
            turn.used("video_output")
