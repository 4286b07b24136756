"""Files that a person or an organisation writes by hand: factors, hourly grids, bots, settings, policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path

from addon.company import FILE, load_bots
from addon.reader import Reader
from tests.examples import KEY
from tests.fuzz.cases import choose
from tests.fuzz.intakes import expand, scratch
from tests.test_other_people import STEERING
from tracker import settings
from tracker.errors import TellableError
from tracker.footprint import hourly
from tracker.footprint.factors import FILES, read_factors
from tracker.footprint.settings import choose as choose_footprint
from tracker.harmless import harmless
from tracker.settings_file import to_toml
from tracker.team.policy import LIMITS, Policy, first_policy

_BOT = b'[[bot]]\nname = "our-bot"\nhost = "chat.example.org"\npath = "/api/*/chat"\nshape = "openai-chat"\n'
_SETTINGS = """language = "nb"
country = "NOR"
[footprint]
without = ["idle", "network"]
zones = ["openai=NLD"]
local_watts = 90
[proxy]
port = 4000
upstream = "http://proxy.example:3128"
local = ["ollama=11434"]
[notices]
desktop = false
unapproved = ["le-chat=no contract"]
[[budgets]]
amount = 20
unit = "minutes"
per = "day"
feature = "deep_research"
hold = true
"""


def _read_factors(path: Path) -> None:
    found = read_factors({"text": path.read_bytes().decode("utf-8", "replace")})
    for row in found.rows:
        assert 0 <= row.low <= row.value <= row.high < float("inf")
        float(row.high)
        json.dumps(row.to_json())
        for day in ("2020-01-01", "2026-11-22"):
            found.find(row.key, day)


def _read_hourly(path: Path) -> None:
    hourly._read.cache_clear()  # it keeps what it read as long as the file's time is the same
    grid = hourly.read_hourly(path)
    for (zone, day), hours in grid.hours.items():
        assert all(0 <= hour < 24 and 0 <= value < 5000 for hour, value in hours.items())
        if len(hours) == 24:
            assert grid.mean(zone, day) is not None


def _read_bots(path: Path) -> None:
    bots = load_bots(path.parent)
    assert all(bot.title.isprintable() for bot in bots)
    Reader(KEY, services=bots).find("POST", "chat.example.org", "/api/" + "x" * 200 + "/chat")


def _read_settings(path: Path) -> None:
    found = settings.load(path)
    choose_footprint(found.get).check()
    path.write_text(to_toml(found))
    assert settings.load(path) == found, "written and read again"


def _read_policy(path: Path) -> None:
    policy = Policy.load(path)
    assert Policy.check(json.loads(json.dumps(policy.tell())), "the database") == policy
    assert all(low <= getattr(policy, name) <= high for name, (low, high) in LIMITS.items())
    assert all(isinstance(reason, str) for reason in policy.unapproved.values())


READERS: dict[bytes, tuple[str, Callable[[Path], None]]] = {
    b"factors": ("text.toml", _read_factors),
    b"hourly": ("hourly.csv", _read_hourly),
    b"bots": (FILE, _read_bots),
    b"settings": ("klimaspor.toml", _read_settings),
    b"policy": ("policy.toml", _read_policy),
}


def seeds() -> Iterator[bytes]:
    """Yield files of every kind."""
    folder = resources.files("tracker.footprint") / "data"
    for name in FILES:
        rows = (folder / f"{name}.toml").read_text("utf-8").split("[[factor]]")[1:]
        for one, other in list(pairwise(rows))[:4]:
            yield b"factors\n[[factor]]" + one.encode() + b"[[factor]]" + other.encode()
    hours = [f"NOR,2026-11-16T{hour:02}:00:00Z,{hour}.5" for hour in range(24)]
    for rows in (hours, hours[:2], ["nor, 2026-11-16T09:00+01:00,7"]):
        yield b"hourly\n" + "\n".join(["zone,utc_hour,g_per_kwh", *rows]).encode()
    yield b"bots\n" + _BOT
    yield b"bots\n" + _BOT + b'title = "Ours"\nprovider = "ours"\n' + _BOT.replace(b"our-bot", b"other")
    yield b"settings\n" + _SETTINGS.encode()
    yield b"settings\n" + to_toml(settings.Settings()).encode()
    yield b"policy\n" + first_policy("Ours").encode()
    yield b'policy\nleast_people = 9\n[services.x]\nstate = "unapproved"\nreason = "y"\n'


def throw(data: bytes) -> None:
    """Read bytes as one of these files; raise whatever is no sentence about it."""
    name, _, content = data.partition(b"\n")
    file, read = choose(name, READERS)
    path = scratch() / file
    path.write_bytes(expand(content))
    try:
        read(path)
    except TellableError as error:
        sentence = harmless(str(error))  # as the command shows it
        assert not STEERING.search(sentence), sentence
        assert len(sentence) < 600, sentence
