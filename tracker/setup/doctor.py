"""How it does: one verdict, then reasons, each with a command to type."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tracker.setup import SetupError, nss
from tracker.setup.finding import Finding, State
from tracker.setup.ledger import Ledger
from tracker.setup.listed import listed_hosts
from tracker.setup.network import served_pac
from tracker.setup.past import Past, examine_past
from tracker.setup.places import find_places
from tracker.setup.plan import ENVIRONMENT_FILE
from tracker.setup.remedies import Remedies


def examine(db: Path, past: Past) -> list[Finding]:
    """Look at the proxy, its PAC file, the certificate in every store, and the past week. Changes nothing."""
    from addon.state import ask_status

    folder = db.parent.resolve()
    ledger = _open_ledger(folder)
    found = ask_status(folder)
    if found is None and (port := _held_port(ledger)) and served_pac(port):
        found = ask_status(folder)  # systemd held the port; our question started the proxy
    say = Remedies.of(db, ledger, found[0].port if found else None)
    return [
        *_examine_proxy(found, ledger, say),
        *_examine_hosts(db, folder, found, say),
        *_examine_trust(folder, ledger, say),
        *_examine_set_up(folder, say),
        *examine_past(past, say),
    ]


def _examine_proxy(found: tuple[Any, dict[str, Any]] | None, ledger: Ledger | None, say: Remedies) -> Iterator[Finding]:
    from tracker.report.names import why_passed

    if found is None:
        state: State = "wrong" if ledger and ledger.entries else "note"
        yield Finding("proxy", state, "The proxy does not run.", say.start)
        return
    running, status = found
    yield Finding("proxy", "good", f"The proxy runs on port {running.port}.")
    if status.get("trouble"):
        trouble = f"The reader beside the proxy has trouble: {status['trouble']}"
        yield Finding("worker", "wrong", trouble, say.edit_settings if "settings" in trouble else say.restart)
    if served_pac(running.port):
        yield Finding("pac", "good", "The PAC file is served.")
    else:
        yield Finding("pac", "wrong", "The PAC file is not served, so browsers go past us.", say.restart)
    for passing in status.get("passing", []):
        until = time.strftime("%d %b %H:%M", time.localtime(passing["until"]))
        what = why_passed(passing["reason"]).format(host=passing["host"], time=until)
        way = "import" if passing["reason"] == "challenge" else "run"
        yield Finding("passed-through", "note", what, say.say(f"{way} --help"))


def _examine_hosts(
    db: Path, folder: Path, found: tuple[Any, dict[str, Any]] | None, say: Remedies
) -> Iterator[Finding]:
    """Look whether certificate and proxy know every host that is listed now, and for how long."""
    from addon.authority import Authority
    from addon.company import BotsError
    from tracker.settings import SettingsError

    listed: frozenset[str] = frozenset()
    try:
        listed = listed_hosts(db)
    except SettingsError as error:
        yield Finding("settings", "wrong", str(error), say.edit_settings)
    except BotsError as error:
        yield Finding("settings", "wrong", str(error), say.edit_bots)
    if found is not None:
        pac = served_pac(found[0].port)
        yield from _missing("The running proxy does not know", [h for h in listed if f'"{h}"' not in pac], say.restart)
    authority = Authority.load(folder / "authority")
    if authority is None:
        what = "There is no certificate yet; the first start makes it."
        yield Finding("certificate", "note", what, say.say("browser"))
        return
    again = say.setup if _is_set_up(folder) else say.restart
    days = (authority.expires - datetime.now(UTC)).days
    if authority.ends_soon:
        when = f"ends in {days} days" if days >= 0 else "has ended"
        yield Finding("expiry", "wrong", f"The certificate {when}.", again)
    else:
        yield Finding("expiry", "good", f"The certificate is valid for {days} more days.")
    yield from _missing("The certificate does not cover", listed - authority.hosts, again)


def _missing(what: str, hosts: Collection[str], do: str) -> Iterator[Finding]:
    if first := sorted(hosts)[:1]:
        n = len(hosts)
        yield Finding("hosts", "wrong", f"{what} {n} listed host{'s' * (n != 1)}, such as {first[0]}.", do)


def _examine_trust(folder: Path, ledger: Ledger | None, say: Remedies) -> Iterator[Finding]:
    """Look into every certificate store, where the computer was set up."""
    from addon.authority import Authority

    authority = Authority.load(folder / "authority")
    if authority is None or ledger is None or not ledger.entries:
        return
    for place in find_places():
        try:
            trusted = (place.folder / "cert9.db").exists() and nss.is_trusted(
                place.folder, authority.name, authority.certificate_path
            )
        except SetupError as error:
            _, where, advice = error.parts
            is_command = advice.startswith(("sudo ", "brew "))
            what = f"{place.whose} could not be looked at: {where}{'' if is_command else f'; {advice}'}."
            yield Finding("trust", "wrong", what, advice if is_command else say.say("doctor"))
            continue
        if trusted:
            yield Finding("trust", "good", f"The certificate is in the store of {place.whose}.")
        else:
            what = f"The present certificate is not in the store of {place.whose} ({place.folder})."
            yield Finding("trust", "wrong", what, say.setup)


def _examine_set_up(folder: Path, say: Remedies) -> Iterator[Finding]:
    from tracker.setup.undoing import step_of

    try:
        ledger = Ledger.open(folder)
    except SetupError as error:
        yield Finding("set-up", "wrong", str(error), say.say("setup --dry-run"))
        return
    if not ledger.entries:
        yield Finding("set-up", "note", "The whole computer is not set up.", say.say("setup --dry-run"))
        return
    for entry in ledger.entries:
        if entry.kind == "trust":
            continue  # looked at above, store by store
        try:
            step = step_of(entry)
            holds = step.is_done()
        except SetupError as error:
            yield Finding("set-up", "wrong", str(error), say.setup)
            continue
        if holds:
            yield Finding("set-up", "good", f"In force: {step.describe()}.")
        else:
            yield Finding("set-up", "wrong", f"No longer in force: {step.describe()}.", say.setup)
    for entry in ledger.entries:
        if str(entry.fields.get("path", "")).endswith(ENVIRONMENT_FILE) and "auto_proxy" not in os.environ:
            what = "This session began before the set-up: browsers learn of it at your next login; from this terminal:"
            yield Finding("login", "note", what, f"export {str(entry.fields.get('text')).strip()}")


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
