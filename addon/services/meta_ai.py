"""
Meta AI in the browser: its socket of 2026 and the GraphQL calls of before.

The wire shows the message, the visible answer, statuses of thinking and pictures. It names no model (a family at
best), no token counts; history and searches are hidden. All GraphQL calls of the page share one path: those that are
no messages are dropped after a look at their name. Meta AI inside WhatsApp, Instagram and Facebook is not seen.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.framing import parse_or_none
from addon.framing.snapshots import Repeats
from addon.service import Event, Listener, Recall, Service, Turn
from addon.services._meta_reply import write_reply
from addon.services._meta_socket import MetaSocket
from addon.services._page import list_at, once, pick, text_at

GATEWAY = "gateway.meta.ai"
SOCKET = re.compile(r"/ws/clippy")
SEND = "useAbraSendMessageMutation"
MODES = {"think_fast": "fast", "think_hard": "thinking"}


class MetaAI(Service):
    name = "meta-ai"
    title = "Meta AI"
    provider = "meta"
    hosts = (GATEWAY, "www.meta.ai", "graph.meta.ai")
    path = re.compile(r"/api/graphql/?|/graphql")
    transports = ("websocket", "sse", "ndjson")
    repeats = Repeats(re.compile(rb'"(?:text|content|thought_text|snippet)": ?"'))
    tokens = "counted"
    features = ("reasoning", "web_search", "file_input", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        self.modes: Recall[str] = Recall()
        """The mode of each conversation, as a call beside the socket set it."""

    def matches(self, method: str, host: str, path: str) -> bool:
        if host == GATEWAY:
            return method == "GET" and SOCKET.fullmatch(path) is not None
        where = r"/graphql" if host == "graph.meta.ai" else r"/api/graphql/?"
        return method == "POST" and host in self.hosts and re.fullmatch(where, path) is not None

    def listen(self, opening: Exchange) -> Listener | None:
        return MetaSocket(self, opening, self.modes) if opening.host == GATEWAY else None

    def request(self, turn: Turn, body: Any) -> None:
        variables = pick(body, "variables")
        variables = parse_or_none(variables) if isinstance(variables, str) else variables
        if text_at(body, "fb_api_req_friendly_name") == SEND:
            turn.prompt(pick(variables, "message", "sensitive_string_value"))
            turn.conversation_id = text_at(variables, "externalConversationId")
        elif text_at(variables, "content") and text_at(variables, "conversationId"):
            turn.prompt(pick(variables, "content"))
            turn.conversation_id = text_at(variables, "conversationId")
            turn.message_id = text_at(variables, "assistantMessageId")
            turn.effort = MODES.get(text_at(variables, "mode") or "")
            if turn.effort and turn.conversation_id:
                self.modes.put(turn.conversation_id, turn.effort)
            turn.state["may_go_by_socket"] = True
            for _ in list_at(variables, "attachmentsV2"):
                turn.attach()
            if pick(variables, "imagineOperationRequest"):
                turn.asked("image_output")
        else:
            turn.dropped = True
        if turn.effort == "thinking":
            turn.asked("reasoning")

    def event(self, turn: Turn, event: Event) -> None:
        if turn.dropped:
            return
        if message := pick(event.data, "data", "node", "bot_response_message"):
            self._take_message(turn, message, event.at_ms)
        elif reply := _find_reply(event.data):
            turn.response_id = text_at(reply, "response_id") or turn.response_id
            write_reply(turn, reply)
            if turn.first_token_ms is None and turn.has_text("answer"):
                turn.first_token_ms = event.at_ms
            turn.finished = turn.finished or pick(reply, "is_complete") is True
        elif list_at(event.data, "errors") and not turn.has_text("answer"):
            turn.outcome = "error"

    def finish(self, turn: Turn) -> None:
        streams = turn.exchange.response_header("content-type").startswith("text/event-stream")
        if turn.state.get("may_go_by_socket") and not streams and not turn.has_text("answer"):
            turn.dropped = True  # only announced here: the answer comes on the socket

    def _take_message(self, turn: Turn, message: Any, at_ms: int | None) -> None:
        turn.response_id = text_at(message, "id") or turn.response_id
        turn.answer(pick(message, "snippet"), at_ms, part="snippet", replace=True)
        if pick(message, "fetch_id"):
            once(turn, "web_search")
        pictures = pick(message, "imagine_card")
        if isinstance(pictures, dict) and pictures:
            sessions = list_at(pictures, "session", "media_sets", 0, "imagine_media")
            turn.media_count = len(sessions) or None
            once(turn, "image_output", len(sessions) or None)
        if text_at(message, "streaming_state") == "OVERALL_DONE":
            turn.finished = True


def _find_reply(value: Any, depth: int = 6) -> Any:
    """Return the reply with sections somewhere in an event's data."""
    if not isinstance(value, dict) or depth == 0:
        return None
    if isinstance(value.get("sections"), list):
        return value
    for inner in value.values():
        if found := _find_reply(inner, depth - 1):
            return found
    return None
