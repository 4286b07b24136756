"""A full disk on the organisation's side: nothing is lost, it is said plainly, and it goes on when there is room."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from tests.organisation import TODAY, WEEK, Organisation, organisation
from tests.test_team_transport import answers, load, ship
from tracker.cli import main
from tracker.store import Store
from tracker.team import TeamError, loader
from tracker.team.device import Device, Parcel
from tracker.team.engine import connect
from tracker.team.loader import run_loader
from tracker.team.message import encode
from tracker.team.transport import make_stream, publish
from tracker.team.week import Batch, WeekRow

pytestmark = pytest.mark.servers
MANY = tuple(WeekRow(service="chatgpt", model=f"gpt-{number}", requests=5) for number in range(4000))


@contextmanager
def small_disk(megabytes: int, owner: str) -> Iterator[Path]:
    """Mount a file system of so many megabytes."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Path(folder, "disk")
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], check=True)
        try:
            shutil.chown(place, owner)
            yield place
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk with a file of somebody else's."""
    path = disk / "somebody-elses"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return path


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_of_postgresql_is_said_and_the_following_loader_goes_on_when_there_is_room(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "AGAIN_SECONDS", 0.5)
    with connect(server) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    with small_disk(24, Path(folder).owner()) as disk, organisation(server, tmp_path) as city:
        asyncio.run(make_stream(city.keys))
        city.join(6)
        with connect(server) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            for table in ("batch", "usage"):
                connection.execute(f"ALTER TABLE klimaspor.{table} SET TABLESPACE small".encode())
            connection.execute("ALTER INDEX klimaspor.usage_person SET TABLESPACE small")
        try:
            ship(city.devices[0])
            load(city)
            much = fill(disk)
            for path in city.devices[1:]:
                ship(path)
            codes = city.codes()
            asyncio.run(publish(codes[-1], [parcel(number) for number in range(3)]))
            with pytest.raises(TeamError, match="disk is full"):
                load(city)
            assert answers(city) == 5
            said = asyncio.run(follow(city, much))
            assert said
            assert all("disk is full" in one for one in said)
            assert answers(city) == 30 + 3 * 5 * len(MANY)
            assert load(city).messages == 0
        finally:
            with connect(server) as connection:
                connection.execute("DROP SCHEMA klimaspor CASCADE")
                connection.execute("DROP TABLESPACE small")


def full_week(number: int) -> Batch:
    return Batch(pseudonym=f"{number:032x}", unit="city/roads", week=WEEK, revision=1, rows=MANY)


async def follow(city: Organisation, much: Path) -> list[str]:
    """Follow; when it has said that the disk is full, make room; return what was said once all is loaded."""
    said: list[str] = []
    following = asyncio.create_task(run_loader(city.dsn, city.keys, follow=True, today=TODAY, say=said.append))
    for _ in range(600):
        await asyncio.sleep(0.1)
        if said:
            await asyncio.to_thread(much.unlink, missing_ok=True)
        if following.done() or (said and await asyncio.to_thread(answers, city) > 5):
            break
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    return said


def test_a_server_with_no_room_left_refuses_in_a_sentence_and_takes_the_week_when_there_is_some(
    server: str, tmp_path: Path
) -> None:
    with organisation(server, tmp_path) as city:
        city.nats.kill()
        text = city.nats.config.read_text()
        city.nats.config.write_text(text.replace("jetstream {", "jetstream { max_file_store: 1MB,"))
        city.nats.start()
        city.nats.wait(city.port)
        asyncio.run(make_stream(city.keys))
        city.join(1)
        taken = asyncio.run(publish(city.codes()[-1], [parcel(number) for number in range(9)]))
        assert 1 <= len(taken) < 9
        with pytest.raises(TeamError, match=r"no room left.*stays in the outbox"):
            asyncio.run(publish(city.codes()[-1], [parcel(9)]))
        with Store.open(city.devices[0]) as store:
            Device(store).prepare(TODAY)
            with store.writing() as connection:  # a week too large for what is left
                connection.execute("UPDATE team_outbox SET payload = ? WHERE week = ?", (parcel(10).payload, WEEK))
        told = CliRunner().invoke(main, ["team", "ship", "--db", str(city.devices[0])])
        assert (told.exit_code, "no room left" in told.output) == (1, True)
        assert load(city).taken == len(taken)
        assert ship(city.devices[0])
        assert load(city).taken > 0
        with Store.open(city.devices[0]) as store:
            assert not Device(store).waiting()


def parcel(number: int) -> Parcel:
    return Parcel(WEEK, 1, encode(full_week(number)))
