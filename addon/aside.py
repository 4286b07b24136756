"""Hosts we step aside for, because a program refuses our certificate, or a site us, or we its; kept over restarts."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tracker.private import read_json, write_whole

Reason = Literal["handshake", "challenge", "certificate", "refusal"]
HANDSHAKE_SECONDS = 3600.0
CHALLENGE_SECONDS = 86_400.0
CERTIFICATE_SECONDS = 600.0
WITHIN_SECONDS = 60.0
CHALLENGES = 2
HANG_UPS = 3
"""A program that hangs up in the handshake without a word so often within a minute does not trust us either."""


@dataclass(frozen=True, slots=True)
class Aside:
    """One host that passes untouched for a while."""

    host: str
    reason: Reason
    since: float
    until: float
    program: str | None = None
    """Which kind of program it is (a digest of how it says hello); None: whoever asks."""

    def __str__(self) -> str:
        if self.reason == "challenge":
            return (
                f"{self.host} asked twice for a check that it does not accept through klimaspor · it now passes "
                "unrecorded for a day · reload the page; what you do there can be imported from a HAR or a data export"
            )
        if self.reason == "certificate":
            return (
                f"{self.host} shows a certificate that klimaspor cannot check · it now passes unrecorded for ten "
                "minutes · reload the page; your browser says what it thinks of it"
            )
        if self.reason == "refusal":
            return (
                f"{self.host} refuses klimaspor, as a site does that asks for a certificate of yours · it now passes "
                "unrecorded for an hour · reload the page"
            )
        return (
            f"A program does not trust klimaspor's certificate · {self.host} now passes unrecorded for an hour for "
            "that program · nothing to do if that is as it should be; else see `klimaspor doctor`"
        )


class Asides:
    """All hosts stepped aside for, in memory and in a file (0600) that outlives a restart."""

    def __init__(
        self, path: Path | None, *, tell: Callable[[str], None] = print, clock: Callable[[], float] = time.time
    ) -> None:
        self._path, self._tell, self._clock = path, tell, clock
        self._asides: dict[tuple[str, str | None], Aside] = {}
        self._passed: dict[tuple[str, str | None], float] = {}
        self._strikes: defaultdict[tuple[str, str | None], deque[float]] = defaultdict(lambda: deque(maxlen=HANG_UPS))
        for aside in _read(path):
            self._asides[aside.host, aside.program] = aside

    def let_pass(self, host: str, program: str) -> bool:
        """Whether this connection passes untouched; if so, it is noted that something passed unread."""
        if not self.holds(host, program):
            return False
        for key in ((host, None), (host, program)):
            if key in self._asides:
                self._passed[key] = self._clock()
        return True

    def gaps(self) -> list[tuple[Aside, float]]:
        """Return the asides through which something passed, and until when; a challenged site is a gap in itself."""
        now = self._clock()
        found = []
        for key, aside in self._asides.items():
            last = now if aside.reason == "challenge" else self._passed.get(key, 0.0)
            if last >= aside.since:
                found.append((aside, min(last, aside.until)))
        return found

    def holds(self, host: str, program: str | None = None) -> bool:
        """Whether this host passes untouched now, for this program or for all."""
        now = self._clock()
        for key in ((host, None), (host, program)):
            aside = self._asides.get(key)
            if aside is not None:
                if now < aside.until:
                    return True
                del self._asides[key]
        return False

    def refuse(self, host: str, program: str) -> None:
        """A program refused our certificate for this host: leave it alone for an hour."""
        self._step(host, "handshake", HANDSHAKE_SECONDS, program)

    def hang_up(self, host: str, program: str) -> None:
        """A program hung up in the handshake: chance, unless it happens again and again."""
        if self._strike((host, program), HANG_UPS):
            self.refuse(host, program)

    def succeed(self, host: str, program: str) -> None:
        """A program shook hands with us for this host: what it hung up on before was chance."""
        self._strikes.pop((host, program), None)

    def challenge(self, host: str) -> bool:
        """The site asked for a check; return whether that was once too often and it now passes untouched."""
        if not self._strike((host, None), CHALLENGES):
            return False
        self._step(host, "challenge", CHALLENGE_SECONDS, None)
        return True

    def mistrust(self, host: str) -> None:
        """The site shows a certificate that we cannot check: who asks shall see it, and judge by what they trust."""
        self._step(host, "certificate", CERTIFICATE_SECONDS, None)

    def refused(self, host: str) -> None:
        """The site does not talk to us, as one that asks for a certificate of the person's: that is between them."""
        self._step(host, "refusal", HANDSHAKE_SECONDS, None)

    def current(self) -> tuple[Aside, ...]:
        """Return the asides that hold now."""
        now = self._clock()
        return tuple(aside for aside in self._asides.values() if now < aside.until)

    def _strike(self, key: tuple[str, str | None], times: int) -> bool:
        now = self._clock()
        strikes = self._strikes[key]
        strikes.append(now)
        if len(self._strikes) > 1000:
            self._strikes.pop(next(iter(self._strikes)))
        recent = [moment for moment in strikes if now - moment < WITHIN_SECONDS]
        return len(recent) >= times

    def _step(self, host: str, reason: Reason, seconds: float, program: str | None) -> None:
        now = self._clock()
        if self.holds(host, program):
            return
        aside = Aside(host, reason, now, now + seconds, program)
        self._asides[host, program] = aside
        self._strikes.pop((host, program), None)
        self._tell(str(aside))
        if self._path is not None:
            try:
                write_whole(self._path, json.dumps([asdict(aside) for aside in self.current()]))
            except OSError as error:
                self._tell(f"That could not be noted ({error.strerror}) · {self._path} · make the folder writable")


def _read(path: Path | None) -> list[Aside]:
    if path is None:
        return []
    try:
        entries = read_json(path)
        return [Aside(**entry) for entry in entries]
    except (OSError, ValueError, TypeError):
        return []  # not there yet, or damaged: the next refusal writes it anew
