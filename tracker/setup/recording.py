"""A proxy for one command: the one that runs already, or one that lives as long as the command."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

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
    afterwards. Raises SetupError.
    """
    from addon.authority import WINDOW_LIFETIME, Authority
    from addon.certificate import AuthorityError
    from addon.options import ProxyError, ProxyOptions
    from addon.run import running
    from addon.state import ask_status
    from tracker.settings import SettingsError, load

    folder = db.parent.resolve()
    try:
        settings = load(db)
        found = ask_status(folder)
        kept = Authority.load(folder / "authority")
        if found and kept and not for_this_window and upstream is None:
            yield Way(
                found[0].port,
                Certificate(kept.certificate_path, kept.name, kept.public_key_pin),
                kept.hosts,
                own=False,
                settle=lambda: _wait_until_read(folder),
            )
            return
        with ExitStack() as stack:
            private = None
            if found or for_this_window:
                private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="klimaspor-")))
            if for_this_window and private:
                Authority.load_or_make(private / "authority", listed_hosts(db), WINDOW_LIFETIME)
            options = ProxyOptions(
                db=db,
                folder=private if private and found else folder,
                authority=private / "authority" if private and for_this_window else folder / "authority",
                port=0,
                upstream=upstream or settings.get("proxy.upstream"),
                upstream_ca=upstream_ca or _path(settings.get("proxy.upstream_ca")),
                opened=tuple(settings.get("proxy.open")),
                tell=tell,
            )
            proxy = stack.enter_context(running(options))
            made = Authority.load(options.authority_folder)
            if made is None:
                raise SetupError("The certificate cannot be read", str(options.authority_folder), "try again")
            yield Way(
                proxy.state.port,
                Certificate(made.certificate_path, made.name, made.public_key_pin),
                made.hosts,
                own=True,
                settle=proxy.settle,
            )
    except (AuthorityError, ProxyError, SettingsError) as error:
        raise SetupError.of(error) from None


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
