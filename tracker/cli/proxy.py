"""``klimaspor start``, ``stop``, ``status`` and ``open``: the proxy and its own page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from tracker.cli.options import Whole, database_option, examples, fail, format_option

START_SECONDS = 40.0
STOP_SECONDS = 25.0


@click.command(
    epilog=examples(
        "klimaspor start",
        "klimaspor start --detach",
        "klimaspor start --upstream http://proxy.example:3128 --upstream-ca company.pem",
        "klimaspor start --local ollama=11434",
    )
)
@database_option
@click.option("--port", type=Whole(1, 65535), help="Port on this computer.  [default: 47821]")
@click.option("--detach", is_flag=True, help="Go on in the background.")
@click.option("--upstream", metavar="URL", help="A company's proxy to go through, such as http://proxy.example:3128.")
@click.option(
    "--upstream-ca",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The root certificate (PEM) of a company that opens TLS itself.",
)
@click.option("--local", multiple=True, metavar="NAME=PORT", help="A local model server, such as ollama=11434.")
def start(
    *, db: Path, port: int | None, detach: bool, upstream: str | None, upstream_ca: Path | None, local: tuple[str, ...]
) -> None:
    """Start the proxy on this computer."""
    from addon.options import PORT, ProxyOptions, read_local
    from addon.run import serve
    from addon.state import ask_status
    from tracker.settings import load
    from tracker.setup.autostart import keeps_port

    settings = load(db)
    folder = db.parent.resolve()
    if found := ask_status(folder):
        fail("The proxy runs already", f"process {found[0].pid} on port {found[0].port}", "see `klimaspor status`")
    authorities = upstream_ca or settings.get("proxy.upstream_ca")
    options = ProxyOptions(
        db=db,
        folder=folder,
        port=port or settings.get("proxy.port") or PORT,
        upstream=upstream or settings.get("proxy.upstream"),
        upstream_ca=Path(authorities).expanduser() if authorities else None,
        local=read_local(local or tuple(settings.get("proxy.local"))),
        opened=tuple(settings.get("proxy.open")),
    )
    if detach and not (upstream or upstream_ca or local) and keeps_port(options.port):
        _wake(options)
    elif detach:
        arguments = [f"--upstream={upstream}"] if upstream else []
        arguments += [f"--upstream-ca={upstream_ca.resolve()}"] if upstream_ca else []
        arguments += [f"--local={entry}" for entry in local]
        _start_detached(options, arguments)
    else:
        serve(options, ready=lambda state: _announce(state, folder))


@click.command(epilog=examples("klimaspor stop"))
@database_option
def stop(db: Path) -> None:
    """Stop the proxy; what it heard is written first."""
    from addon.state import ask_status

    found = ask_status(db.parent.resolve())
    if found is None:
        click.echo("The proxy does not run.")
        return
    pid = found[0].pid
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_alive(pid):
        if time.monotonic() > deadline:
            fail("The proxy does not stop", f"process {pid}", f"end it with `kill -9 {pid}`; what it wrote stays")
        time.sleep(0.05)
    click.echo("The proxy has stopped.")
    from tracker.setup.autostart import keeps_port

    if keeps_port():
        click.echo("It starts again when a browser asks for it: `klimaspor pause` or `klimaspor undo` ends that.")


@click.command(epilog=examples("klimaspor status", "klimaspor status --format json"))
@database_option
@format_option("text", "json")
@click.pass_context
def status(context: click.Context, db: Path, output_format: str) -> None:
    """Say whether the proxy runs, and how it does. Exit code 1 if it does not."""
    from addon.state import ask_status
    from tracker.cli.control import pauses_of, tell_pause

    found = ask_status(db.parent.resolve())
    paused = pauses_of(db)
    if output_format == "json":
        until = {service or "*": moment.isoformat(timespec="seconds") for service, moment in paused.items()}
        answer = {"running": found is not None, "paused": until} | (found[1] if found else {})
        click.echo(json.dumps(answer, indent=2))
    else:
        lines = _describe(found[1]) if found else ["The proxy does not run. Start it with `klimaspor start`."]
        lines += [tell_pause(name, until) for name, until in paused.items()]
        click.echo("\n".join([*lines, f"Records: {db.resolve()}"]))
    if found is None:
        context.exit(1)


@click.command("open", epilog=examples("klimaspor open"))
@database_option
def open_page(db: Path) -> None:
    """Open the proxy's own page: today, reports, pause, budgets, rating."""
    from addon.state import ask_status

    found = ask_status(db.parent.resolve())
    if found is None:
        fail("There is no page to open", "the proxy does not run", "start it with `klimaspor start --detach`")
    click.echo(f"The page: {found[0].page}")  # also where no browser comes up
    click.launch(found[0].page)


def _start_detached(options: Any, arguments: list[str]) -> None:
    """Start the same command without --detach in a process of its own, and wait until it listens or says why not."""
    from addon.state import ask_status

    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "proxy.log"
    whole = ["start", f"--db={options.db.resolve()}", f"--port={options.port}", *arguments]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker", *whole],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = log.read_text("utf-8", "replace").strip().removeprefix("Error: ")
            raise click.ClickException(message or "The proxy ended at once · no reason known · start without --detach")
        found = ask_status(folder)
        if found is not None and found[0].pid == process.pid:
            click.echo("\n".join(_describe(found[1])))
            return
        time.sleep(0.1)
    process.terminate()
    fail("The proxy did not start in time", f"port {options.port}", f"start without --detach, or see {log}")


def _wake(options: Any) -> None:
    """Have systemd start the proxy, which it does when somebody asks the port that it keeps."""
    from addon.state import ask_status
    from tracker.setup.plan import check_served

    check_served(options.port)
    if (found := ask_status(options.folder)) is None:
        fail("systemd starts another klimaspor", f"port {options.port}", "see: systemctl --user status klimaspor")
    click.echo("\n".join(_describe(found[1])))


def _announce(state: Any, folder: Path) -> None:
    click.echo(f"Listening on 127.0.0.1:{state.port}; records go to {folder}. Stop with Ctrl-C or `klimaspor stop`.")
    for name, port in state.local.items():
        click.echo(f"{name}: use http://127.0.0.1:{port} as its address, and its use is recorded too.")


def _describe(answer: dict[str, Any]) -> list[str]:
    from tracker.report.names import why_passed

    turns, lost = answer["turns"], sum(answer["turns"]["lost"].values())
    lines = [
        f"The proxy runs: process {answer['pid']}, 127.0.0.1:{answer['port']}, since {answer['started_at']}.",
        f"{answer['hosts']} hosts are opened; every other site passes untouched.",
        f"Heard since then: {turns['heard']} turn{'s' * (turns['heard'] != 1)}; lost: {lost}.",
    ]
    lines += [f"{name}: use http://127.0.0.1:{port} as its address." for name, port in answer["local"].items()]
    for passing in answer["passing"]:
        until = time.strftime("%d %b %H:%M", time.localtime(passing["until"]))
        lines.append(why_passed(passing["reason"]).format(host=passing["host"], time=until))
    if answer["trouble"]:
        lines.append(f"Trouble: {answer['trouble']}")
    return lines


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
