"""``klimaspor try``: the main job in one go, without set-up and without a network."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from tracker.cli.options import fail

NEXT_COMMANDS = """\
Your own trail:
  klimaspor browser            a separate window; what you ask there is recorded
  klimaspor import FILE.har    what your browser's developer tools saved"""


@click.command("try", epilog="Example: klimaspor try --keep ./trial")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave klimaspor.db and report.html in this folder.  [default: a temporary folder]",
)
@click.option("--lang", type=click.Choice(("en", "nb", "nl")), default="en", show_default=True, help="Language.")
def try_it(keep: Path | None, lang: str) -> None:
    """Play example conversations through the real proxy and show the report."""
    from tracker.trial.session import TrialError, run_trial

    with tempfile.TemporaryDirectory(prefix="klimaspor-try-") as scratch:
        folder = keep or Path(tempfile.mkdtemp(prefix="klimaspor-report-"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text, page = run_trial(Path(scratch), folder, lang)
        except TrialError as error:
            _sweep(folder, keep)
            raise click.ClickException(str(error)) from None
        except OSError as error:
            _sweep(folder, keep)
            fail(f"The folder cannot be written ({error.strerror})", str(folder), "choose another with --keep")
    click.echo(text)
    click.echo(f"The page: {page}")
    if keep is not None:
        click.echo(f"The records: {folder / 'klimaspor.db'} (any SQLite tool opens it)")
    click.echo(f"\n{NEXT_COMMANDS}")


def _sweep(folder: Path, keep: Path | None) -> None:
    """Leave nothing behind where the person asked for nothing to be kept."""
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
