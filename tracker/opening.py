"""Opening the database file: private, ours, not newer than we are, and errors a person can act on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracker.errors import TellableError
from tracker.harmless import harmless
from tracker.private import make_private_folder
from tracker.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

BUSY_TIMEOUT_S = 5.0
_CACHE_FOR_MANY_KIB = 16_000
_RESTORE = "restore a backup, or move the file away to start afresh"


class StoreError(TellableError):
    """The database cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(harmless(message))


class NoDatabaseError(StoreError):
    """There is no database yet: nothing has been recorded or imported."""


def default_path() -> Path:
    """Return the database of this person: ``KLIMASPOR_DB``, else ``klimaspor.db`` in the user's data directory."""
    if chosen := os.environ.get("KLIMASPOR_DB"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("klimaspor", appauthor=False)) / "klimaspor.db"


def open_database(
    path: Path, *, readonly: bool, for_many: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> sqlite3.Connection:
    """
    Open the database, brought up to date; make it (0600, in a 0700 folder) if it is to be written and is not there.
    Where ``for_many`` records it keeps more of the file in memory, for their ids come in no order.

    :raises NoDatabaseError: if it is to be read and is not there.
    :raises StoreError: if it is locked, damaged, not ours, made by a newer klimaspor, or may not be used.
    """
    with explained(path):
        for part in (path, *(path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm"))):
            if part.exists() and not part.is_file():  # a pipe or a device would be waited for
                raise StoreError(f"This is not a file · {part} · choose another place with --db")
        if readonly:
            if not path.exists():
                raise NoDatabaseError(
                    f"Nothing has been recorded yet · {path} · start with `klimaspor try`, `klimaspor browser` or "
                    "`klimaspor import`"
                )
            database = _connect_to_read(path, busy_timeout_s)
            if not _is_current(database):
                database.close()
                open_database(path, readonly=False, busy_timeout_s=busy_timeout_s).close()
                database = _connect_to_read(path, busy_timeout_s)
            return database
        connection = _open_to_write(path, busy_timeout_s)
        if for_many:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_FOR_MANY_KIB}")
        return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a ``StoreError`` that a person can act on."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_sentence(error, path)) from error
    except UnicodeDecodeError as error:  # SQLite names what is damaged, and the name is damaged too
        raise StoreError(f"The database is damaged · {path} · {_RESTORE}") from error
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise StoreError(f"The database cannot be used ({what}) · {path} · choose another place with --db") from error


@contextmanager
def distrusted(path: Path) -> Iterator[None]:
    """Turn what is raised over a value that klimaspor never writes into a ``StoreError``."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise _foreign(path) from error


def _foreign(path: Path) -> StoreError:
    return StoreError(f"The database was changed by another program · {path} · {_RESTORE}")


def _sentence(error: sqlite3.Error, path: Path) -> str:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            what, advice = "The database is locked", "another program is writing to it; close that one and try again"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            what, advice = "The database is read-only", "allow writing to the file and its folder"
        case sqlite3.SQLITE_FULL:
            what, advice = "The disk is full", "make room; nothing that was recorded before is lost"
        case sqlite3.SQLITE_NOTADB:
            what, advice = "This file is not a klimaspor database", "choose another file with --db"
        case sqlite3.SQLITE_CORRUPT:
            what, advice = "The database is damaged", _RESTORE
        case sqlite3.SQLITE_CANTOPEN:
            what, advice = "The database cannot be opened", "check that the folder exists and is yours"
        case sqlite3.SQLITE_IOERR:
            what, advice = "The disk failed while reading or writing", "check the disk and its free space"
        case _:
            what = f"The database cannot be used ({type(error).__name__})"
            advice = "check that the file was not changed by another program"
    return f"{what} · {path} · {advice}"


def _open_to_write(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    make_private_folder(path.parent)
    if not path.exists():
        # Made before SQLite opens it, so that others can never read it, nor its -wal and -shm, which copy its mode.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    elif not os.access(path, os.W_OK):
        raise StoreError(f"The database is read-only · {path} · allow writing to the file and its folder")
    connection = sqlite3.connect(path, timeout=busy_timeout_s)
    _distrust(connection)
    try:
        _check_ours(connection, path)
        if not _is_current(connection):
            _migrate(connection)
        _check_tables(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives a killed process; only a power cut may cost the last seconds, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=busy_timeout_s)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        wal = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (wal.exists() and wal.stat().st_size):
            raise
        # A database on a read-only medium: nobody can be writing to it.
        connection = sqlite3.connect(uri + "&immutable=1", uri=True, timeout=busy_timeout_s)
    except BaseException:
        connection.close()
        raise
    _distrust(connection)
    try:
        _check_ours(connection, path)
        if _is_current(connection):
            _check_tables(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _distrust(connection: sqlite3.Connection) -> None:
    """Somebody else may have made the file: what it holds steers nothing, and no trigger or view of theirs runs."""
    connection.text_factory = _read_text
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA, False)


def _read_text(raw: bytes) -> str:
    """Return a text of the file, which somebody else may have made."""
    return harmless(raw.decode("utf-8", "replace"))


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    application = _pragma(connection, "application_id")
    holds_something = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    if application not in {0, APPLICATION_ID} or (application == 0 and holds_something):
        raise StoreError(f"This file is not a klimaspor database · {path} · choose another file with --db")
    if _pragma(connection, "user_version") > SCHEMA_VERSION:
        raise StoreError(f"The database was made by a newer klimaspor · {path} · update klimaspor to use it")


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file whose tables take values of any type: nothing that is read from them could be relied on."""
    strict = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict"
    if TABLES - {name for (name,) in connection.execute(strict)}:
        raise _foreign(path)


def _is_current(connection: sqlite3.Connection) -> bool:
    return _pragma(connection, "user_version") == SCHEMA_VERSION


def _migrate(connection: sqlite3.Connection) -> None:
    # Imported here: reading a report needs neither migrations nor the package that runs them.
    from sqlite_utils import Database

    from tracker.migrations import migrations

    connection.execute("BEGIN IMMEDIATE")  # two programs may start at once: the second waits, then finds it done
    try:
        if not _is_current(connection):
            migrations.apply(Database(connection, execute_plugins=False))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
