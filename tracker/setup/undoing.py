"""The walk backwards through the ledger: every step taken back and looked at, and nobody left offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracker.setup import SetupError, nss
from tracker.setup.autostart import UnitStep, reload_units
from tracker.setup.desktop import GnomeStep, KdeStep
from tracker.setup.ledger import Entry, Ledger, Step
from tracker.setup.places import find_places
from tracker.setup.steps import FileStep, FirefoxStep, TrustStep

KINDS: dict[str, Callable[..., Step]] = {
    "trust": TrustStep,
    "file": FileStep,
    "unit": UnitStep,
    "gnome": GnomeStep,
    "kde": KdeStep,
    "firefox": FirefoxStep,
}


def step_of(entry: Entry) -> Step:
    """Return the step that an entry tells of; raise SetupError if it tells of none."""
    try:
        return KINDS[entry.kind](**entry.fields)
    except (KeyError, TypeError):
        raise SetupError(
            "A step in the ledger is damaged or newer", entry.kind[:32], "klimaspor undo takes back all others"
        ) from None


def take_back(ledger: Ledger, folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Walk the ledger backwards; return what could not be taken back, which stays in the ledger."""
    problems = []
    names = {str(entry.fields.get("name")) for entry in ledger.entries if entry.kind == "trust"}
    for entry in reversed(list(ledger.entries)):
        try:
            step = step_of(entry)
            note = step.undo(entry.memory)
            undone = step.is_undone(entry.memory)
        except SetupError as error:
            problems.append(str(error))
            continue
        except (KeyError, TypeError, OSError) as error:
            problems.append(f"A step could not be taken back · {entry.kind} ({type(error).__name__}) · try again")
            continue
        if not undone and note is None:
            problems.append(f"A step is still in force · {step.describe()} · by hand: {step.describe_undo()}")
            continue
        ledger.strike(entry)
        tell(note or f"taken back: {step.describe()}")
    reload_units()
    problems += _sweep(names)
    if not ledger.entries:
        _forget_authority(folder)
    return problems


def _sweep(names: set[str]) -> list[str]:
    """Take our certificate also out of stores that the ledger does not know, such as a profile that was moved."""
    problems = []
    for place in find_places():
        if not (place.folder / "cert9.db").exists():
            continue
        try:
            for name in names:
                if nss.holds(place.folder, name):
                    nss.distrust(place.folder, name)
        except SetupError as error:
            problems.append(str(error))
    return problems


def _forget_authority(folder: Path) -> None:
    """Delete the key that nobody trusts any more, unless a proxy is using it."""
    from addon.state import ask_status

    if ask_status(folder) is None:
        for path in sorted((folder / "authority").glob("*.*")):
            path.unlink(missing_ok=True)
