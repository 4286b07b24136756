"""What every test shares: a clean home, and a plain word about tests that need more than Python packages."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

EXTRAS = {
    "browser": "browser tests: apt-get install chromium firefox-esr libnss3-tools; "
    "uv run --group browser pytest -m browser",
    "clients": "client tests: uv run --group clients pytest -m clients",
    "servers": "server tests: uv run --group servers pytest -m servers",
}


def pytest_configure() -> None:
    """Let Ctrl-C be heard by the commands under test: a shell starts what it runs behind with `&` deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs more than Python packages unless it is asked for by -m, and say how to ask."""
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
