"""A proxy for one command: the one that runs already, or one that lives as long as the command."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tracker.setup import SetupError
from tracker.setup.listed import listed_hosts
from tracker.setup.window import Certificate


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach the proxy and what to trust."""

    port: int
    certificate: Certificate
    hosts: frozenset[str]
    """The hosts that are opened."""
    own: bool
    """It was started for this command and stops with it."""
    settle: Callable[[], None]
    """Wait until what was heard is written."""


@contextmanager
def recording(
    db: Path,
    *,
    for_this_window: bool = False,
    upstream: str | None = None,
    upstream_ca: Path | None = None,
    tell: Callable[[str], None],
) -> Iterator[Way]:
    """
    Use the running proxy, or run one until the block ends.

    ``for_this_window`` asks for a certificate authority of its own, valid 24 hours, in a private folder that is gone
    afterwards. Raises a TellableError: whatever keeps the proxy from starting.
    """
    from addon.options import ProxyOptions
    from tracker.settings import load

    settings = load(db)
    if not for_this_window and upstream is None and (way := _find_running(db)):
        yield way
        return
    options = ProxyOptions(
        db=db,
        folder=db.parent.resolve(),
        port=0,
        upstream=upstream or settings.get("proxy.upstream"),
        upstream_ca=upstream_ca or _path(settings.get("proxy.upstream_ca")),
        opened=tuple(settings.get("proxy.open")),
        tell=tell,
    )
    with _run_one(options, for_this_window=for_this_window) as way:
        yield way


def _find_running(db: Path) -> Way | None:
    """Return the way to the proxy that runs already; None if there is none, or its certificate cannot be read."""
    from addon.authority import Authority
    from addon.state import ask_status

    folder = db.parent.resolve()
    found, kept = ask_status(folder), Authority.load(folder / "authority")
    if found is None or kept is None:
        return None
    return Way(found[0].port, _certificate(kept), kept.hosts, own=False, settle=lambda: _wait_until_read(folder))


@contextmanager
def _run_one(options: Any, *, for_this_window: bool) -> Iterator[Way]:
    """
    Run a proxy with these ``ProxyOptions`` until the block ends.

    Beside one that runs already, or for one window, it runs from a private folder.
    """
    from addon.authority import WINDOW_LIFETIME, Authority
    from addon.run import running
    from addon.state import ask_status

    usual = private = options.folder
    is_beside = ask_status(usual) is not None
    with ExitStack() as stack:
        if is_beside or for_this_window:
            private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="klimaspor-")))
        authority = (private if for_this_window else usual) / "authority"
        if for_this_window:
            Authority.load_or_make(authority, listed_hosts(options.db), WINDOW_LIFETIME)
        options = replace(options, folder=private if is_beside else usual, authority=authority)
        proxy = stack.enter_context(running(options))
        made = Authority.load(authority)
        if made is None:
            raise SetupError("The certificate cannot be read", str(authority), "try again")
        yield Way(proxy.state.port, _certificate(made), made.hosts, own=True, settle=proxy.settle)


def _certificate(authority: Any) -> Certificate:
    return Certificate(authority.certificate_path, authority.name, authority.public_key_pin)


def _wait_until_read(folder: Path, seconds: float = 5) -> None:
    """Wait until the running proxy has read whatever it heard, but not for long."""
    from addon.state import ask_status

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (found := ask_status(folder)):
        match found[1].get("turns"):
            case {"heard": int(heard), "read": int(read), "lost": dict(lost)} if heard > read + sum(lost.values()):
                time.sleep(0.1)
            case _:
                return


def _path(value: str | None) -> Path | None:
    return Path(value).expanduser() if value else None
