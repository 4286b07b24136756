"""
How far the answers of each proxy have been brought to an end: noted in one transaction with the rows they became.

So a kill at any moment leaves an answer either written and noted, or neither, and what is missing can be counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracker.store import Store


@dataclass(frozen=True, slots=True)
class Mark:
    """Of one proxy and one service, since that proxy started."""

    tally: str
    """Names the proxy, by its file of answers under way."""
    service: str
    done: int
    """Answers written or counted as lost, less those that only the worker saw begin."""
    held: int = 0
    """Answers that are under way in the worker's memory."""
    last: int = 0
    """Number of the last parcel of which everything is in the database."""


def note(connection: sqlite3.Connection, marks: Iterable[Mark]) -> None:
    """Put these marks in the place of older ones, within the open transaction."""
    connection.executemany(
        "INSERT OR REPLACE INTO under_way (tally, service, done, held, last) VALUES (?, ?, ?, ?, ?)",
        [(mark.tally, mark.service, mark.done, mark.held, mark.last) for mark in marks],
    )


def forget(connection: sqlite3.Connection, condition: str, values: Mapping[str, str]) -> None:
    """Drop the marks of some services, and note that they were: a proxy that runs goes on from its own file."""
    gone = f"FROM under_way WHERE {condition}"
    connection.execute(f"INSERT OR REPLACE INTO under_way SELECT DISTINCT tally, '', 0, 0, 0 {gone}", values)
    connection.execute(f"DELETE {gone} AND service != ''", values)


def marks_of(store: Store, tally: str) -> list[Mark]:
    """Return the marks of one proxy."""
    with store.reading() as connection:
        rows = connection.execute("SELECT tally, service, done, held, last FROM under_way WHERE tally = ?", (tally,))
        return [Mark(*row) for row in rows]


def sweep(store: Store, kept: Callable[[], Collection[str]]) -> None:
    """Drop the marks of proxies that are not ``kept`` any more, nor have anything left to be counted."""
    sql = "SELECT DISTINCT tally FROM under_way"
    with store.reading() as connection:
        known = {tally for (tally,) in connection.execute(sql)}
    if known <= set(kept()):
        return
    with store.writing() as connection:  # from here on nobody writes a first mark: whoever has one is kept
        gone = {tally for (tally,) in connection.execute(sql)} - set(kept())
        connection.executemany("DELETE FROM under_way WHERE tally = ?", [(tally,) for tally in gone])
