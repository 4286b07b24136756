"""
Amazon Bedrock, as programs use it: converse and invoke, whole or as binary event streams.

Usage is on the wire: in the answer, in its headers, or in the stream's last event. Cache reads and writes come on
top of input tokens. A model named by an ARN of the customer's own is not told by the wire.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import unquote

from addon.framing import parse_or_none
from addon.service import Event, Turn, Usage
from addon.services._anthropic_messages import Messages
from addon.services._content import ask_tools, base64_size, read_parts, walk_text
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_responses import Responses
from addon.services._usage import add, read_bedrock_converse, read_bedrock_metrics
from tracker.record import count_or_none

REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1", "ca-central-1", "ca-west-1",
    "sa-east-1", "mx-central-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-7", "me-central-1", "me-south-1", "il-central-1", "af-south-1",
)  # fmt: skip
_COUNT = "x-amzn-bedrock-"


def model_in_path(path: str) -> str | None:
    """Return the model id in the path; ``custom`` for a customer's own ARN, whose account number is not kept."""
    parts = path.split("/")
    model = unquote(parts[2]) if len(parts) > 2 else ""
    if not model.startswith("arn:"):
        return model or None
    kind, _, name = model.partition("/")
    return name if kind.endswith((":inference-profile", ":foundation-model")) else "custom"


def fail_by_name(turn: Turn, event: Event) -> bool:
    """Settle the outcome if the event is one of Bedrock's exceptions."""
    if event.name and event.name.lower().endswith(("exception", "error")):
        turn.outcome = "limited" if "throttling" in event.name.lower() or "quota" in event.name.lower() else "error"
        turn.finished = True
        return True
    return False


