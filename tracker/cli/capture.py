"""``klimaspor capture``: a scrubbed example of the next exchange, safe to share, for mending a reader."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from tracker.cli.leaving import leave
from tracker.cli.options import Whole, check_service, database_option, examples, fail

STEP_SECONDS = 0.2


@click.command(epilog=examples("klimaspor capture claude -o claude-new.json"))
@click.argument("service")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file.  [default: SERVICE.json]"
)
@click.option("--wait", type=Whole(1), default=300, show_default=True, help="How many seconds to wait for an exchange.")
@database_option
def capture(service: str, output: Path | None, wait: int, db: Path) -> None:
    """Leave a scrubbed example of your next exchange with a service: none of its words is yours any more."""
    from addon.capturing import Wish
    from addon.scrubbing.refusals import REFUSALS

    check_service(service, db)
    output = output or Path(f"{service}.json")
    if output.exists():
        fail("The file is there already", str(output), "name another with -o")
    if not os.access(output.resolve().parent, os.W_OK):
        fail("No file can be left there", str(output), "choose another with -o")
    wish = Wish.of(db.parent, service)
    try:
        db.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        wish.granted.unlink(missing_ok=True)
        wish.make()
        click.echo(
            f"Now use {service} once, in a window or program that klimaspor records. Waiting (Ctrl-C to stop) …",
            err=True,
        )
        example = _await(wish.granted, wait)
        taken = not wish.made
    except OSError as error:
        fail(f"The wish cannot be written ({error.strerror})", str(db.parent), "choose another place with --db")
    finally:
        wish.path.unlink(missing_ok=True)
        wish.granted.unlink(missing_ok=True)
    if example is None and taken:
        example = {"refused": "fault"}
    if example is None:
        fail("Nothing was heard", service, "is the proxy running (`klimaspor status`), and did you ask something?")
    if reason := example.get("refused"):
        what, do = REFUSALS[reason]
        fail(what, service, do)
    _leave(example, output)


def _await(path: Path, seconds: float) -> dict[str, Any] | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists():
            example: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return example
        time.sleep(STEP_SECONDS)
    return None


def _leave(example: dict[str, Any], output: Path) -> None:
    removed = example.pop("removed")
    reads_alike = example.pop("reads_alike")
    leave("example", json.dumps(example, ensure_ascii=False, indent=1) + "\n", output)
    click.echo(f"Left in {output}: {len(example['expected'])} record(s).")
    if not reads_alike:
        click.echo(
            "It reads otherwise than before: its reader needs something that was removed. Say so when you share it."
        )
    click.echo("Replaced or dropped: " + (", ".join(f"{n} x {kind}" for kind, n in removed.items()) or "nothing"))
    click.echo("Look through it before you share it. Then: tests/examples/<service>/, and CONTRIBUTING.md.")
