"""What set-up would do on this very computer, and the doing of it, step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from addon.pac import PREVIOUS_FILE, Previous
from tracker.setup import SetupError, settings_folder
from tracker.setup.autostart import (
    SERVICE_UNIT,
    SOCKET_UNIT,
    UnitStep,
    own_command,
    refuse_passing_installation,
    write_service_unit,
    write_socket_unit,
)
from tracker.setup.desktop import GnomeStep, KdeStep
from tracker.setup.ledger import Ledger, Step
from tracker.setup.listed import listed_hosts
from tracker.setup.network import Desktop, find_desktop, pac_url, read_previous, served_pac
from tracker.setup.places import find_firefox_profiles, find_locks, find_places, has_own_proxy
from tracker.setup.steps import FileStep, FirefoxStep, TrustStep
from tracker.setup.systemd import has_user_systemd, units_folder
from tracker.setup.undoing import step_of

ENVIRONMENT_FILE = "50-klimaspor.conf"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order: trust, the proxy, and only then what sends browsers to it."""

    steps: tuple[Step, ...]
    network: tuple[Step, ...]
    """The steps that send browsers to the proxy; done only once it answers."""
    notes: tuple[str, ...]
    port: int

    @property
    def all(self) -> tuple[Step, ...]:
        return self.steps + self.network


def make_plan(
    db: Path, port: int, *, autostart: bool = True, upstream: str | None = None, look_only: bool = False
) -> Plan:
    """
    Look at this computer and return what would be done; nothing is changed, but our own certificate is made
    unless ``look_only``.

    Raises SetupError where a policy locks the settings, a PAC file cannot be read, or this is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise SetupError(
            "Set-up changes nothing on this system, for it was never tried there",
            sys.platform,
            "see klimaspor setup --dry-run for the steps by hand, or use klimaspor browser",
        )
    from addon.authority import CERTIFICATE_FILE, Authority

    folder = db.parent.resolve()
    desktop = find_desktop()
    if locks := find_locks(desktop):
        raise SetupError(
            "A policy decides about proxies here, so nothing was changed",
            "; ".join(locks),
            "ask your administrator to deploy the files that this writes: klimaspor setup --policy DIR",
        )
    previous = read_previous(folder, desktop)
    hosts = listed_hosts(db)
    kept = folder / "authority"
    made = Authority.load(kept) if look_only else Authority.load_or_make(kept, hosts)
    name = made.name if made else "klimaspor on this computer"
    certificate = str(folder / "authority" / CERTIFICATE_FILE)
    steps: list[Step] = [TrustStep(str(place.folder), name, certificate, place.whose) for place in find_places()]
    notes = list(_explain(previous, steps))
    if previous.kind != "direct":
        text = previous.to_json() + "\n"
        steps.append(
            FileStep(str(folder / PREVIOUS_FILE), text, "keep your present proxy settings for all other hosts")
        )
    if autostart:
        through = upstream or (f"http://{previous.https}" if previous.https else None)
        steps += _plan_autostart(db.resolve(), port, through)
    network = tuple(_plan_network(desktop, pac_url(port)))
    notes += [
        f"This Firefox profile has proxy settings of its own, which stay: {profile}. Use klimaspor browser for it."
        for profile in find_firefox_profiles()
        if has_own_proxy(profile)
    ]
    if desktop == "plain":
        notes.append("The environment file is read at your next login; browsers started before it do not know of it.")
    return Plan(tuple(steps), network, tuple(notes), port)


def _plan_autostart(db: Path, port: int, upstream: str | None) -> Iterator[Step]:
    units = units_folder()
    command = (
        *own_command(),
        "start",
        f"--db={db}",
        f"--port={port}",
        *([f"--upstream={upstream}"] if upstream else []),
    )
    yield FileStep(str(units / SOCKET_UNIT), write_socket_unit(port), "systemd keeps our port")
    yield FileStep(str(units / SERVICE_UNIT), write_service_unit(command), "systemd starts the proxy")
    yield UnitStep()


def _plan_network(desktop: Desktop, pac_url: str) -> Iterator[Step]:
    match desktop:
        case "gnome":
            yield GnomeStep(pac_url)
        case "kde":
            yield KdeStep(pac_url)
        case "plain":
            path = settings_folder() / "environment.d" / ENVIRONMENT_FILE
            yield FileStep(str(path), f"auto_proxy={pac_url}\n", "Chromium and its family ask us which hosts to send")
            for profile in find_firefox_profiles():
                if not has_own_proxy(profile):
                    yield FirefoxStep(str(profile), pac_url)


def _explain(previous: Previous, trusts: list[Step]) -> Iterator[str]:
    if not trusts:
        yield "No browser's certificate store was found; start your browser once, then run this again."
    match previous:
        case Previous(kind="manual"):
            present = previous.https or previous.http or previous.socks
            yield f"Your present proxy ({present}) stays in force for all other hosts."
        case Previous(kind="pac"):
            yield (
                f"Your present PAC file ({previous.pac_url}) stays in force for all other hosts. It is read again when "
                "you run setup again. If only its proxy leads out of this network, add --upstream http://host:port."
            )


def check_ready(*, autostart: bool) -> None:
    """Raise SetupError where the proxy could not start by itself although it should."""
    if not autostart:
        return
    refuse_passing_installation()
    if not has_user_systemd():
        raise SetupError(
            "The proxy cannot start by itself",
            "no systemd of your session answers",
            "run klimaspor setup --no-autostart, and klimaspor start --detach at each login",
        )


def carry_out(plan: Plan, ledger: Ledger, tell: Callable[[str], None]) -> None:
    """Do every step that is not done yet: noted first, then done, then looked at."""
    for step in plan.steps:
        _carry_out(step, ledger, tell)
    check_served(plan.port)
    for step in plan.network:
        _carry_out(step, ledger, tell)


def _carry_out(step: Step, ledger: Ledger, tell: Callable[[str], None]) -> None:
    if step.is_done():
        tell(f"was so already: {step.describe()}")
        return
    _retire(step, ledger)
    if ledger.find(step) is None:
        ledger.begin(step)
    try:
        step.do()
    except OSError as error:
        raise SetupError(
            "A step failed", f"{step.describe()} ({error.strerror})", "klimaspor undo takes back the steps before it"
        ) from None
    if not step.is_done():
        raise SetupError("A step did not hold", step.describe(), "klimaspor undo takes back the steps before it")
    tell(f"done: {step.describe()}")


def _retire(step: Step, ledger: Ledger) -> None:
    """Take back an earlier version of this step at the same place (another port, newer text) before doing this one."""
    for entry in reversed(list(ledger.entries)):
        old = step_of(entry)
        if old != step and _place(old) == _place(step):
            old.undo(entry.memory)
            ledger.strike(entry)


def _place(step: Step) -> tuple[str, ...]:
    names = ("path", "store", "profile", "unit")
    return (step.kind, *(str(getattr(step, name)) for name in names if hasattr(step, name)))


def check_served(port: int) -> None:
    """Raise SetupError unless our PAC file is served on this port: no browser is sent to a proxy that is not there."""
    if "klimaspor" not in served_pac(port):
        raise SetupError(
            "The proxy does not answer, so no browser was sent to it",
            f"port {port}",
            "start it with klimaspor start --detach, then run setup again",
        )