class Converse(Dialect):
    """``converse`` and ``converse-stream``: one shape for every model."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.prompt_is_whole = True
        turn.request_model = model_in_path(turn.exchange.path)
        if not isinstance(body, Mapping):
            return
        config = body.get("toolConfig")
        if isinstance(config, Mapping):
            ask_tools(turn, config.get("tools"))
        fields = body.get("additionalModelRequestFields")
        if isinstance(fields, Mapping) and ("thinking" in fields or "reasoning_config" in fields):
            turn.asked("reasoning")
        read_parts(turn, body.get("system"), is_new=False)
        messages = body.get("messages")
        told = [one for one in messages if isinstance(one, Mapping)] if isinstance(messages, list) else []
        last_answer = max((at for at, one in enumerate(told) if one.get("role") == "assistant"), default=-1)
        for at, one in enumerate(told):
            content = one.get("content")
            for part in content if isinstance(content, list) else ():
                self._read_part(turn, part, is_new=at > last_answer)
        last = told[-1].get("content") if told else None
        if isinstance(last, list) and any(isinstance(part, Mapping) and "toolResult" in part for part in last):
            turn.initiator = "agent"

    def _read_part(self, turn: Turn, part: Any, *, is_new: bool) -> None:
        match part:
            case {"text": str(text)}:
                turn.prompt(text)
            case {"toolResult": {"content": content}} | {"toolUse": {"input": content}}:
                for text in walk_text(content):
                    turn.prompt(text)
            case {"image": Mapping() as media} | {"document": Mapping() as media} | {"video": Mapping() as media} if (
                is_new
            ):
                source = media.get("source")
                data = source.get("bytes") if isinstance(source, Mapping) else None
                turn.attach(base64_size(data) if isinstance(data, str) else None, next(iter(part)))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if fail_by_name(turn, event) or not isinstance(data, Mapping):
            return
        match event.name:
            case "contentBlockStart":
                if isinstance(data.get("start"), Mapping) and "toolUse" in data["start"]:
                    turn.used("tool")
            case "contentBlockDelta":
                self._read_answer(turn, data.get("delta"), event.at_ms)
            case "messageStop":
                self._stop(turn, data)
            case "metadata":
                turn.usage = read_bedrock_converse(data.get("usage"))
                turn.finished = True
            case None if isinstance(data.get("output"), Mapping):
                message = data["output"].get("message")
                content = message.get("content") if isinstance(message, Mapping) else None
                for part in content if isinstance(content, list) else ():
                    self._read_answer(turn, part, None)
                    if isinstance(part, Mapping) and "toolUse" in part:
                        turn.used("tool")
                self._stop(turn, data)
                turn.usage = read_bedrock_converse(data.get("usage"))
                turn.finished = True

    def _read_answer(self, turn: Turn, part: Any, at_ms: int | None) -> None:
        if not isinstance(part, Mapping):
            return
        turn.answer(part.get("text"), at_ms)
        call = part.get("toolUse")
        for text in walk_text(call.get("input") if isinstance(call, Mapping) else None):
            turn.call_tool(text)
        thought = part.get("reasoningContent")
        if isinstance(thought, Mapping):
            inner = thought.get("reasoningText")
            turn.reason(thought.get("text") or (inner.get("text") if isinstance(inner, Mapping) else None), at_ms)
            if not turn.state.get("thinks"):
                turn.state["thinks"] = True
                turn.used("reasoning")

    def _stop(self, turn: Turn, data: Mapping[str, Any]) -> None:
        if data.get("stopReason") in ("guardrail_intervened", "content_filtered"):
            turn.outcome = "refused"


class Invoke(Dialect):
    """``invoke`` and its stream: the body is the model's own dialect, the headers have the counts."""

    def request(self, turn: Turn, body: Any) -> None:
        model = model_in_path(turn.exchange.path)
        dialect: Dialect = (
            Messages() if isinstance(body, Mapping) and "anthropic_version" in body else ChatCompletions()
        )
        turn.state["dialect"] = dialect
        dialect.request(turn, body)
        turn.request_model = model
        if isinstance(body, Mapping) and "messages" not in body:
            for key in ("inputText", "prompt", "texts", "inputs"):
                for text in walk_text(body.get(key)):
                    turn.prompt(text)
        if "embed" in (model or ""):
            turn.operation = "embeddings"

    def event(self, turn: Turn, event: Event) -> None:
        if fail_by_name(turn, event):
            return
        data = event.data
        if event.name == "chunk" and isinstance(data, Mapping) and isinstance(data.get("bytes"), str):
            try:
                data = parse_or_none(base64.b64decode(data["bytes"]).decode("utf-8", "replace"))
            except (binascii.Error, ValueError):
                return
        if not isinstance(data, Mapping):
            return
        metrics = data.get("amazon-bedrock-invocationMetrics")
        if metrics is not None:
            turn.state["metrics"] = metrics
        turn.state["dialect"].event(turn, Event(data, None, event.at_ms))
        turn.unknown.clear()
        self._read_own(turn, data, event)

    def _read_own(self, turn: Turn, data: Mapping[str, Any], event: Event) -> None:
        """Read the shapes of Titan, Nova, Llama and the picture makers."""
        at_ms = event.at_ms if event.name == "chunk" else None
        turn.answer(data.get("outputText") or data.get("generation"), at_ms)
        results = data.get("results")
        for result in results if isinstance(results, list) else ():
            turn.answer(result.get("outputText") if isinstance(result, Mapping) else None, at_ms)
        delta = data.get("contentBlockDelta")
        if isinstance(delta, Mapping) and isinstance(delta.get("delta"), Mapping):
            turn.answer(delta["delta"].get("text"), at_ms)
        output = data.get("output")
        message = output.get("message") if isinstance(output, Mapping) else None
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, list) else ():
            turn.answer(part.get("text") if isinstance(part, Mapping) else None, at_ms)
        images = data.get("images") or data.get("artifacts")
        if isinstance(images, list) and images:
            turn.operation, turn.media_count = "image", len(images)
            turn.used("image_output", len(images))
        if isinstance(data.get("usage"), Mapping) and "inputTokens" in data["usage"]:
            turn.usage = read_bedrock_converse(data["usage"])
        if event.name != "chunk":
            turn.outcome, turn.finished = turn.outcome or "complete", True

    def finish(self, turn: Turn) -> None:
        turn.state["dialect"].finish(turn)
        metrics = turn.state.get("metrics")
        told = read_bedrock_metrics(metrics) or self._read_headers(turn)
        if turn.usage is None or turn.usage.output is None:
            turn.usage = told or turn.usage
        if metrics is not None:
            turn.finished = True

    def _read_headers(self, turn: Turn) -> Usage | None:
        headers = {name.lower(): value for name, value in turn.exchange.response_headers.items()}

        def count(name: str) -> int | None:
            value = headers.get(f"{_COUNT}{name}-token-count", "")
            return count_or_none(int(value)) if value.isascii() and value.isdigit() and len(value) < 15 else None

        cached = count("cache-read-input")
        usage = Usage(
            input=add(count("input"), cached, count("cache-write-input")), output=count("output"), cached=cached
        )
        return None if usage == Usage() else usage


class Bedrock(ApiService):
    name = "bedrock"
    title = "Amazon Bedrock"
    provider = "aws.bedrock"
    hosts = (
        *(f"bedrock-runtime.{region}.amazonaws.com" for region in REGIONS),
        *(f"bedrock-runtime-fips.{region}.amazonaws.com" for region in REGIONS if region.startswith(("us-", "ca-"))),
        *(f"bedrock-mantle.{region}.api.aws" for region in REGIONS),
    )
    routes = (
        (r"/model/[^/]+/converse(?:-stream)?", Converse()),
        (r"/model/[^/]+/invoke(?:-with-response-stream)?", Invoke()),
        (r"/(?:openai/)?v1/chat/completions", ChatCompletions()),
        (r"/(?:openai/)?v1/responses", Responses()),
        (r"/anthropic/v1/messages", Messages()),
    )
    transports = ("aws event stream", "json", "sse")
    features = ("reasoning", "tool", "file_input", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)
