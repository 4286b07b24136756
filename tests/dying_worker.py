"""
A worker that is killed at the very moment that the question names: run as ``python -m tests.dying_worker``.

If the question says so, the proxy is killed with it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tracker.store
from addon import worker
from addon.exchange import Exchange
from addon.outbox import Outbox
from addon.service import Event, Service, Turn, discover
from addon.tally import Tally

MOMENTS = {
    "while it reads": False,
    "before the row": False,
    "between the row and its mark": False,
    "before the commit": False,
    "after the commit": True,
    "after the note in the file": True,
}
"""When it dies → whether the row is there then."""

doom: dict[str, Any] = {}
"""What the question says of this."""


def reach(moment: str) -> None:
    """Die here, if this is the moment."""
    if doom.get("moment") == moment:
        if doom.get("proxy") == "too":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def dying(act: Callable[..., Any], before: str | None = None, after: str | None = None) -> Callable[..., Any]:
    def done(*arguments: Any) -> Any:
        if before:
            reach(before)
        given = act(*arguments)
        if after:
            reach(after)
        return given

    return done


def plant(base: type[Service]) -> Service:
    class Planted(base):  # type: ignore[misc, valid-type]  # the base is found at run time
        name = base.name

        def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
            if isinstance(body, dict) and body.get("metadata"):
                doom.update(body["metadata"])
            reach("while it reads")
            yield from super().turns(exchange, body, events)

    return Planted()


if __name__ == "__main__":
    Outbox._write = dying(Outbox._write, before="before the row")  # type: ignore[method-assign]
    in_store = vars(tracker.store)
    in_store["note"] = dying(in_store["note"], "between the row and its mark", "before the commit")
    Tally.note = dying(Tally.note, "after the commit", "after the note in the file")  # type: ignore[method-assign]
    worker.main([plant(service) if service.name == "openai-api" else service() for service in discover()])
