"""How it does: one verdict, then reasons, each with a command to type."""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tracker.setup import SetupError, nss
from tracker.setup.ledger import Ledger
from tracker.setup.listed import listed_hosts
from tracker.setup.places import find_places

State = Literal["good", "note", "wrong"]

AGAIN = "klimaspor doctor --browser"
SOON_DAYS = 30
SERIOUS_DOWN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    state: State
    what: str
    do: str | None = None
    """A command to paste."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the database knows of the last seven days."""

    down_s: float = 0.0
    unread: tuple[tuple[str, int], ...] = ()
    """Service and how many of its answers could not be read."""
    last_record: datetime | None = None


def judge(findings: Sequence[Finding]) -> str:
    """Return the verdict in one line."""
    wrong = sum(finding.state == "wrong" for finding in findings)
    if any(finding.check == "proxy" and finding.state == "wrong" for finding in findings):
        return "Nothing is being recorded: the proxy does not run."
    if wrong:
        return f"It records, but {wrong} thing{'s need' if wrong > 1 else ' needs'} your attention."
    if any(finding.check == "set-up" and finding.state == "note" for finding in findings):
        return "Well. This computer as a whole is not set up: only windows and commands of klimaspor are recorded."
    return "All is well."


def examine(db: Path, past: Past) -> list[Finding]:
    """Look at the proxy, its PAC file, the certificate in every store, and the past week. Changes nothing."""
    folder = db.parent.resolve()
    return [
        *_examine_proxy(folder),
        *_examine_certificate(db, folder),
        *_examine_set_up(folder),
        *_examine_browsers(past),
        *_examine_past(past),
    ]


def _examine_proxy(folder: Path) -> Iterator[Finding]:
    from addon.state import ask_status

    ledger = _open_ledger(folder)
    found = ask_status(folder)
    if found is None and (port := _held_port(ledger)) and _is_served(port):
        found = ask_status(folder)  # systemd held the port; our question started the proxy
    if found is None:
        state: State = "wrong" if ledger and ledger.entries else "note"
        yield Finding("proxy", state, "The proxy does not run.", "klimaspor start --detach")
        return
    running, status = found
    yield Finding("proxy", "good", f"The proxy runs on port {running.port}.")
    if status.get("trouble"):
        yield Finding(
            "worker",
            "wrong",
            f"The reader beside the proxy has trouble: {status['trouble']}",
            "klimaspor stop && klimaspor start --detach",
        )
    if _is_served(running.port):
        yield Finding("pac", "good", "The PAC file is served.")
    else:
        yield Finding(
            "pac",
            "wrong",
            "The PAC file is not served, so browsers go past us.",
            "klimaspor stop && klimaspor start --detach",
        )
    yield from _examine_passing(status)


def _examine_passing(status: dict[str, Any]) -> Iterator[Finding]:
    for passing in status.get("passing", []):
        why = "the site asked for a check" if passing["reason"] == "challenge" else "a program refuses our certificate"
        until = time.strftime("%d %b %H:%M", time.localtime(passing["until"]))
        yield Finding(
            "passed-through",
            "note",
            f"{passing['host']} passes unrecorded until {until}: {why}.",
            "klimaspor import FILE.har",
        )


