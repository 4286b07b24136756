"""Suno and Udio, music."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Recall, Turn, Usage
from addon.services._job import JobService
from addon.services._page import identity_at, list_at, pick, text_at

_FEED = "/api/feed/v2"


class Suno(JobService):
    """
    Songs are ordered, usually two at once; a feed is polled until it tells their length.

    Shows: the description or the words to be sung, the model, the number of songs, and their seconds once the feed
    says that they are ready (the same row again). Hides: how long the making took.
    """

    name = "suno"
    title = "Suno"
    provider = "suno"
    hosts = ("studio-api.prod.suno.com", "studio-api.suno.ai")
    path = re.compile(r"/api/generate/v2(?:-web)?/?|/api/feed/v2/?")
    methods = ("POST", "GET")
    kind = "music"
    grade = "documented"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        self.orders: Recall[Turn] = Recall(200)
        """Orders without their text, by the id of each song."""

    def matches(self, method: str, host: str, path: str) -> bool:
        return super().matches(method, host, path) and (method == "GET") == path.startswith(_FEED)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if exchange.path.startswith(_FEED):
            for event in events:
                songs = event.data if isinstance(event.data, list) else list_at(event.data, "clips")
                songs = [event.data] if isinstance(pick(event.data, "id"), str) else songs
                now = exchange.started_at + timedelta(milliseconds=exchange.ended_ms or 0)
                yield from self._hear_feed(songs, now)
            return
        yield from super().turns(exchange, body, events)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "mv")
        turn.prompt(text_at(body, "gpt_description_prompt"))
        turn.prompt(text_at(body, "prompt"))
        turn.prompt(text_at(body, "tags"))

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        songs = [identity for song in list_at(reply, "clips") if (identity := identity_at(song, "id"))]
        turn.response_id = identity_at(reply, "id") or (songs[0] if songs else None)
        turn.response_model = text_at(reply, "clips", 0, "model_name")
        turn.media_count = len(songs)
        turn.state["songs"] = songs
        return bool(songs)

    def finish(self, turn: Turn) -> None:
        super().finish(turn)
        songs = turn.state.get("songs", [])
        if songs:
            from tracker.tokens import count

            twin = turn.twin(replace(turn.exchange, chunks=(), request_body=b""))
            twin.counted = Usage(input=count(turn.text("prompt"), service=self.name))
            twin.forget()
            twin.state["lengths"] = dict.fromkeys(songs)
            for song in songs:
                self.orders.put(song, twin)

    def _hear_feed(self, songs: list[Any], now: datetime) -> Iterator[Turn]:
        """Tell an order once all its songs have a length."""
        for song in songs:
            identity, length = identity_at(song, "id"), pick(song, "metadata", "duration")
            order = self.orders.get(identity)
            if order is None or identity is None or text_at(song, "status") != "complete":
                continue
            lengths: dict[str, Any] = order.state["lengths"]
            lengths[identity] = length if isinstance(length, int | float) and 0 < length < 36_000 else 0
            if all(known is not None for known in lengths.values()):
                order.media_seconds = float(sum(lengths.values())) or None
                order.ended_ms = round((now - order.exchange.started_at).total_seconds() * 1000)
                for known in lengths:
                    self.orders.pop(known)
                yield order


class Udio(JobService):
    """
    Songs are ordered, usually two at once; their making is polled elsewhere.

    Shows: the description, the number of songs. Hides: their length, the model, how long the making took.
    """

    name = "udio"
    title = "Udio"
    provider = "udio"
    hosts = ("www.udio.com",)
    path = re.compile(r"/api/generate-proxy")
    kind = "music"
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.prompt(text_at(body, "prompt"))
        turn.prompt(text_at(body, "lyricInput"))

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        songs = list_at(reply, "track_ids")
        turn.media_count = len(songs)
        turn.response_id = identity_at(songs, 0)
        return bool(songs)
