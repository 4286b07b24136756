"""One trial: stand-in, proxy and client in one process, then the report of what they left in the database."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from tracker.errors import TellableError
from tracker.trial.play import load_scripts, play
from tracker.trial.stand_in import serve

TEXT_WIDTH = 80


class TrialError(TellableError):
    """The trial could not be played."""


def run_trial(scratch: Path, folder: Path, lang: str) -> tuple[str, Path]:
    """
    Play every conversation, leave ``klimaspor.db`` and ``report.html`` in ``folder``; return the text and the page.

    ``scratch`` holds the throwaway keys and is the caller's to delete. Raises a ``TellableError``, or ``OSError`` if
    the folder cannot be written.
    """
    database = folder / "klimaspor.db"
    _play_all(scratch, database)
    return _report(database, folder / "report.html", lang)


def _play_all(scratch: Path, database: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from addon.options import ProxyOptions
    from addon.run import running

    scripts = load_scripts()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(file=sys.stderr)
    )
    try:
        with serve(scripts, scratch) as stand_in, progress:
            options = ProxyOptions(
                db=database,
                folder=scratch / "data",
                port=0,
                upstream_ca=stand_in.authority,
                redirect={"*": ("127.0.0.1", stand_in.port)},
            )
            task = progress.add_task("Starting the proxy", total=len(scripts))
            with running(options) as proxy:
                progress.update(task, description="Playing conversations")
                for _ in play(scripts, proxy.state.port, proxy.certificate):
                    progress.advance(task)
                proxy.settle()
    except OSError as error:
        told = error.strerror or type(error).__name__
        raise TrialError(f"A conversation broke off ({told}) · the proxy on this computer · try it again") from None


def _report(database: Path, page: Path, lang: str) -> tuple[str, Path]:
    from tracker.report import make
    from tracker.report.period import last, zone_name
    from tracker.report.render import to_html, to_text
    from tracker.store import Store

    now = datetime.now().astimezone()
    with Store.open(database, readonly=True) as store:
        data = make(store, last("7d", now.date(), zone_name(now)), now=now, lang=lang, tables=False)
    page.write_text(to_html(data, lang), encoding="utf-8")
    return to_text(data, lang, width=TEXT_WIDTH), page.resolve()
