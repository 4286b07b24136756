"""``klimaspor services``: what is supported and how well, and hosts that carry more than a chatbot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.options import check_service, database_option, examples, fail, format_option

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from addon.service import Service

COLUMNS = ("SERVICE", "NAME", "TOKENS", "GRADE", "VERIFIED", "HOST")


@click.command(epilog=examples("klimaspor services", "klimaspor services --open google-ai"))
@click.option("--open", "to_open", metavar="NAME", help="Open the hosts of a service that carry more than a chatbot.")
@click.option("--close", "to_close", metavar="NAME", help="Close them again.")
@database_option
@format_option("text", "json")
def services(to_open: str | None, to_close: str | None, db: Path, output_format: str) -> None:
    """
    List the chatbots, APIs and tools that are read, and how well.

    captured: read from a real recording. documented: from first-party documentation or two sources that agree.
    inferred: from one source; off until you open it, and only time and bytes are recorded.
    """
    from addon.company import all_services
    from tracker.settings import load

    for name in (to_open, to_close):
        check_service(name, db)
    known = all_services(db.parent)
    opened = set(load(db).get("proxy.open"))
    if to_open or to_close:
        _change(db, known, opened, to_open, to_close)
    elif output_format == "json":
        click.echo(json.dumps([tell(service, opened) for service in known], ensure_ascii=False, indent=2))
    else:
        _print_table(known, opened)


def tell(service: Service, opened: Collection[str] = ()) -> dict[str, Any]:
    """Return what the table says of a service, as JSON values."""
    return {
        "service": service.name,
        "title": service.title,
        "provider": service.provider,
        "hosts": list(service.hosts),
        "transports": list(service.transports),
        "operation": service.operation,
        "tokens": service.tokens,
        "features": list(service.features),
        "grade": service.grade,
        "verified": service.verified.isoformat(),
        "open": is_open(service, opened),
        "closed_because": service.closed,
        "reader": f"{service.name}/{service.version}",
    }


def is_open(service: Service, opened: Collection[str]) -> bool:
    """Whether its hosts are opened: they are, unless something else passes there and nobody opened them."""
    return service.closed is None or service.name in opened


def _print_table(known: Sequence[Service], opened: Collection[str]) -> None:
    rows = [COLUMNS]
    for service in known:
        more = f" and {len(service.hosts) - 1} more" if len(service.hosts) > 1 else ""
        mark = "" if is_open(service, opened) else " (closed)"
        rows.append(
            (
                service.name,
                service.title,
                service.tokens,
                service.grade,
                service.verified.isoformat(),
                service.hosts[0] + more + mark,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(
        "\nclosed: more than a chatbot passes on that host. klimaspor services --open NAME says what, and opens it."
    )


def _change(db: Path, known: Sequence[Service], opened: set[str], to_open: str | None, to_close: str | None) -> None:
    """Open or close, write the settings, and say what it means."""
    from dataclasses import replace

    from tracker.settings import load
    from tracker.settings_file import save

    by_name = {service.name: service for service in known}
    said: list[str] = []
    if to_open:
        service = by_name[to_open]
        if service.hosts[0].endswith(".localhost"):
            _point_to_port(service)
        if service.closed is None:
            click.echo(f"{service.title} is open already: nothing else passes on its hosts.")
        else:
            opened.add(service.name)
            said.append(f"{service.title} is open now. Mind: {service.closed}")
    if to_close:
        service = by_name[to_close]
        if service.closed is None:
            click.echo(
                f"{service.title} cannot be closed: `klimaspor pause 1d --service {service.name}` stops recording it."
            )
        else:
            opened.discard(service.name)
            said.append(f"{service.title} is closed now; its hosts pass untouched.")
    if not said:
        return
    settings = load(db)
    values = {**settings.values, "proxy.open": tuple(sorted(opened))}
    save(db, replace(settings, values=values))
    for sentence in said:
        click.echo(sentence)
    click.echo("It holds from the next start: klimaspor stop, klimaspor start; after klimaspor setup, run that again.")


def _point_to_port(service: Service) -> None:
    from addon.local import PORTS

    port = next((port for port, program in PORTS.items() if program == service.name), None)
    fail(
        "A program on this computer is not opened but listened to",
        service.title,
        f"klimaspor start --local {service.name}={port or 'PORT'}",
    )
