"""The open sockets, as the feeding thread knows them: each worker must be told of those opened before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from addon.helper import Helper
from addon.jobs import Job
from addon.parcel import Parcel, wrap

LARGEST_QUESTION = 256 * 1024
"""Bytes of a question that are kept for another worker."""
MOST_DEATHS = 10
"""Workers in a row that may die while a socket is opened; it is not heard any more then."""


@dataclass(slots=True)
class _Socket:
    parcel: Parcel
    """What opens it."""
    is_known: bool = False
    """The present worker knows it."""
    part: str | None = None
    """What was lost of a question or of an answer, as the worker last said, and is not to be heard: or nothing."""
    under_way: int = 0
    """How many answers are lost with the worker, as that last said."""
    asked: list[Job] = field(default_factory=list)
    """What the client has said since the last answer, while nothing came back: the next worker must know it."""
    deaths: int = 0


class Sockets:
    """By their names, from the job that opens one to the job that closes it."""

    def __init__(self) -> None:
        self._open: dict[str, _Socket] = {}

    def introduce(self, helper: Helper, job: Job, parcel: Parcel) -> None:
        """See to it that this worker knows the socket of this job; raises EOFError or OSError if the worker is gone."""
        name = job.socket or ""
        if job.release is not None:  # the opening itself
            self._open[name] = _Socket(parcel)
        elif (socket := self._open.get(name)) is not None and not socket.is_known and socket.deaths < MOST_DEATHS:
            socket.deaths += 1
            helper.ask(socket.parcel)
            if socket.part is not None:  # the rest of it must not be taken for another answer
                helper.ask(wrap({"kind": "lose", "socket": name, "part": socket.part, "number": 0}))
            if socket.under_way:  # nor must that of these
                helper.ask(wrap({"kind": "rests", "socket": name, "n": socket.under_way, "number": 0}))
            for asked in socket.asked:
                helper.ask(asked.pack(number=0))
            socket.deaths = 0
        if name in self._open:
            self._open[name].is_known = True

    def note(self, job: Job, told: Mapping[str, Any]) -> None:
        """A worker has dealt with this job of a socket, and told this."""
        socket = self._open.get(job.socket or "")
        if socket is None:
            return
        if job.closes:
            del self._open[job.socket or ""]
        socket.part, socket.under_way = told.get("part"), told.get("open", 0)
        if not told.get("asked"):
            socket.asked = []
        elif job.instead is not None:
            socket.asked.append(job)
            if sum(one.weight for one in socket.asked) > LARGEST_QUESTION:
                socket.asked = []

    def give_up(self, job: Job) -> None:
        """No worker survived this job. If it opens the socket, that is tried again when something is said on it."""
        name = job.socket or ""
        if job.closes:
            self._open.pop(name, None)
        elif job.release is not None and name in self._open:
            self._open[name].parcel = job.pack(number=0)  # it is done with, as what the tally counts

    def forget_worker(self) -> None:
        """The worker is gone, and the next one knows nothing."""
        for socket in self._open.values():
            socket.is_known = False
