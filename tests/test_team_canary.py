"""Words planted where a person's words could stand reach neither a server, nor its disk, nor a report."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.reader import Reader
from tests.canary import CANARY, find, poison
from tests.examples import KEY, load_examples
from tests.organisation import TODAY, WEEK, organisation
from tracker.cli import main
from tracker.record import Record
from tracker.store import Store
from tracker.team.device import Device
from tracker.team.engine import connect
from tracker.team.loader import run_loader
from tracker.team.transport import make_stream, publish

pytestmark = pytest.mark.servers


def poisoned_records() -> list[Record]:
    """Return the records of every example with planted words, all in one week."""
    reader = Reader(KEY)
    when = f"{(date.fromisoformat(WEEK) + timedelta(days=1)).isoformat()}T10:00:00.000Z"
    return [
        replace(record, started_at=when)
        for case in load_examples()
        for exchange in case.exchanges
        for record in reader.read(poison(exchange)).records
    ]


def test_no_planted_word_is_on_the_wire_in_nats_in_postgresql_or_in_a_report(server: str, tmp_path: Path) -> None:
    records = poisoned_records()
    assert len({record.service for record in records}) > 10
    with organisation(server, tmp_path / "org") as city:
        asyncio.run(make_stream(city.keys))
        sent = b""
        for number, code in enumerate(city.codes()):
            with Store.open(tmp_path / f"{number}" / "klimaspor.db") as store:
                store.add(records)
                device = Device(store)
                device.join(code, date.fromisoformat(WEEK) + timedelta(days=2))
                parcels = device.prepare(TODAY)
                sent += b"".join(parcel.payload for parcel in parcels)
                device.mark_sent(asyncio.run(publish(code, parcels)), "2026-11-21T00:00:00+00:00")
        waiting = b"".join(path.read_bytes() for path in (city.keys / "jetstream").rglob("*") if path.is_file())
        assert b'"pseudonym"' in waiting  # NATS keeps messages in the clear, so looking into its files means something
        assert CANARY.lower().encode() not in sent.lower()
        assert CANARY.lower().encode() not in waiting.lower()

        assert asyncio.run(run_loader(city.dsn, city.keys, follow=False, today=TODAY)).refused == {}
        with connect(city.dsn) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'klimaspor'").fetchall()
            assert len(tables) >= 9
            for (table,) in tables:
                for (row,) in connection.execute(f"SELECT t::text FROM klimaspor.{table} t".encode()):
                    assert CANARY.lower() not in row.lower(), table
            connection.execute("CHECKPOINT")
            (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        assert any(b"klimaspor" in path.read_bytes() for path in Path(folder, "pg_wal").iterdir() if path.is_file())
        assert list(find(Path(folder))) == []  # table files, indexes, WAL, logs
        for kind in ("text", "html", "json", "csv", "otlp"):
            result = CliRunner().invoke(main, ["team", "report", "--dsn", city.dsn, "--format", kind])
            assert result.exit_code == 0, result.output
            assert CANARY.lower() not in result.output.lower()
            assert "chatgpt" in result.output.lower()
    assert list(find(tmp_path)) == []
