"""Bedrock's agents and knowledge bases: several model runs for one question, told only by a trace."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

from addon.service import Event, Turn, Usage
from addon.services._bedrock import fail_by_name, name_model
from addon.services._dialect import Dialect
from addon.services._page import pick, text_at
from addon.services._usage import read_bedrock_converse

_STEPS = {"ACTION_GROUP": "tool", "KNOWLEDGE_BASE": "file_input", "AGENT_COLLABORATOR": "subagent"}
_STEPS |= {"ACTION_GROUP_CODE_INTERPRETER": "code"}


class Agent(Dialect):
    """
    An agent answers in pieces of text, with a trace of its steps among them if it was asked for.

    Every model run of the trace has its own usage; they are summed, for together they are the answer.
    """

    def request(self, turn: Turn, body: Any) -> None:
        turn.asked("agent")
        turn.request_model = name_model(text_at(body, "foundationModel"))
        turn.prompt(pick(body, "inputText"))
        turn.prompt(pick(body, "instruction"))
        parts = turn.exchange.path.split("/")
        turn.conversation_id = unquote(parts[6]) if len(parts) > 6 else unquote(parts[-1])
        state = pick(body, "sessionState")
        if pick(state, "returnControlInvocationResults"):
            turn.initiator = "agent"
        files = pick(state, "files")
        for _ in files if isinstance(files, list) else ():
            turn.attach()

    def event(self, turn: Turn, event: Event) -> None:
        if fail_by_name(turn, event):
            return
        match event.name:
            case "chunk":
                turn.answer(_decode(pick(event.data, "bytes")), event.at_ms)
                turn.state["answered"] = True
            case "trace":
                steps = pick(event.data, "trace")
                for step in steps.values() if isinstance(steps, dict) else ():
                    self._read_step(turn, step)
            case "returnControl":
                turn.used("tool")
                turn.state["answered"] = True

    def _read_step(self, turn: Turn, step: Any) -> None:
        model = text_at(step, "modelInvocationInput", "foundationModel")
        turn.response_model = name_model(model) or turn.response_model
        run = read_bedrock_converse(pick(step, "modelInvocationOutput", "metadata", "usage"))
        if run is not None:
            before = turn.usage or Usage(input=0, output=0)
            turn.usage = Usage(input=_sum(before.input, run.input), output=_sum(before.output, run.output))
        kind = text_at(step, "invocationInput", "invocationType")
        if kind is not None:
            turn.used(_STEPS.get(kind, "tool"))
        if text_at(step, "guardrailAction") == "INTERVENED" or text_at(step, "action") == "INTERVENED":
            turn.outcome = "refused"

    def finish(self, turn: Turn) -> None:
        turn.used("agent")
        if not turn.state.get("answered"):
            turn.usage = None  # cut off: the runs after this are not in the sum
        turn.finished = turn.finished or (bool(turn.state.get("answered")) and turn.exchange.ending == "complete")


class RetrieveAndGenerate(Dialect):
    """An answer out of a knowledge base, whole or in pieces; no usage, so what is seen of it is counted."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.prompt(pick(body, "input", "text"))
        turn.conversation_id = text_at(body, "sessionId")
        config = pick(body, "retrieveAndGenerateConfiguration")
        for kind in ("knowledgeBaseConfiguration", "externalSourcesConfiguration"):
            turn.request_model = turn.request_model or name_model(text_at(config, kind, "modelArn"))

    def event(self, turn: Turn, event: Event) -> None:
        if fail_by_name(turn, event):
            return
        turn.conversation_id = text_at(event.data, "sessionId") or turn.conversation_id
        if event.name == "output":
            turn.answer(pick(event.data, "text"), event.at_ms)
        elif event.name is None and isinstance(pick(event.data, "output"), dict):
            turn.answer(pick(event.data, "output", "text"))
        else:
            return
        turn.state["answered"] = True

    def finish(self, turn: Turn) -> None:
        turn.used("file_input", None)
        turn.finished = turn.finished or (bool(turn.state.get("answered")) and turn.exchange.ending == "complete")


def _decode(piece: Any) -> str | None:
    try:
        return base64.b64decode(piece).decode("utf-8", "replace") if isinstance(piece, str) else None
    except ValueError:
        return None


def _sum(before: int | None, now: int | None) -> int | None:
    """Add a run's count; once one run's is unknown, so is the sum."""
    return None if before is None or now is None else before + now
