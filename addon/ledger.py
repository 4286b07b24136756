"""What a worker has taken and not written yet: if it dies, that is lost and must be counted, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """What is to be counted if nobody has it any more."""

    service: str
    reason: str
    n: int = 1
    answers: int = 0
    """How many answers of the tally are done with when that is counted."""


class Ledger:
    """By number of the parcel. It is empty most of the time: what is taken is written before the worker says so."""

    def __init__(self) -> None:
        self._owed: dict[int, Loss] = {}

    def note(self, number: int, loss: Loss) -> None:
        """The parcel of this number is not written yet."""
        if loss.n or loss.answers:
            self._owed[number] = loss

    def settle(self, written: int) -> None:
        """All parcels up to this number are in the database."""
        for number in [number for number in self._owed if number <= written]:
            del self._owed[number]

    def give_up(self, written: int) -> list[Loss]:
        """Return what was lost with a worker that had brought the parcels up to this number into the database."""
        self.settle(written)
        lost = list(self._owed.values())
        self._owed.clear()
        return lost
