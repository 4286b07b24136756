"""Grants the wish for a scrubbed example: a service's next exchange, safe to share, and what it reads as."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from addon.exchange import Exchange, Message
from addon.reading import Reading
from addon.scrubbing.example import make_example
from addon.scrubbing.refusals import MOST_BYTES, MOST_MESSAGES, Refused
from tracker.private import write_whole


@dataclass(frozen=True, slots=True)
class Wish:
    """The file, beside the database, in which ``klimaspor capture`` says what it waits for."""

    path: Path

    @classmethod
    def of(cls, folder: Path, service: str) -> Wish:
        """Return the wish for a service, whether or not it has been made."""
        return cls(folder / f"capture-{service}.wish")

    def make(self) -> None:
        """Make the wish; the answer comes to ``granted``."""
        self.path.touch(mode=0o600)

    @property
    def made(self) -> bool:
        return self.path.exists()

    @property
    def granted(self) -> Path:
        """Where the example is left, 0600, for the waiting command to take."""
        return self.path.with_suffix(".json")

    def grant(self, exchange: Exchange) -> None:
        """
        Leave the scrubbed example, or why there is none, whole or not at all.

        The wish is forgotten first, so that an exchange which costs the worker its life does so once.
        """
        self.path.unlink(missing_ok=True)
        try:
            told = make_example(exchange)
        except Refused as refusal:
            told = {"refused": refusal.reason}
        except Exception:  # noqa: BLE001 - a fault of the scrubber must cost an example, never a record
            told = {"refused": "fault"}
        write_whole(self.granted, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


@dataclass(slots=True)
class Captures:
    """The wishes as the worker sees them: what is heard is offered to whoever waits for it, and no one else."""

    folder: Path
    _sockets: dict[str, tuple[Wish, Exchange, list[Message]]] = field(default_factory=dict)

    def take(self, service: str, exchange: Exchange, reading: Reading) -> None:
        """Offer an exchange; one that was nobody's turn grants no wish."""
        wish = Wish.of(self.folder, service)
        if wish.made and (reading.records or reading.unread):
            self._grant(wish, exchange)

    def open(self, socket: str, service: str, opening: Exchange) -> None:
        """A socket opens: if somebody waits for its service, keep its messages until its first turn has ended."""
        wish = Wish.of(self.folder, service)
        if wish.made:
            self._sockets[socket] = (wish, opening, [])

    def hear(self, socket: str, message: Message) -> None:
        """Keep a message of a socket that somebody waits for, while there is room and one more, which tells."""
        if kept := self._sockets.get(socket):
            size = sum(len(one.data) for one in kept[2])
            if len(kept[2]) <= MOST_MESSAGES and size <= MOST_BYTES:
                kept[2].append(message)

    def turn(self, socket: str, reading: Reading) -> None:
        """A turn of a socket has ended."""
        if (reading.records or reading.unread) and (kept := self._sockets.pop(socket, None)):
            wish, opening, messages = kept
            self._grant(wish, replace(opening, messages=tuple(messages)))

    def close(self, socket: str) -> None:
        """A socket is gone: let go of what was kept of it."""
        self._sockets.pop(socket, None)

    def _grant(self, wish: Wish, exchange: Exchange) -> None:
        try:
            wish.grant(exchange)
        except OSError:
            return  # the command sees that its wish is gone, and says so
