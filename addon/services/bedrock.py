"""
Amazon Bedrock, as programs use it: converse and invoke, whole or as binary event streams.

Usage is on the wire: in the answer, in its headers, or in the stream's last event. Cache reads and writes come on
top of input tokens. A model named by an ARN of the customer's own is not told by the wire. Agents tell their model
runs only if a trace is asked for; otherwise what is seen of them is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._anthropic_messages import Messages
from addon.services._bedrock import Converse, fail_by_name, model_in_path, unwrap_all
from addon.services._bedrock_agent import Agent, RetrieveAndGenerate
from addon.services._bedrock_sonic import Sonic
from addon.services._content import walk_text
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_responses import Responses
from addon.services._usage import add, first, number, read_bedrock_converse, read_bedrock_metrics
from tracker.record import count_or_none

REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1", "ca-central-1", "ca-west-1",
    "sa-east-1", "mx-central-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-7", "me-central-1", "me-south-1", "il-central-1", "af-south-1",
)  # fmt: skip
_COUNT = "x-amzn-bedrock-"


class Invoke(Dialect):
    """``invoke`` and its stream: the body is the model's own dialect, the headers have the counts."""

    def request(self, turn: Turn, body: Any) -> None:
        model = model_in_path(turn.exchange.path)
        dialect: Dialect = Messages() if isinstance(body, dict) and "anthropic_version" in body else ChatCompletions()
        turn.state["dialect"] = dialect
        dialect.request(turn, body)
        turn.request_model = model
        if isinstance(body, dict) and "messages" not in body:
            for key in ("inputText", "prompt", "texts", "inputs"):
                for text in walk_text(body.get(key)):
                    turn.prompt(text)
        if "embed" in (model or ""):
            turn.operation = "embeddings"

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        return super().read(turn, body, unwrap_all(events, turn.service.adds))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if fail_by_name(turn, event) or not isinstance(data, dict):
            return
        metrics = data.get("amazon-bedrock-invocationMetrics")
        if metrics is not None:
            turn.state["metrics"] = metrics
        turn.state["dialect"].event(turn, Event(data, None, event.at_ms))
        turn.unknown.clear()
        if event.name != "chunk" or "type" not in data:  # a piece with a type is Anthropic's
            self._read_own(turn, data, event)

    def _read_own(self, turn: Turn, data: Mapping[str, Any], event: Event) -> None:
        """Read the shapes of Titan, Nova, Llama and the picture makers."""
        at_ms = event.at_ms if event.name == "chunk" else None
        turn.answer(data.get("outputText") or data.get("generation"), at_ms)
        if any(data.get(key) is not None for key in ("inputTextTokenCount", "prompt_token_count")):
            turn.state["own"] = {**turn.state.get("own", {}), **data}
        elif data.get("totalOutputTextTokenCount") is not None:
            turn.state.setdefault("own", {})["totalOutputTextTokenCount"] = data["totalOutputTextTokenCount"]
        if data.get("completionReason"):
            turn.finished = True
        if data.get("amazon-bedrock-guardrailAction") == "INTERVENED":
            turn.outcome = "refused"
        results = data.get("results")
        for result in results if isinstance(results, list) else ():
            turn.answer(result.get("outputText") if isinstance(result, dict) else None, at_ms)
        delta = data.get("contentBlockDelta")
        if isinstance(delta, dict) and isinstance(delta.get("delta"), dict):
            turn.answer(delta["delta"].get("text"), at_ms)
        output = data.get("output")
        message = output.get("message") if isinstance(output, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            turn.answer(part.get("text") if isinstance(part, dict) else None, at_ms)
        images = data.get("images") or data.get("artifacts")
        if isinstance(images, list) and images:
            turn.operation, turn.media_count = "image", len(images)
            turn.used("image_output", len(images))
        if isinstance(data.get("usage"), dict) and "inputTokens" in data["usage"]:
            turn.usage = read_bedrock_converse(data["usage"])
        if event.name != "chunk":
            turn.outcome, turn.finished = turn.outcome or "complete", True

    def finish(self, turn: Turn) -> None:
        turn.state["dialect"].finish(turn)
        metrics = turn.state.get("metrics")
        told = read_bedrock_metrics(metrics) or self._read_headers(turn) or self._read_body(turn.state.get("own"))
        if turn.usage is None or turn.usage.output is None:
            turn.usage = told or turn.usage
        if metrics is not None:
            turn.finished = True

    def _read_body(self, data: Any) -> Usage | None:
        """Read the counts of Titan and Llama, for an archive that did not keep the headers."""
        if data is None:
            return None
        results = data.get("results")
        written = [number(one, "tokenCount") for one in results] if isinstance(results, list) and results else []
        return Usage(
            input=first(number(data, "inputTextTokenCount"), number(data, "prompt_token_count")),
            output=first(
                add(*written) if written else None,
                number(data, "totalOutputTextTokenCount"),
                number(data, "generation_token_count"),
            ),
        )

    def _read_headers(self, turn: Turn) -> Usage | None:
        def count(name: str) -> int | None:
            value = turn.exchange.response_header(f"{_COUNT}{name}-token-count")
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
        *(f"bedrock-agent-runtime.{region}.amazonaws.com" for region in REGIONS),
        *(f"bedrock-mantle.{region}.api.aws" for region in REGIONS),
    )
    routes = (
        (r"/model/[^/]+/converse(?:-stream)?", Converse()),
        (r"/model/[^/]+/invoke(?:-with-response-stream)?", Invoke()),
        (r"/model/[^/]+/invoke-with-bidirectional-stream", Sonic()),
        (r"/agents/[^/]+(?:/agentAliases/[^/]+/sessions/[^/]+/text)?", Agent()),
        (r"/retrieveAndGenerate(?:Stream)?", RetrieveAndGenerate()),
        (r"/(?:openai/)?v1/chat/completions", ChatCompletions()),
        (r"/(?:openai/)?v1/responses", Responses()),
        (r"/anthropic/v1/messages", Messages()),
    )
    transports = ("aws event stream", "json", "sse")
    features = (
        "reasoning", "agent", "tool", "code", "subagent", "file_input", "image_input", "image_output", "audio_output",
        "voice",
    )  # fmt: skip
    grade = "captured"
    verified = date(2026, 11, 22)
