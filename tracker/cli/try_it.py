"""``klimaspor try``: the main job in one go, without set-up and without a network."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tracker.cli.options import examples, fail, language_option

NEXT_COMMANDS = """\
Your own trail:
  klimaspor browser            a separate window; what you ask there is recorded
  klimaspor import FILE.har    what your browser's developer tools saved"""


@click.command("try", epilog=examples("klimaspor try --keep ./trial"))
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave klimaspor.db and report.html in this folder.  [default: a temporary folder]",
)
@language_option("en")
def try_it(keep: Path | None, lang: str) -> None:
    """Play example conversations through the real proxy and show the report."""
    from tracker.trial.session import run_trial

    with tempfile.TemporaryDirectory(prefix="klimaspor-try-") as scratch, ExitStack() as when_it_fails:
        folder = keep or Path(tempfile.mkdtemp(prefix="klimaspor-report-"))
        if keep is None:
            when_it_fails.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text, page = run_trial(Path(scratch), folder, lang)
        except OSError as error:
            fail(f"The folder cannot be written ({error.strerror})", str(folder), "choose another with --keep")
        when_it_fails.pop_all()
    click.echo(text)
    click.echo(f"The page: {page}")
    if keep is not None:
        click.echo(f"The records: {folder / 'klimaspor.db'} (any SQLite tool opens it)")
    click.echo(f"\n{NEXT_COMMANDS}")
