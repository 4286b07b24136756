"""OpenCode's database, in which nothing runs that others may have put there, and whose sessions are an agent's."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from tracker.imports.logs import LONGEST_LINE, parse

_LARGEST_INFO = 1 << 20
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
_CHILDREN = "SELECT id FROM session WHERE parent_id IS NOT NULL"
# v2 keeps the role in the row's type; both keep the rest as JSON. v1 comes first, for it may tell a total.
_QUERIES = {
    "message": "SELECT session_id, NULL, {data} FROM message ORDER BY session_id, {moment}, id",
    "session_message": "SELECT session_id, type, {data} FROM session_message ORDER BY session_id, {moment}, id",
}
_DATA = f"CASE WHEN length(data) <= {LONGEST_LINE} THEN data END"


def open_database(file: Path) -> sqlite3.Connection:
    """Open OpenCode's database to be read; whoever made it, no view or trigger of theirs runs."""
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    connection.text_factory = bytes  # one text that is not UTF-8 must not end the reading of all
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA, False)
    return connection


def read_rows(connection: sqlite3.Connection) -> Iterator[tuple[object, object, object]]:
    """Yield session, type (None in the first generation) and data of each message. Raises ``sqlite3.Error``."""
    for table, query in _QUERIES.items():
        columns = _columns(connection, table)
        if columns >= {"id", "session_id", "data"} and (table == "message" or "type" in columns):
            moment = "time_created" if "time_created" in columns else "id"
            yield from connection.execute(query.format(data=_DATA, moment=moment))


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns that a table keeps; not those that would be worked out anew for each row, which may take."""
    if table.encode() not in {name for (name,) in connection.execute(_TABLES)}:
        return set()
    return {row[1].decode("utf-8", "replace") for row in connection.execute(f"PRAGMA table_info({table})")}


class Sessions:
    """Which sessions were begun by another one's agent: looked up once for all, however many there are."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._infos: dict[str, Path] = {}
        self._database: Path | None = None
        self._children: frozenset[str] = frozenset()

    def has_parent(self, file: Path, session: str | None) -> bool:
        """Whether the session of this message is such a one; False where nothing is known of it."""
        if session is None:
            return False
        if file.suffix != ".json":
            return session in self._children_in(file)
        info = self._infos_beside(file).get(session) if len(file.parents) > 2 else None
        if info is None or info.stat().st_size >= _LARGEST_INFO:
            return False
        return bool((parse(info.read_bytes()) or {}).get("parentID"))

    def _infos_beside(self, file: Path) -> dict[str, Path]:
        if self._folder != file.parents[2]:
            self._folder = file.parents[2]
            found = self._folder.glob("session/*/*.json")
            self._infos = {info.stem: info for info in found if re.fullmatch(r"\w{1,80}", info.stem)}
        return self._infos

    def _children_in(self, file: Path) -> frozenset[str]:
        if self._database != file:
            self._database, self._children = file, frozenset()
            with suppress(sqlite3.Error), closing(open_database(file)) as connection:
                if _columns(connection, "session") >= {"id", "parent_id"}:
                    rows = connection.execute(_CHILDREN)
                    self._children = frozenset(
                        name.decode("utf-8", "replace") for (name,) in rows if isinstance(name, bytes)
                    )
        return self._children
