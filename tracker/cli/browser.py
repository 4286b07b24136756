"""``klimaspor browser``: a separate window whose AI traffic is recorded, and nothing else changed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from addon.pac import Previous, as_data_url, write_pac
from tracker.cli.options import database_option, examples
from tracker.setup.browsers import KEYS

AT_ONCE_SECONDS = 5.0


@click.command(
    epilog=examples(
        "klimaspor browser --url https://claude.ai",
        then="The window keeps its own logins. Close it, and the recording is over.",
    )
)
@database_option
@click.option("--browser", "wanted", type=click.Choice(KEYS), help="Which browser.  [default: the first found]")
@click.option("--url", default="about:blank", help="The page to open first.")
@click.option("--upstream", help="A company's proxy to go through, such as http://proxy.example:3128.")
@click.option("--upstream-ca", type=click.Path(path_type=Path, dir_okay=False), help="Its root certificate (PEM).")
def browser(db: Path, wanted: str | None, url: str, upstream: str | None, upstream_ca: Path | None) -> None:
    """Open a separate browser window whose AI chats are recorded."""
    from tracker.setup.browsers import choose_browser
    from tracker.setup.environment import company_proxy
    from tracker.setup.recording import recording
    from tracker.setup.window import close_window, open_window, trust_of

    chosen = choose_browser(wanted)
    pinned = trust_of(chosen) == "pin"
    before = _read_previous(db.parent)
    started = datetime.now(UTC)
    with recording(
        db,
        for_this_window=pinned,
        upstream=upstream or company_proxy(os.environ) or (before.https and f"http://{before.https}"),
        upstream_ca=upstream_ca,
        tell=lambda line: click.echo(f"klimaspor: {line}", err=True),
    ) as way:
        pac = as_data_url(write_pac(way.hosts, way.port, before))
        with _signals_as_interrupts():
            window = open_window(chosen, chosen.profile_folder(db.parent.resolve()), way.certificate, pac, url)
            try:
                click.echo(
                    f"{chosen.title} is open with a profile of its own. {_explain(len(way.hosts), pinned=pinned)}"
                )
                click.echo("Close the window when you are done.")
                _wait(window, chosen.title)
            except KeyboardInterrupt:
                pass  # the person is done, and says so here instead of in the window
            finally:
                close_window(window)
            way.settle()
    click.echo(_tell_trail(db, started))


def _wait(window: subprocess.Popen[bytes], title: str) -> None:
    """Wait until the window is closed; a browser that cannot open one ends at once, and that is said."""
    from tracker.setup import SetupError

    opened = time.monotonic()
    code = window.wait()
    if code not in {0, -signal.SIGTERM, -signal.SIGINT} and time.monotonic() - opened < AT_ONCE_SECONDS:
        raise SetupError(f"{title} ended at once", f"exit code {code}", "is there a screen? Start it once by itself")


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Let a closed terminal or a polite kill end the window as Ctrl-C does, so that nothing is left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read_previous(folder: Path) -> Previous:
    """Return how other sites are reached; directly where a company's PAC cannot be had, as a browser would."""
    from tracker.setup import SetupError
    from tracker.setup.network import read_previous

    try:
        return read_previous(folder)
    except SetupError as error:
        click.echo(f"klimaspor: {error}", err=True)
        return Previous()


def _explain(hosts: int, *, pinned: bool) -> str:
    text = f"In it, and only in it, the {hosts} listed AI hosts go through klimaspor; every other site goes as always."
    if pinned:
        text += (
            "\nThe browser shows a bar about an unsupported flag: that is how this window trusts klimaspor's "
            "certificate, which was made for this window alone and is deleted when it closes. "
            "Use this window for AI chats only."
        )
    return text


def _tell_trail(db: Path, started: datetime) -> str:
    """Say what was recorded since the window was opened, by service."""
    from collections import Counter
    from itertools import takewhile

    from tracker.store import Store, timestamp

    since = timestamp(started)
    with Store.open(db, readonly=True) as store:
        fresh = list(takewhile(lambda record: record.started_at >= since, store.records()))
    if not fresh:
        return "Nothing was recorded: no chatbot answered in this window."
    services = Counter(record.service for record in fresh)
    questions = sum(record.initiator == "person" for record in fresh)
    shares = ", ".join(f"{name} {count}" for name, count in services.most_common())
    answers = f"{len(fresh)} answer{'s' * (len(fresh) != 1)}"
    asked = f"{questions} question{'s' * (questions != 1)}"
    return f"The trail of this window: {asked}, {answers} ({shares}). See what it cost: klimaspor today"
