"""``klimaspor run``: one command with its AI calls recorded, by its environment alone."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import click

from tracker.cli.options import database_option, examples


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples(
        "klimaspor run -- claude",
        then="Nothing is changed but the command's own environment; its exit code is passed through.",
    ),
)
@database_option
@click.option("--upstream", help="A company's proxy to go through.  [default: HTTPS_PROXY, if it is set]")
@click.option("--upstream-ca", type=click.Path(path_type=Path, dir_okay=False), help="Its root certificate (PEM).")
@click.option("--direct", multiple=True, metavar="HOST", help="Reach this host without the proxy; may be repeated.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context,
    *,
    db: Path,
    upstream: str | None,
    upstream_ca: Path | None,
    direct: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run one command with its AI calls recorded."""
    from tracker.setup.environment import build_environment, company_proxy, local_domains
    from tracker.setup.recording import recording

    through = upstream or company_proxy(os.environ)
    with (
        recording(
            db,
            upstream=through,
            upstream_ca=upstream_ca,
            tell=lambda line: click.echo(f"klimaspor: {line}", err=True),
        ) as way,
        tempfile.TemporaryDirectory(prefix="klimaspor-") as folder,
    ):
        inside = () if through else local_domains()  # a company's proxy knows its own insides
        environment = build_environment(
            os.environ, way.port, way.certificate.path, Path(folder), direct=(*direct, *inside)
        )
        code = _run(command, environment)
        way.settle()
    context.exit(code)


def _run(command: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run the command in the foreground; return its exit code, or 128 + the number of the signal that ended it."""
    from tracker.setup import SetupError

    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        reason = "not found" if isinstance(error, FileNotFoundError) else error.strerror
        raise SetupError("The command did not start", f"{command[0]} ({reason})", "check its name") from None
    with _pass_signals(process):
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _pass_signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Hand signals on to the command; Ctrl-C reaches it from the terminal by itself, and we outlive it."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(number)

    handlers: dict[int, Callable[[int, FrameType | None], None] | signal.Handlers] = {
        signal.SIGINT: signal.SIG_IGN,
        signal.SIGTERM: hand_on,
    }
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = hand_on
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
