"""What waits for the worker, and what has been counted of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from addon.parcel import join


@dataclass(slots=True)
class Job:
    """One thing for the worker to do; packed only when its turn comes, in the feeding thread."""

    pack: Callable[[], bytes]
    service: str = ""
    socket: str | None = None
    weight: int = 300
    release: Callable[[], None] | None = None
    batched: bool = False
    """It may go to the worker together with others like it."""
    closes: bool = False
    """It is the end of its socket."""
    tried: bool = False
    answered: Callable[[dict[str, Any]], None] | None = None


@dataclass(slots=True)
class Counters:
    """What the proxy knows of its own work since it started."""

    handed: int = 0
    read: int = 0
    restarts: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """By reason: ``overload``, ``hang``, ``memory``, ``crash``, ``worker-lost``, ``too-large``."""


def tell_lost(service: str, reason: str, n: int) -> Job:
    """Return the job that has losses written down."""
    return Job(lambda: join({"kind": "lost", "service": service, "reason": reason, "n": n}))
