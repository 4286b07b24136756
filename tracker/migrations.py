"""The tables of the database, in the order in which they came to be."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from tracker.sum_queries import SUMMED

migrations = Migrations("klimaspor")


@migrations()
def m001_records(db: Database) -> None:
    """
    What was heard. Tables and columns are public: docs/record.md describes each.

    The last three columns of ``requests`` follow from the others, so that a report can group by them.
    """
    db.execute("""
        CREATE TABLE requests (
            id TEXT PRIMARY KEY NOT NULL,
            revision INTEGER NOT NULL,
            started_at TEXT NOT NULL,
            utc_offset_minutes INTEGER NOT NULL,
            service TEXT NOT NULL,
            provider TEXT,
            operation TEXT NOT NULL,
            initiator TEXT NOT NULL,
            request_model TEXT,
            response_model TEXT,
            effort TEXT,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cached_input_tokens INTEGER,
            reasoning_tokens INTEGER,
            input_tokens_source TEXT NOT NULL,
            output_tokens_source TEXT NOT NULL,
            reasoning_tokens_source TEXT NOT NULL,
            media_count INTEGER,
            media_seconds REAL,
            media_pixels INTEGER,
            attachments INTEGER,
            attachment_bytes INTEGER,
            request_bytes INTEGER,
            response_bytes INTEGER,
            first_byte_ms INTEGER,
            thinking_ms INTEGER,
            time_to_first_token_ms INTEGER,
            duration_ms INTEGER,
            conversation TEXT,
            client TEXT,
            outcome TEXT NOT NULL,
            source TEXT NOT NULL,
            reader TEXT NOT NULL,
            feature_set TEXT NOT NULL DEFAULT '',
            local_day TEXT NOT NULL GENERATED ALWAYS AS
                (date(started_at, utc_offset_minutes || ' minutes')) STORED,
            local_hour INTEGER NOT NULL GENERATED ALWAYS AS
                (CAST(strftime('%H', started_at, utc_offset_minutes || ' minutes') AS INTEGER)) STORED
        ) STRICT
    """)
    db.execute("CREATE INDEX requests_by_day ON requests (local_day)")
    db.execute("CREATE INDEX requests_by_time ON requests (started_at)")
    db.execute("CREATE INDEX requests_by_conversation ON requests (conversation) WHERE conversation IS NOT NULL")
    db.execute("""
        CREATE TABLE features (
            request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
            feature TEXT NOT NULL,
            state TEXT NOT NULL,
            amount INTEGER,
            PRIMARY KEY (request_id, feature, state)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE unread (
            day TEXT NOT NULL, service TEXT NOT NULL, shape TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (day, service, shape, reason)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE refused (
            day TEXT NOT NULL, service TEXT NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (day, service)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE ratings (
            subject TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, worth INTEGER, minutes_saved INTEGER,
            rated_at TEXT NOT NULL
        ) STRICT
    """)


@migrations()
def m002_coverage(db: Database) -> None:
    """When it listened: spans of minutes alike, hosts that passed through, pauses; and small facts in ``meta``."""
    db.execute("""
        CREATE TABLE heartbeat (
            started_at TEXT PRIMARY KEY NOT NULL,
            ended_at TEXT NOT NULL,
            boot_id TEXT NOT NULL,
            boot_clock_s REAL NOT NULL,
            clean_stop INTEGER NOT NULL DEFAULT 0,
            counters TEXT NOT NULL DEFAULT '{}'
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE passed_through (
            host TEXT NOT NULL, service TEXT NOT NULL, reason TEXT NOT NULL,
            started_at TEXT NOT NULL, ended_at TEXT NOT NULL,
            PRIMARY KEY (host, started_at)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE pauses (
            service TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL,
            PRIMARY KEY (service, started_at)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID")


@migrations()
def m003_sums(db: Database) -> None:
    """
    Remembered sums of past days, so that a long report costs what its groups cost, not what its records cost.

    All three follow from ``requests`` and ``features`` and may be emptied at any time; ``hour`` is -1 for a whole day.
    """
    columns = ", ".join(
        f"{name} REAL NOT NULL" if name in _REAL_SUMS else f"{name} INTEGER NOT NULL" for name in SUMMED
    )
    db.execute("CREATE TABLE summed_days (day TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID")
    db.execute(f"""
        CREATE TABLE sums (
            hour INTEGER NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL, {columns}, PRIMARY KEY (hour, day, key)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX sums_by_day ON sums (day)")
    db.execute("""
        CREATE TABLE sum_amounts (
            hour INTEGER NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL, feature TEXT NOT NULL, state TEXT NOT NULL,
            amount INTEGER NOT NULL, PRIMARY KEY (hour, day, key, feature, state)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX sum_amounts_by_day ON sum_amounts (day)")


@migrations()
def m004_under_way(db: Database) -> None:
    """How far the answers of a proxy that runs, or was killed, have been brought to an end (``tracker.marks``)."""
    db.execute("""
        CREATE TABLE under_way (
            tally TEXT NOT NULL, service TEXT NOT NULL,
            done INTEGER NOT NULL, held INTEGER NOT NULL, last INTEGER NOT NULL,
            PRIMARY KEY (tally, service)
        ) STRICT, WITHOUT ROWID
    """)


_REAL_SUMS = {"long_input_squared", "output_squared", "media_seconds"}
