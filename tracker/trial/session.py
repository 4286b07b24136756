"""One trial: stand-in, proxy and client in one process, then the report of what they left in the database."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path

from tracker.trial.play import load_scripts, play
from tracker.trial.stand_in import serve


class TrialError(Exception):
    """The trial could not be played: what happened · to what · what to do."""


def run_trial(scratch: Path, folder: Path, lang: str | None) -> tuple[str, Path]:
    """
    Play every conversation, leave ``klimaspor.db`` and ``report.html`` in ``folder``; return the text and the page.

    ``scratch`` holds the throwaway keys and is the caller's to delete. Raises ``TrialError``, or ``OSError`` if the
    folder cannot be written.
    """
    database = folder / "klimaspor.db"
    _play_all(scratch, database)
    return _report(database, folder / "report.html", lang)


def _play_all(scratch: Path, database: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from addon.options import ProxyError, ProxyOptions
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
    except ProxyError as error:
        raise TrialError(str(error)) from None
    except OSError as error:
        told = error.strerror or type(error).__name__
        raise TrialError(f"A conversation broke off ({told}) · the proxy on this computer · try it again") from None


def _report(database: Path, page: Path, lang: str | None) -> tuple[str, Path]:
    from tracker.report import make, write_page, write_text
    from tracker.report.period import last_days
    from tracker.store import Store

    now = datetime.now().astimezone()
    with Store.open(database, readonly=True) as store:
        data = make(store, last_days(7, now), now=now, lang=lang)
    page.write_text(write_page(data, lang), encoding="utf-8")
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    return write_text(data, lang, width=width), page.resolve()
