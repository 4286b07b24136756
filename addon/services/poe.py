"""Poe."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import parse_or_none, split_messages
from addon.framing.snapshots import INNER_TEXT, Repeats, Snapshots
from addon.service import KEPT_BACK, Event, Listener, Service, Turn
from addon.services._page import identity_at, list_at, pick, text_at
from addon.waiting import Waiting

_QUESTION = re.compile(r"(?:chatHelpers_?)?(?:send(?:NewChat)?|regenerate)Message(?:_?Mutation)+", re.IGNORECASE)
_NO_BOTS = frozenset({"human", "chat_break"})
_LATE_WORDS = 32
_SOCKET_HOSTS = ("*.tch.quora.com", "*.tch.poe.com")


class Poe(Service):
    """
    The question is a GraphQL call; the answer comes over a socket on another host, whole again with each update.

    Shows: bot handle, question, uploads, the answer. Hides: token counts, reasoning (inside the text), the history,
    the model behind bots that people made, prices but in points. The socket's host is a new one each time: where it
    is not opened, the question is recorded and the answer's length is unknown. Both halves are one row.
    """

    name = "poe"
    title = "Poe"
    hosts = ("poe.com", *_SOCKET_HOSTS)
    path = re.compile(r"/api/gql_(?:upload_)?POST|/up/[^/]+/updates")
    methods = ("POST", "GET")
    transports = ("json", "websocket")
    repeats = Repeats(re.compile(rb'\\"text\\": ?\\"'), counter=re.compile(rb'"min_seq": ?'), text=INNER_TEXT)
    features = ("file_input", "voice", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        self.waiting = Waiting()
        self.over: deque[str] = deque(maxlen=_LATE_WORDS)
        """Messages that are finished: more is said of them later, when the next answer is waited for."""

    def matches(self, method: str, host: str, path: str) -> bool:
        asks = host == "poe.com"
        right_path = path.startswith("/api/") if asks else path.startswith("/up/")
        return super().matches(method, host, path) and right_path and (method == "POST") == asks

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for field in pick(body, "fields").values() if isinstance(pick(body, "fields"), dict) else ():
            asked = parse_or_none(field)
            body = asked if text_at(asked, "queryName") else body
        if not _QUESTION.fullmatch(text_at(body, "queryName") or ""):
            return
        turn = Turn(self, exchange)
        self._ask(turn, pick(body, "variables"))
        for event in events:
            replies = pick(event.data, "data")
            for reply in replies.values() if isinstance(replies, dict) else ():
                chat = identity_at(reply, "chat", "chatId")
                turn.conversation_id = chat or turn.conversation_id
                if text_at(reply, "status") == "success":
                    turn.outcome = "complete"
        if turn.outcome is None or turn.conversation_id is None:
            return
        turn.response_id = f"{turn.conversation_id}/{turn.message_id}" if turn.message_id else None
        twin = turn.twin(replace(exchange, chunks=(), request_body=b""))
        twin.outcome = None
        twin.request_bytes = exchange.request_bytes or None
        self.waiting.keep(twin, exchange.started_at, turn.conversation_id, owed=False)
        yield turn

    def overdue(self, now: datetime | None) -> Iterable[Turn]:
        return self.waiting.overdue(now)

    def listen(self, opening: Exchange) -> Listener | None:
        return Updates(self, opening)

    def _ask(self, turn: Turn, asked: Any) -> None:
        turn.conversation_id = identity_at(asked, "chatId")
        turn.message_id = identity_at(asked, "clientNonce") or identity_at(asked, "messageId")
        turn.request_model = text_at(asked, "bot")
        turn.prompt(text_at(asked, "query"))
        for _ in list_at(asked, "attachments"):
            turn.attach()
        if pick(asked, "source", "chatInputMetadata", "useVoiceRecord") is True:
            turn.asked("voice")


class Updates:
    """
    One socket for all tabs: an answer belongs to the question that waits in its chat.

    It is sent whole each time that it has grown: what is not yet all of it is read when something else is said.
    """

    def __init__(self, service: Poe, opening: Exchange) -> None:
        self._service, self._opening = service, opening
        self._snapshots = Snapshots(service.repeats)
        self._held: Message | None = None
        self._held_bytes = 0

    def hear(self, message: Message) -> Iterable[Turn]:
        if message.from_client or not self._service.waiting:
            return ()
        if self._snapshots.end_of_next(message.data) == len(message.data) > 0:
            self._held = message
            self._held_bytes += len(message.data)
            return KEPT_BACK
        self._catch_up()
        self._snapshots.forget()
        return self._hear_updates(message, len(message.data))

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        self._catch_up()
        return ()

    def open_turns(self) -> int:
        return 0  # they wait with the service

    def _catch_up(self) -> None:
        """Read the last of those that were held back; it is none that ends an answer."""
        if self._held:
            self._hear_updates(self._held, self._held_bytes)
            self._held, self._held_bytes = None, 0

    def _hear_updates(self, message: Message, size: int) -> list[Turn]:
        """Read all that a message tells; return the answers that are over. If all go on, wait for more of them."""
        over, goes_on = [], True
        for event in split_messages(message.data):
            for inner in list_at(event.data, "messages"):
                turn = self._hear_update(inner, message.at_ms, size)
                if turn is not None and (turn.finished or turn.outcome):
                    over.append(turn)
                goes_on = goes_on and turn is not None and turn.first_token_ms is not None
        if goes_on and not over:
            self._snapshots.begin(message.data)
        return over

    def _hear_update(self, inner: object, at_ms: int | None, size: int) -> Turn | None:
        """Read what is told of a message; return the answer that it belongs to."""
        update = pick(parse_or_none(inner), "payload")
        told = pick(update, "data", "messageAdded")
        message_id = identity_at(told, "messageId")
        if message_id in self._service.over or type(told) is not dict or text_at(told, "author") in _NO_BOTS:
            return None
        chat = (identity_at(update, "unique_id") or "").partition(":")[2]
        now = self._opening.started_at + timedelta(milliseconds=at_ms or 0)
        turn = self._service.waiting.find(chat, asked_by=now)
        if turn is None:
            return None
        at_ms = max(0, round((now - turn.exchange.started_at).total_seconds() * 1000))
        turn.response_bytes = (turn.response_bytes or 0) + size
        turn.answer(text_at(told, "text"), at_ms, part=message_id or "", replace=True)
        turn.ended_ms = at_ms
        match text_at(told, "state"):
            case "complete":
                turn.finished = True
            case "error" | "error_user_message_too_long":
                turn.outcome = "error"
            case "cancelled":
                turn.outcome = "aborted"
            case _:
                return turn
        if message_id:
            self._service.over.append(message_id)
        _count_pictures(turn, told)
        self._service.waiting.drop(turn)
        return turn


def _count_pictures(turn: Turn, told: dict[str, Any]) -> None:
    """Bots that draw hang their pictures on the answer."""
    kinds = [text_at(one, "mimeType") or "" for one in list_at(told, "attachments")]
    pictures = sum(kind.startswith("image/") for kind in kinds)
    if pictures:
        turn.operation, turn.media_count = "image", pictures
        turn.used("image_output", pictures)
