"""What a person may choose about how the footprint is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracker.footprint.errors import FootprintError
from tracker.footprint.methods import WEIGHTS

EXTENSIONS = (
    "prefill", "cached_input", "long_context", "idle", "search", "network", "hidden_reasoning", "history",
    "system_prompt", "files", "search_pages", "hidden_steps", "unknown_counts", "device", "training",
)  # fmt: skip
"""What is added to a published method, each switchable. ``device`` and ``training`` are off unless asked for."""

DEFAULT_EXTENSIONS = frozenset(EXTENSIONS) - {"device", "training"}
HIDDEN_EXTENSIONS = frozenset({
    "hidden_reasoning", "history", "system_prompt", "files", "search_pages", "hidden_steps",
})  # fmt: skip
"""What the wire hides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    How to assess. ``zone`` moves the servers (a what-if); ``own_zone`` is the person's own, for local models only.

    ``device`` adds the person's own machine to the totals. ``training`` never enters a total: it is shown apart.
    """

    method: str | None = None
    """None combines the methods; or one of ecologits (as published), flop, measured, vendor, time."""
    zone: str | None = None
    own_zone: str | None = None
    provider_zones: Mapping[str, str] = field(default_factory=dict)
    """Provider → zone, where a person knows better than the provider's main location."""
    local_power_w: float | None = None
    """Draw of the person's own computer while a local model answers."""
    hourly: Path | None = None
    """A CSV ``zone,utc_hour,g_per_kwh``."""
    extensions: frozenset[str] = DEFAULT_EXTENSIONS

    def check(self) -> None:
        """Raise a FootprintError for a method, extension or power that does not exist."""
        if self.method is not None and self.method not in WEIGHTS:
            raise FootprintError("There is no such method", self.method[:40], f"use one of {', '.join(WEIGHTS)}")
        _check_extensions(self.extensions)
        if self.local_power_w is not None and not 0 < self.local_power_w <= 100_000:
            raise FootprintError("This power cannot be", f"{self.local_power_w} W", "give the watts of your computer")


def _check_extensions(names: Iterable[str]) -> None:
    if unknown := sorted(set(names) - set(EXTENSIONS)):
        raise FootprintError("There is no such extension", unknown[0][:40], f"use some of {', '.join(EXTENSIONS)}")


def choose(setting: Callable[[str], Any], *, method: str | None = None, zone: str | None = None) -> Settings:
    """
    Return the settings that a person's settings file asks for; ``setting`` returns the value of a key.

    ``method`` and ``zone`` are what the command asked for and win over the file.
    """
    extensions = DEFAULT_EXTENSIONS if setting("report.extensions") else DEFAULT_EXTENSIONS - HIDDEN_EXTENSIONS
    _check_extensions(setting("footprint.without"))  # a name that does nothing is a slip of the pen
    hourly, watts = setting("footprint.hourly"), setting("footprint.local_watts")
    return Settings(
        method=method or setting("report.method"),
        zone=zone or setting("report.zone"),
        own_zone=setting("country"),
        provider_zones=dict(entry.split("=", 1) for entry in setting("footprint.zones")),
        local_power_w=float(watts) if watts else None,
        hourly=Path(hourly).expanduser() if hourly else None,
        extensions=(extensions | set(setting("footprint.with"))) - set(setting("footprint.without")),
    )
