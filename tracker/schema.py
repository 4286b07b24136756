"""What tells our database from others, and its public columns: all that a reader needs to know of the schema."""

from __future__ import annotations

from dataclasses import fields

from tracker.record import Record

APPLICATION_ID = 0x6B6C696D
"""``klim`` in the header of the file: what tells our database from any other SQLite file."""

SCHEMA_VERSION = 4
"""How many migrations this program knows; ``PRAGMA user_version`` of a newer one is higher."""

TABLES = frozenset({
    "requests", "features", "unread", "refused", "ratings", "heartbeat", "passed_through", "pauses", "meta",
    "summed_days", "sums", "sum_amounts", "under_way",
})  # fmt: skip
"""What the migrations make; each is STRICT, so that a column holds its own type and no other."""

REQUEST_COLUMNS = tuple(field.name for field in fields(Record) if field.name != "features")
"""The public columns of ``requests``, in order."""
