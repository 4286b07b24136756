"""What browser services share: foreign JSON without surprises, and answers that go on in another exchange."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Service, Turn
from addon.waiting import Waiting, go_on, shift_events, spare


def pick(value: Any, *path: str | int) -> Any:
    """Return what lies at the path of keys and positions, or None."""
    for key in path:
        if type(value) is dict:
            value = value.get(key)
        elif type(value) is list and type(key) is int and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str | None:
    """Return the text at the path, or None if it is empty or no text."""
    for key in path:  # as in ``pick``: readers ask this more than anything else, and a call more is a tenth of some
        if type(value) is dict:
            value = value.get(key)
        elif type(value) is list and type(key) is int and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value if type(value) is str and value else None


def list_at(value: Any, *path: str | int) -> list[Any]:
    """Return the list at the path, or an empty one."""
    found = pick(value, *path)
    return found if type(found) is list else []


def identity_at(value: Any, *path: str | int) -> str | None:
    """Return an id (text or whole number) as text, or None."""
    found = pick(value, *path)
    if type(found) is int:
        return str(found)
    return found if type(found) is str and 0 < len(found) <= 200 else None


def size_at(value: Any, *path: str | int) -> int | None:
    """Return a positive whole number, written as number or digits, or None."""
    found = pick(value, *path)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 10:
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e9:
        return None
    return int(found)


def pixels(width: int | None, height: int | None) -> int | None:
    """Return the pixels of one picture, or None if a side is unknown."""
    return None if width is None or height is None else width * height


def once(turn: Turn, feature: str, amount: int | None = 1) -> None:
    """Note a feature as used unless this turn has it already."""
    if feature in turn.state.get("noted", ()):
        return
    turn.state.setdefault("noted", set()).add(feature)
    if not any(known.feature == feature and known.state == "used" for known in turn.features):
        turn.used(feature, amount)


def asked_once(turn: Turn, feature: str) -> None:
    """Note a feature as asked unless this turn has it already."""
    if not any(known.feature == feature and known.state == "asked" for known in turn.features):
        turn.asked(feature)


def tool_feature(name: object) -> str:
    """Return the feature that a tool's name, in any site's words, stands for."""
    word = name.lower() if isinstance(name, str) else ""
    for part, feature in (
        ("image_gen", "image_output"), ("imagegen", "image_output"), ("generate_image", "image_output"),
        ("generateimage", "image_output"), ("image_edit", "image_output"), ("code", "code"), ("python", "code"),
        ("search", "web_search"), ("browse", "web_search"), ("open_page", "web_search"), ("open_url", "web_search"),
        ("memory", "memory"), ("mcp", "connector"), ("canvas", "canvas"),
    ):  # fmt: skip
        if part in word:
            return feature
    return "tool"


class Resumable(Service):
    """
    A service whose answer may go on in another exchange (resume, reconnect, continue).

    An answer that broke off is told as aborted and kept for its rest; the rest then gives the same row again, more
    complete. What is kept must take a repeated beginning without doubling it: documents that are patched do.
    """

    def __init__(self) -> None:
        self.waiting = Waiting()

    def continues(self, exchange: Exchange, body: Any) -> str | None:
        """Return the key of the turn that this exchange goes on with, or None if it begins one."""
        return None

    def keys(self, turn: Turn) -> tuple[str | None, ...]:
        """Return the keys under which an unfinished turn is found again."""
        return (turn.response_id,)

    def overdue(self, now: datetime | None) -> Iterable[Turn]:
        return self.waiting.overdue(now)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        now = exchange.started_at + timedelta(milliseconds=exchange.ended_ms or 0)
        key = self.continues(exchange, body)
        turn = self.waiting.take(key) if key else None
        shift = 0
        if turn is None:
            turn = Turn(self, exchange)
            self.request(turn, body)
        else:
            shift = go_on(turn, exchange)
        for event in shift_events(events, shift):
            self.event(turn, event)
        twin = spare(turn)
        self.finish(turn)
        if not turn.finished and turn.outcome is None and any(self.keys(twin)):
            self.waiting.keep(twin, now, *self.keys(twin), owed=False)
        yield turn
