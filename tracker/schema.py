"""What tells our database from others, and its public columns: all that a reader needs to know of the schema."""

from __future__ import annotations

from dataclasses import fields

from tracker.record import Record

APPLICATION_ID = 0x6B6C696D
"""``klim`` in the header of the file: what tells our database from any other SQLite file."""

SCHEMA_VERSION = 4
"""How many migrations this program knows; ``PRAGMA user_version`` of a newer one is higher."""

REQUEST_COLUMNS = tuple(field.name for field in fields(Record) if field.name != "features")
"""The public columns of ``requests``, in order."""
