"""What tests share: a clean home, a database, a proxy, a PostgreSQL; and a plain word about tests left out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.organisation import Organisation
    from tests.rig import Rig
    from tests.rogue import Rogue
    from tracker.store import Store

EXTRAS = {
    "browser": "browser tests: apt-get install chromium firefox-esr libnss3-tools; "
    "uv run --group browser pytest -m browser",
    "clients": "client tests: uv run --group clients pytest -m clients",
    "servers": "server tests: uv run --group servers pytest -m servers",
}


# The same code is to get the same verdict each time and wherever it is judged: new examples are sought by --seek.
settings.register_profile("same each time", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("same each time")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seek", type=int, metavar="N", help="give each property N times its examples, and other ones in each run"
    )


def pytest_configure() -> None:
    """Let Ctrl-C be heard by the commands under test: a shell starts what it runs behind with `&` deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def is_property(item: pytest.Item) -> bool:
    return getattr(item.obj, "is_hypothesis_test", False)


def seek(items: list[pytest.Item], times: int) -> None:
    """Keep the properties alone, and let each be tried with so many times its examples, taken by chance."""
    items[:] = filter(is_property, items)
    for tested in {item.obj for item in items}:
        usual = tested._hypothesis_internal_use_settings
        more = settings(usual, max_examples=times * usual.max_examples, derandomize=False)
        tested._hypothesis_internal_use_settings = more


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs more than Python packages unless it is asked for by -m, and say how to ask."""
    if config.option.seek:
        config.hook.pytest_deselected(items=[item for item in items if not is_property(item)])
        seek(items, config.option.seek)
    if config.option.markexpr:
        return
    kept, left_out = [], []
    for item in items:
        (left_out if any(item.get_closest_marker(name) for name in EXTRAS) else kept).append(item)
    config.stash[LEFT_OUT] = {name for item in left_out for name in EXTRAS if item.get_closest_marker(name)}
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


LEFT_OUT = pytest.StashKey[set[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in sorted(config.stash.get(LEFT_OUT, set())):
        terminalreporter.write_line(f"not run: {EXTRAS[name]}")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test, so that none touches the real one."""
    folder = tmp_path_factory.mktemp("home")
    for name, value in {
        "HOME": folder,
        "XDG_DATA_HOME": folder / ".local/share",
        "XDG_CONFIG_HOME": folder / ".config",
        "XDG_CACHE_HOME": folder / ".cache",
        "XDG_STATE_HOME": folder / ".local/state",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in [name for name in os.environ if name.startswith("KLIMASPOR_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with nothing in it."""
    from tracker.store import Store

    with Store.open(tmp_path / "private" / "klimaspor.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A made-up person's heavy year."""
    from tests import golden

    with golden.demo_store(tmp_path_factory.mktemp("demo")) as opened:
        yield opened


@pytest.fixture(scope="module")
def week(demonstration: Store) -> dict[str, Any]:
    """The report's data of that year's last week."""
    from tests import golden

    return golden.week(demonstration)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The real proxy, with a stand-in for every site behind it."""
    from tests.rig import rig

    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rogue]:
    """A service that does to its answers what the question asks for."""
    from tests.rogue import rogue

    with rogue(tmp_path_factory.mktemp("rogue")) as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL of the tests' own."""
    from tests.organisation import postgres

    with postgres() as dsn:
        yield dsn


@pytest.fixture
def city(server: str, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation with its devices, its NATS and its stream."""
    from tests.organisation import organisation
    from tracker.team.transport import make_stream

    with organisation(server, tmp_path) as made:
        asyncio.run(make_stream(made.keys))
        yield made
