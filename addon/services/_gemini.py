"""Google's generateContent, as AI Studio, Vertex and Code Assist speak it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from addon.service import Event, Turn
from addon.services._content import base64_size, walk_text
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._page import pick
from addon.services._usage import number, read_gemini

_MODEL = re.compile(r"/models/([^/:]+)(?::|$)")
_TOOLS = {
    "functionDeclarations": "tool", "googleSearch": "web_search", "googleSearchRetrieval": "web_search",
    "codeExecution": "code", "urlContext": "web_search", "fileSearch": "file_input", "googleMaps": "tool",
    "computerUse": "agent", "function_declarations": "tool", "google_search": "web_search", "code_execution": "code",
    "url_context": "web_search",
}  # fmt: skip
_REFUSALS = {
    "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "LANGUAGE",
}  # fmt: skip


def model_in_path(path: str) -> str | None:
    """Return the model that a path such as ``/v1beta/models/gemini-2.5-flash:generateContent`` names."""
    found = _MODEL.search(path)
    return unquote(found[1]) if found else None


def bare_name(name: Any) -> str | None:
    """Return a model's name without the folders in front of it."""
    return name.rsplit("/", 1)[-1] if isinstance(name, str) and name else None


class GenerateContent(Dialect):
    """
    One body, server-sent events, or one growing JSON array. Usage is cumulative and not monotone: the last one counts.

    Thoughts that are shown are summaries; their number is reported.
    """

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        turn.state["whole"] = "stream" not in turn.exchange.path.lower()
        if not isinstance(body, dict):
            return
        turn.request_model = turn.request_model or bare_name(body.get("model"))
        inner = body.get("request")
        self._read_request(turn, inner if isinstance(inner, dict) else body)

    def _read_request(self, turn: Turn, body: Mapping[str, Any]) -> None:
        config = body.get("generationConfig") or body.get("config")
        thinking = config.get("thinkingConfig") if isinstance(config, dict) else None
        if isinstance(thinking, dict):
            level = thinking.get("thinkingLevel")
            turn.effort = level.lower() if isinstance(level, str) else None
            if thinking.get("thinkingBudget") != 0:
                turn.asked("reasoning")
        modalities = config.get("responseModalities") if isinstance(config, dict) else None
        for modality in modalities if isinstance(modalities, list) else ():
            if str(modality).upper() in {"IMAGE", "AUDIO"}:
                turn.asked("image_output" if str(modality).upper() == "IMAGE" else "audio_output")
        tools = body.get("tools")
        kinds = (
            {kind for tool in tools if isinstance(tool, dict) for kind in tool} if isinstance(tools, list) else set()
        )
        for feature in sorted({_TOOLS.get(kind, "tool") for kind in kinds}):
            turn.asked(feature)
        for text in walk_text([tools, body.get("systemInstruction") or body.get("system_instruction")]):
            turn.prompt(text)
        session = body.get("session_id")
        turn.conversation_id = session if isinstance(session, str) and session else None
        contents = body.get("contents")
        if isinstance(contents, str):
            turn.prompt(contents)
        if isinstance(contents, list | dict):
            self._read_contents(turn, contents if isinstance(contents, list) else [contents])

    def _read_contents(self, turn: Turn, contents: list[Any]) -> None:
        told = [content for content in contents if isinstance(content, dict)]
        last_answer = max((at for at, content in enumerate(told) if content.get("role") == "model"), default=-1)
        for at, content in enumerate(told):
            parts = content.get("parts")
            for part in parts if isinstance(parts, list) else [parts]:
                if not isinstance(part, dict):
                    continue
                turn.prompt(part.get("text"))
                for text in walk_text([part.get("functionCall"), part.get("functionResponse")]):
                    turn.prompt(text)
                data = (
                    part.get("inlineData") or part.get("inline_data") or part.get("fileData") or part.get("file_data")
                )
                if isinstance(data, dict) and at > last_answer:
                    mime = data.get("mimeType") or data.get("mime_type")
                    size = base64_size(data["data"]) if isinstance(data.get("data"), str) else None
                    turn.attach(size, mime if isinstance(mime, str) else None)
        last = told[-1].get("parts") if told else None
        if isinstance(last, list) and any(isinstance(part, dict) and "functionResponse" in part for part in last):
            turn.initiator = "agent"

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if isinstance(data, list):
            for one in data:
                self.event(turn, Event(one, at_ms=event.at_ms))
            return
        if not isinstance(data, dict):
            return
        if isinstance(data.get("response"), dict):
            turn.response_id = data.get("traceId") if isinstance(data.get("traceId"), str) else turn.response_id
            data = data["response"]
        if data.get("error"):
            fail(turn, data["error"])
            return
        turn.response_model = bare_name(data.get("modelVersion")) or turn.response_model
        turn.response_id = data.get("responseId") if isinstance(data.get("responseId"), str) else turn.response_id
        if isinstance(data.get("usageMetadata"), dict):
            turn.state["usage"] = data["usageMetadata"]
            if number(data["usageMetadata"], "candidatesTokenCount") is not None:
                turn.state["candidates"] = data["usageMetadata"]["candidatesTokenCount"]
        feedback = data.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            turn.outcome, turn.finished = "refused", True
        candidates = data.get("candidates")
        at_ms = None if turn.state.get("whole") else event.at_ms
        for candidate in candidates if isinstance(candidates, list) else ():
            if isinstance(candidate, dict):
                self._read_candidate(turn, candidate, at_ms)

    def _read_candidate(self, turn: Turn, candidate: Mapping[str, Any], at_ms: int | None) -> None:
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                self._read_part(turn, part, at_ms, str(candidate.get("index", 0)))
        finish = candidate.get("finishReason")
        if isinstance(finish, str) and finish:
            turn.state["stopped"] = True
            if finish in _REFUSALS:
                turn.outcome = "refused"
        grounding = candidate.get("groundingMetadata")
        queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
        if isinstance(queries, list) and queries:
            turn.state["searches"] = len(queries)

    def _read_part(self, turn: Turn, part: Mapping[str, Any], at_ms: int | None, name: str) -> None:
        if part.get("thought") is True:
            turn.reason(part.get("text"), at_ms, part=name)
        else:
            turn.answer(part.get("text"), at_ms, part=name)
        call = part.get("functionCall")
        if isinstance(call, dict):
            turn.used("tool")
            turn.call_tool(call.get("name"))
            turn.call_tool(json.dumps(call.get("args", {}), ensure_ascii=False))
        if "executableCode" in part:
            turn.used("code")
            turn.call_tool(pick(part, "executableCode", "code"))
        media = part.get("inlineData")
        mime = media.get("mimeType") if isinstance(media, dict) else None
        if isinstance(mime, str) and mime.startswith("image/"):
            turn.media_count = (turn.media_count or 0) + 1
            turn.used("image_output")
        elif isinstance(mime, str) and mime.startswith("audio/") and not turn.state.get("audio"):
            turn.state["audio"] = True
            turn.used("audio_output")

    def finish(self, turn: Turn) -> None:
        usage = turn.state.get("usage")
        if usage is not None:
            if number(usage, "candidatesTokenCount") is None and "candidates" in turn.state:
                usage = {**usage, "candidatesTokenCount": turn.state["candidates"]}
            if turn.state.get("stopped") or turn.state.get("whole") or turn.outcome == "refused":
                turn.usage = read_gemini(usage)
            else:
                # Cut off: the prompt is known, the counts of the answer are those of a part of it.
                turn.usage = read_gemini({name: value for name, value in usage.items() if "prompt" in name.lower()})
        if turn.state.get("searches"):
            turn.used("web_search", turn.state["searches"])
        if turn.state.get("stopped") or (turn.state.get("whole") and usage is not None):
            turn.finished = True
