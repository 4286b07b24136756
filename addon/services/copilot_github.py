"""GitHub Copilot in the browser."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Event, Service, Turn
from addon.services._page import identity_at, list_at, pick, text_at, tool_feature

_QUIET = frozenset({"confirmation", "agentError", "annotations", "debug", "reference"})


class CopilotOnGitHub(Service):
    """
    Server-sent text pieces on Copilot's own hosts (github.com itself stays closed).

    Shows: question, answer, the model asked for, pictures and references sent along, calls of skills. Hides: token
    counts, the model that served, what references and repositories add to the prompt, the history.
    """

    name = "github-copilot-web"
    title = "GitHub Copilot in the browser"
    provider = "github_copilot"
    hosts = (
        "api.individual.githubcopilot.com", "api.business.githubcopilot.com", "api.enterprise.githubcopilot.com",
        "api.githubcopilot.com",
    )  # fmt: skip
    path = re.compile(r"/github/chat/threads/[0-9a-f-]+/messages")
    adds = re.compile(rb'"type": ?"content", ?"body": ?"(?!")')
    features = ("tool", "web_search", "code", "connector", "file_input", "image_input")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.conversation_id = turn.exchange.path.split("/")[4]
        turn.request_model = text_at(body, "model")
        turn.prompt(text_at(body, "content"))
        turn.response_id = identity_at(body, "responseMessageID")
        for _ in list_at(body, "mediaContent"):
            turn.attach(kind="image")
        for reference in list_at(body, "references"):
            text = text_at(reference, "text")
            turn.attach(None if text is None else len(text.encode("utf-8", "replace")))
        if pick(body, "skillOptions", "deepCodeSearch") is True:
            turn.asked("code")
        if list_at(body, "tools"):
            turn.asked("tool")

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if data == "[DONE]":
            turn.finished = True
        if not isinstance(data, dict):
            return
        match data.get("type"):
            case "content" if isinstance(data.get("body"), str):
                turn.answer(data["body"], event.at_ms)
            case "complete":
                turn.finished = True
                turn.response_id = identity_at(data, "id") or turn.response_id
                turn.response_model = text_at(data, "model") or turn.response_model
            case "threadAutoPickedModel" | "routedModel" as kind:
                names = (text_at(data, *path) for path in ((kind,), ("model",), ("model", "id"), ("body",)))
                turn.response_model = next(filter(None, names), turn.response_model)
            case "functionCall":
                if text_at(data, "status") in {None, "started", "executing"}:
                    turn.used(tool_feature(text_at(data, "name")))
            case "error":
                limited = "limit" in str(pick(data, "errorType")).lower()
                turn.outcome = "limited" if limited else "error"
            case _ if text_at(data, "message", "role") == "assistant":  # asked for without a stream
                turn.answer(pick(data, "message", "content"))
                turn.response_model = text_at(data, "message", "model") or turn.response_model
                turn.finished = True
            case str(kind) if kind not in _QUIET:
                turn.wonder(kind)
