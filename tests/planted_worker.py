"""A worker whose reader misbehaves when the question says so: run as ``python -m tests.planted_worker``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from addon import desk, worker
from addon.exchange import Exchange
from addon.service import Event, Service, Turn, discover

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

    return Planted


if __name__ == "__main__":
    desk.READING_SECONDS = 1.0
    worker.main([plant(service) if service.name == "openai-api" else service for service in discover()])
