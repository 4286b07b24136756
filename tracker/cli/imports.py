"""``klimaspor import``: read files that hold exchanges, exports or logs into the database."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import database_option, examples, fail, format_option

if TYPE_CHECKING:
    from tracker.imports import Kind, Progress
    from tracker.imports.intake import Outcome

WATCH_S = 5.0
_NAMED = 10


@click.command(
    "import",
    epilog=examples(
        "klimaspor import chatgpt.har",
        "klimaspor import --delete ~/Downloads/*.har",
        "klimaspor import --watch ~/.claude/projects ~/.codex/sessions",
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…")
@click.option("--delete", is_flag=True, help="Delete each file once everything in it has been read.")
@click.option("--watch", is_flag=True, help="Go on: read what changes there, until Ctrl-C.")
@database_option
@format_option("text", "json")
def import_files(*, paths: tuple[Path, ...], delete: bool, watch: bool, db: Path, output_format: str) -> None:
    """
    Import HAR files, chatbots' data exports and coding agents' logs.

    The kind of each file is told from its content. What is known already is not counted again, so a file may be
    imported as often as you like.
    """
    from tracker.imports import NotReadableError, detect
    from tracker.imports.intake import open_context, shown_name, take_in
    from tracker.store import Store

    if watch and delete:
        raise click.UsageError("Use --watch or --delete, not both.")
    kinds: list[tuple[Path, Kind]] = []
    for path in _expand(paths):
        try:
            kind = detect(path)
        except OSError:
            fail("Cannot read this file", shown_name(path), "check that it is yours to read, then import it again")
        except NotReadableError as error:
            fail("Cannot import this file", shown_name(path), f"{error}")
        if kind is None:
            fail(
                "Cannot tell what this is",
                shown_name(path),
                "give it a HAR file, a chatbot's data export or a coding agent's log folder",
            )
        kinds.append((path, kind))
    with Store.open(db, for_many=True) as store:
        context = open_context(db, [kind for _, kind in kinds])
        outcomes = []
        for path, kind in kinds:
            with _progress(shown_name(path)) as progress:
                outcomes.append(take_in(path, kind, context, store, progress, delete=delete))
    if output_format == "json":
        click.echo(json.dumps([outcome.to_json() for outcome in outcomes], ensure_ascii=False, indent=2))
    else:
        for outcome in outcomes:
            _tell(outcome)
    if watch:
        _watch(kinds, db)
    if any(outcome.fault for outcome in outcomes):
        sys.exit(1)


def _watch(kinds: list[tuple[Path, Kind]], db: Path) -> None:
    """Read what changes, file by file; the database is open only while something is written."""
    from tracker.cli.watching import Watch
    from tracker.imports import NotReadableError
    from tracker.imports.intake import open_context, shown_name, take_in
    from tracker.key import KeyFileError
    from tracker.opening import StoreError
    from tracker.store import Store

    watched = Watch([path for path, _ in kinds])
    watched.note_all()
    by_path = dict(kinds)
    context = open_context(db, by_path.values())
    click.echo(f"Watching {len(kinds)} paths; Ctrl-C ends it.", err=True)
    try:
        while True:
            time.sleep(WATCH_S)
            for path, file in watched.changed(time.time()):
                kind = by_path[path]
                try:
                    with file.open("rb") as opened:
                        is_kind = kind.detect(file, opened.read(64 * 1024))
                    if is_kind:
                        with Store.open(db) as store, _progress(shown_name(file)) as progress:
                            _tell_change(take_in(file, kind, context, store, progress))
                except (OSError, NotReadableError):
                    click.echo(
                        f"Cannot read this file · {shown_name(file)} · it is left out until it changes again", err=True
                    )
                except (StoreError, KeyFileError) as error:
                    watched.seen.pop(file, None)  # tried again at the next look
                    click.echo(f"{error}", err=True)
    except KeyboardInterrupt:
        click.echo("No longer watching.", err=True)


def _tell_change(outcome: Outcome) -> None:
    added = outcome.added
    if added is not None and (added.new or added.replaced):
        click.echo(f"{outcome.kind.title} · {added.new} new · {added.replaced} read more fully")


def _expand(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the paths, and for a folder that is no kind by itself the HAR files in it."""
    from tracker.imports import detect

    for path in paths:
        recordings = sorted(path.glob("*.har")) if path.is_dir() else []
        if recordings and detect(path) is None:
            yield from recordings
        else:
            yield path


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """Show a bar while a terminal is there to see it."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, everything: bar.update(task, completed=done, total=everything)


def _tell(outcome: Outcome) -> None:
    click.echo(f"{outcome.name} · {outcome.kind.title}")
    added = outcome.added
    if added is not None:
        click.echo(f"  {added.new} new · {added.replaced} read more fully · {added.known} known already")
        if not (added.new or added.replaced or added.known or outcome.refused or outcome.unread or outcome.problems):
            click.echo("  Nothing in it is an answer of a service that is read: `klimaspor services` lists them.")
    if outcome.refused:
        click.echo(f"  {outcome.refused} refused by the service: counted nowhere")
    for service, number in sorted(outcome.unread.items()):
        click.echo(f"  {number} of {service} could not be read, or not in full")
    for position, problem in outcome.problems[:_NAMED]:
        click.echo(f"  entry {position} was left out: {problem}")
    if len(outcome.problems) > _NAMED:
        click.echo(f"  and {len(outcome.problems) - _NAMED} more entries were left out")
    if outcome.fault:
        click.echo(f"Error: Cannot import this file · {outcome.name} · {outcome.fault}", err=True)
    elif outcome.deleted:
        click.echo("  The file was deleted.")
    elif outcome.kind.holds_secrets:
        click.echo(f"  The file still holds {outcome.kind.holds_secrets}: klimaspor import --delete removes it.")
