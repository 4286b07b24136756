"""The organisation's PostgreSQL: tables, roles, and the only two ways in (load) and out (published weeks)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tracker.team import TeamError
from tracker.team.week import KEYS, SUMS

if TYPE_CHECKING:
    import psycopg

SCHEMA_VERSION = 1

_SUM_TYPES = dict.fromkeys(("long_input_squared", "output_squared", "media_seconds"), "double precision")
SUM_COLUMNS = ",\n    ".join(f"{name} {_SUM_TYPES.get(name, 'bigint')} NOT NULL DEFAULT 0" for name in SUMS)
KEY_COLUMNS = ",\n    ".join(f"{name} text NOT NULL" for name in KEYS)

SCHEMA = f"""
CREATE SCHEMA klimaspor;
COMMENT ON SCHEMA klimaspor IS 'Weekly sums of AI use, without persons. See docs/organisation.md';

CREATE TABLE klimaspor.setting (key text PRIMARY KEY, value jsonb NOT NULL);

-- What devices sent, under pseudonyms that no table maps to a person. Dropped after raw_days.
CREATE TABLE klimaspor.batch (
    week date NOT NULL, pseudonym text NOT NULL, unit text NOT NULL, revision bigint NOT NULL, coverage real,
    PRIMARY KEY (week, pseudonym)
);
CREATE TABLE klimaspor.usage (
    week date NOT NULL, pseudonym text NOT NULL,
    {KEY_COLUMNS},
    {SUM_COLUMNS}
);
-- A person's rows come and go together, guarded by their batch; so no wide unique key slows every row down.
CREATE INDEX usage_person ON klimaspor.usage (week, pseudonym);
-- Whoever left stays out, also if an old message comes again. Only a digest is kept.
CREATE TABLE klimaspor.tombstone (digest bytea PRIMARY KEY, at date NOT NULL DEFAULT current_date);

-- What may be shown: cells of at least k people, and the reports made of them, one for each week, never changed.
CREATE TABLE klimaspor.cell (
    week date NOT NULL, grid text NOT NULL, path text[] NOT NULL, people integer NOT NULL,
    {SUM_COLUMNS},
    PRIMARY KEY (week, grid, path)
);
CREATE TABLE klimaspor.published (
    week date PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now(), people integer NOT NULL, coverage real,
    facts jsonb NOT NULL
);
CREATE TABLE klimaspor.refused (day date NOT NULL, reason text NOT NULL, n bigint NOT NULL, PRIMARY KEY (day, reason));
CREATE TABLE klimaspor.shown_unit (unit text PRIMARY KEY, week date NOT NULL, members text[] NOT NULL);
CREATE TABLE klimaspor.access_log (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), who name NOT NULL DEFAULT session_user, what text NOT NULL,
    week date
);

