"""
A worker whose reader misbehaves when the question, or a message of a socket, says so.

Run as ``python -m tests.planted_worker``. The faults ``outside`` and ``afterwards`` are the worker's own, once: before
anything of its batch is read, and when all of it is written.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addon import desk, worker
from addon.exchange import Ending, Exchange, Message
from addon.service import Event, Listener, Service, Turn, discover

FAULTS = ("raise", "hang", "catastrophe", "eat", "die")


def misbehave(fault: str) -> None:
    match fault:
        case "raise":
            raise ValueError("a reader must not tell: " + "canary")
        case "hang":
            while True:
                pass
        case "catastrophe":
            re.fullmatch(r"(a|a)*b", "a" * 60)  # never gives up, and holds the interpreter while at it
        case "eat":
            held = [bytearray(3_000_000_000) for _ in range(1000)]
            sys.exit(len(held))
        case "die":
            os._exit(9)


def plant(base: type[Service]) -> type[Service]:
    class Planted(base):  # type: ignore[misc, valid-type]  # the base is found at run time
        name = base.name

        def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
            if isinstance(body, dict):
                misbehave(body.get("metadata", {}).get("fault", ""))
            return super().turns(exchange, body, events)

        def listen(self, opening: Exchange) -> Listener | None:
            for what in opening.query.split("&"):
                if Path(what).is_file():
                    Path(what).unlink()
                    misbehave("die")
                misbehave(what)
            listener = super().listen(opening)
            return None if listener is None else PlantedListener(listener)

    return Planted


@dataclass(frozen=True, slots=True)
class PlantedListener:
    listener: Listener

    def hear(self, message: Message) -> Iterable[Turn]:
        misbehave(json.loads(message.data).get("metadata", {}).get("fault", ""))
        return self.listener.hear(message)

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return self.listener.close(ending, at_ms)

    def open_turns(self) -> int:
        return self.listener.open_turns()


class PlantedDesk(desk.Desk):
    def _take_all(self, sizes: list[int], blob: memoryview) -> dict[str, Any]:
        if b'"fault": "outside"' in bytes(blob):
            misbehave("raise")
        told = super()._take_all(sizes, blob)
        if b'"fault": "afterwards"' in bytes(blob):
            misbehave("raise")
        return told


if __name__ == "__main__":
    desk.READING_SECONDS = 1.0
    worker.Desk = PlantedDesk  # type: ignore[misc]  # the worker takes whatever it finds in this place
    planted = {"openai-api", "codex"}
    worker.main([plant(service) if service.name in planted else service for service in discover()])