def _examine_certificate(db: Path, folder: Path) -> Iterator[Finding]:
    from addon.authority import Authority

    authority = Authority.load(folder / "authority")
    if authority is None:
        yield Finding(
            "certificate", "note", "There is no certificate yet; the first start makes it.", "klimaspor browser"
        )
        return
    again = "klimaspor setup" if _is_set_up(folder) else "klimaspor stop; klimaspor start --detach"
    days = (authority.expires - datetime.now(UTC)).days
    if days < SOON_DAYS:
        yield Finding("expiry", "wrong", f"The certificate ends in {days} days.", "klimaspor undo && klimaspor setup")
    else:
        yield Finding("expiry", "good", f"The certificate is valid for {days} more days.")
    try:
        missing = sorted(listed_hosts(db) - authority.hosts)
    except SetupError as error:
        yield Finding("settings", "wrong", str(error), "klimaspor config")
        missing = []
    if missing:
        yield Finding(
            "hosts", "wrong", f"{len(missing)} listed hosts are not in the certificate, such as {missing[0]}.", again
        )
    if not _is_set_up(folder):
        return
    for place in find_places():
        try:
            trusted = (place.folder / "cert9.db").exists() and nss.is_trusted(
                place.folder, authority.name, authority.certificate_path
            )
        except SetupError as error:
            yield Finding("trust", "wrong", f"{place.whose} could not be looked at: {error.parts[1]}.", error.parts[2])
            continue
        if trusted:
            yield Finding("trust", "good", f"The certificate is in the store of {place.whose}.")
        else:
            yield Finding(
                "trust",
                "wrong",
                f"The present certificate is not in the store of {place.whose} ({place.folder}).",
                again,
            )


def _examine_set_up(folder: Path) -> Iterator[Finding]:
    from tracker.setup.undoing import KINDS

    try:
        ledger = Ledger.open(folder)
    except SetupError as error:
        yield Finding("set-up", "wrong", str(error), "klimaspor setup --dry-run")
        return
    if not ledger.entries:
        yield Finding("set-up", "note", "The whole computer is not set up.", "klimaspor setup --dry-run")
        return
    for entry in ledger.entries:
        if entry.kind == "trust":
            continue  # looked at above, store by store
        step = KINDS[entry.kind](**entry.fields)
        try:
            holds = step.is_done()
        except SetupError as error:
            yield Finding("set-up", "wrong", str(error), "klimaspor setup")
            continue
        if holds:
            yield Finding("set-up", "good", f"In force: {step.describe()}.")
        else:
            yield Finding("set-up", "wrong", f"No longer in force: {step.describe()}.", "klimaspor setup")
    by_environment = any(entry.fields.get("path", "").endswith("50-klimaspor.conf") for entry in ledger.entries)
    if by_environment and "auto_proxy" not in os.environ:
        yield Finding("login", "note", "This session began before the set-up: browsers learn of it at your next login.")


def _examine_browsers(past: Past) -> Iterator[Finding]:
    if past.last_record is None:
        yield Finding(
            "browser",
            "note",
            "No answer was recorded by the proxy in the last week. See whether your browser comes through.",
            AGAIN,
        )
    else:
        yield Finding(
            "browser", "good", f"The last answer was recorded on {past.last_record.astimezone():%d %b at %H:%M}."
        )


def _examine_past(past: Past) -> Iterator[Finding]:
    if past.down_s >= SERIOUS_DOWN_S:
        yield Finding(
            "gaps",
            "note",
            f"In the last week the proxy was down for {past.down_s / 3600:.1f} hours.",
            "klimaspor report",
        )
    for service, n in past.unread:
        yield Finding(
            "unread",
            "wrong",
            f"{n} answers of {service} could not be understood in the last week.",
            f"klimaspor capture {service}",
        )


def _is_served(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/proxy.pac", timeout=45) as answer:
            return b"FindProxyForURL" in answer.read(1_000_000)
    except OSError:
        return False


def _held_port(ledger: Ledger | None) -> int | None:
    """Return the port that systemd holds for us, if set-up made it so."""
    for entry in ledger.entries if ledger else ():
        if found := re.search(r"^ListenStream=127\.0\.0\.1:(\d+)$", str(entry.fields.get("text", "")), re.MULTILINE):
            return int(found[1])
    return None


def _is_set_up(folder: Path) -> bool:
    ledger = _open_ledger(folder)
    return ledger is not None and bool(ledger.entries)


def _open_ledger(folder: Path) -> Ledger | None:
    try:
        return Ledger.open(folder)
    except SetupError:
        return None
