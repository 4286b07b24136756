"""The open sockets, as the feeding thread knows them: each worker must be told of those opened before it began."""

from __future__ import annotations

from dataclasses import dataclass

from addon.helper import Helper
from addon.jobs import Job
from addon.parcel import join


@dataclass(slots=True)
class _Socket:
    parcel: bytes
    """What opens it."""
    is_known: bool = False
    """The present worker knows it."""
    part: str | None = None
    """What is lost with the worker, as that last said: a part of a question or of an answer, or nothing."""


class Sockets:
    """By their names, from the job that opens one to the job that closes it."""

    def __init__(self) -> None:
        self._open: dict[str, _Socket] = {}

    def introduce(self, helper: Helper, job: Job, parcel: bytes) -> None:
        """See to it that this worker knows the socket of this job; raises EOFError or OSError if the worker is gone."""
        name = job.socket or ""
        if job.release is not None:  # the opening itself
            self._open[name] = _Socket(parcel)
        elif (socket := self._open.get(name)) is not None and not socket.is_known:
            helper.ask(socket.parcel)
            if socket.part is not None:  # the rest of it must not be taken for another answer
                helper.ask(join({"kind": "lose", "socket": name, "part": socket.part, "number": 0}))
        if name in self._open:
            self._open[name].is_known = True

    def note(self, job: Job, part: str | None) -> None:
        """A worker has dealt with this job of a socket."""
        name = job.socket or ""
        if job.closes:
            self._open.pop(name, None)
        elif name in self._open:
            self._open[name].part = part

    def forget(self, job: Job) -> None:
        """No worker survives what opens or closes this socket."""
        if job.closes or job.release is not None:
            self._open.pop(job.socket or "", None)

    def forget_worker(self) -> None:
        """The worker is gone, and the next one knows nothing."""
        for socket in self._open.values():
            socket.is_known = False