CREATE FUNCTION klimaspor.read_week(asked date) RETURNS TABLE (grid text, path text[], people integer, sums jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO klimaspor.access_log (what, week) VALUES ('cells', asked);
    RETURN QUERY SELECT c.grid, c.path, c.people, to_jsonb(c) - 'week' - 'grid' - 'path' - 'people'
        FROM klimaspor.cell c JOIN klimaspor.published p USING (week) WHERE c.week = asked ORDER BY c.grid, c.path;
END $$;

CREATE FUNCTION klimaspor.read_published() RETURNS TABLE (week date, people integer, coverage real, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO klimaspor.access_log (what) VALUES ('weeks');
    RETURN QUERY SELECT p.week, p.people, p.coverage, p.facts FROM klimaspor.published p ORDER BY p.week;
END $$;

CREATE FUNCTION klimaspor.read_settings() RETURNS TABLE (key text, value jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT key, value FROM klimaspor.setting $$;

CREATE FUNCTION klimaspor.read_access_log() RETURNS TABLE (at timestamptz, who name, what text, week date)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT at, who, what, week FROM klimaspor.access_log ORDER BY at $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA klimaspor FROM PUBLIC;
"""  # noqa: S608 - our own column names

ROLES = {
    "klimaspor_load": """
        GRANT USAGE ON SCHEMA klimaspor TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA klimaspor TO {role};
        REVOKE UPDATE, DELETE ON klimaspor.access_log, klimaspor.published FROM {role};
    """,
    "klimaspor_report": """
        GRANT USAGE ON SCHEMA klimaspor TO {role};
        GRANT EXECUTE ON FUNCTION
            klimaspor.read_week(date), klimaspor.read_published(), klimaspor.read_settings() TO {role};
    """,
    "klimaspor_staff": """
        GRANT USAGE ON SCHEMA klimaspor TO {role};
        GRANT EXECUTE ON FUNCTION klimaspor.read_access_log(), klimaspor.read_settings() TO {role};
    """,
}
"""Who may what: the loader writes, the report reads published weeks through logging functions, staff read the log."""


@contextmanager
def connect(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """
    Open the organisation's database.

    Raises ``TeamError`` if the extra is not installed, the server cannot be reached, or the schema is missing or newer.
    """
    try:
        import psycopg
    except ImportError:
        raise TeamError(
            "The organisation's part is not installed · psycopg · uv tool install 'klimaspor[team]'"
        ) from None
    opened = None
    try:
        opened = psycopg.connect(
            dsn, connect_timeout=10, application_name="klimaspor", autocommit=True, client_encoding="utf8"
        )
        with opened as connection:
            yield connection
    except psycopg.errors.DiskFull:
        raise TeamError(
            "PostgreSQL's disk is full · nothing is lost, what was not committed comes again · make room"
        ) from None
    except psycopg.ProgrammingError as error:
        if opened is not None:
            raise
        raise TeamError("This is no address of PostgreSQL · --dsn · write it as postgresql://host/database") from error
    except psycopg.OperationalError as error:
        raise TeamError(
            f"PostgreSQL cannot be used ({_why(error)}) · the address in --dsn · check server, role, TLS"
        ) from None
    except psycopg.errors.InsufficientPrivilege:
        raise TeamError("This role may not do that · PostgreSQL · use the role made for it by team init") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
        raise TeamError("There is no klimaspor schema here · PostgreSQL · run `klimaspor team init` first") from None


def make_schema(connection: psycopg.Connection[Any], settings: dict[str, Any]) -> bool:
    """Make schema, roles and settings, once; return whether there was anything to make."""
    from psycopg import sql
    from psycopg.types.json import Jsonb

    with connection.transaction():
        if connection.execute("SELECT to_regnamespace('klimaspor')").fetchone() != (None,):
            return False
        connection.execute(SCHEMA.encode())
        for role, grants in ROLES.items():
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            connection.execute(grants.format(role=role).encode())
        for key, value in {"schema_version": SCHEMA_VERSION, **settings}.items():
            connection.execute("INSERT INTO klimaspor.setting VALUES (%s, %s)", (key, Jsonb(value)))
    return True


def read_published(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of every published week by its Monday; the look is logged."""
    rows = connection.execute("SELECT week::text, facts FROM klimaspor.read_published()").fetchall()
    return dict(rows)


def read_cells(connection: psycopg.Connection[Any], week: str) -> list[tuple[str, list[str], int, dict[str, Any]]]:
    """Return (grid, path, people, sums) of a published week; the look is logged."""
    return connection.execute("SELECT grid, path, people, sums FROM klimaspor.read_week(%s)", (week,)).fetchall()


def read_access_log(connection: psycopg.Connection[Any]) -> list[tuple[datetime, str, str, date | None]]:
    """Return (when, who, what, week) of every look, oldest first; the staff's role may read it."""
    return connection.execute("SELECT at, who, what, week FROM klimaspor.read_access_log()").fetchall()


def read_taken(connection: psycopg.Connection[Any]) -> list[tuple[date, int, bool]]:
    """Return (week, devices, whether it is published) of the weeks that are held; the loader's role may read it."""
    return connection.execute(
        "SELECT week, count(*), bool_or(p.week IS NOT NULL) FROM klimaspor.batch b "
        "LEFT JOIN klimaspor.published p USING (week) GROUP BY week ORDER BY week"
    ).fetchall()


def read_refused(connection: psycopg.Connection[Any]) -> list[tuple[date, str, int]]:
    """Return (day, reason, how many messages) of what was refused."""
    return connection.execute("SELECT day, reason, n FROM klimaspor.refused ORDER BY day, reason").fetchall()


def _why(error: Exception) -> str:
    """Return the server's first words without addresses or user names."""
    text = str(error).lower()
    for word in ("timeout", "refused", "password", "authentication", "certificate", "does not exist"):
        if word in text:
            return word
    return type(error).__name__
