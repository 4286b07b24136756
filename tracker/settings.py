"""The person's settings: one TOML file beside the database, every key known and explained here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tracker.budget import Budget, read_budget
from tracker.errors import TellableError
from tracker.harmless import in_one_line
from tracker.private import read_plain

Kind = Literal["text", "number", "switch", "list"]


class SettingsError(TellableError):
    """The settings cannot be used."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file."""

    key: str
    kind: Kind
    default: str | int | bool | tuple[str, ...] | None
    meaning: str
    fits: Callable[[Any], object] = field(default=lambda _value: True)
    allowed: str = ""
    """What fits, in words."""


def _choice(key: str, default: str | None, meaning: str, choices: tuple[str, ...]) -> Setting:
    return Setting(key, "text", default, meaning, fits=choices.__contains__, allowed=", ".join(choices))


def _zone(key: str, meaning: str) -> Setting:
    return Setting(key, "text", None, meaning, re.compile(r"[A-Z]{3}").fullmatch, "three capitals, such as NOR")


LANGUAGES = ("en", "nb", "nl")
METHODS = ("ecologits", "flop", "measured", "vendor", "time")
REMINDERS = "notices.unapproved"

SCHEMA = (
    _choice("language", None, "Language of reports; unset: the computer's.", LANGUAGES),
    _zone("country", "Where you live: for comparisons and for your own device."),
    _choice("report.method", None, "Use one method only.", METHODS),
    _zone("report.zone", "What if the servers stood there."),
    Setting("report.extensions", "switch", True, "Include what the wire hides, as estimates of their own."),
    Setting("footprint.without", "list", (), "Extensions to leave out, such as prefill, idle, history, network."),
    Setting("footprint.with", "list", (), "Extensions to add: device (your own computer), training (shown apart)."),
    Setting("footprint.zones", "list", (), "Where a provider's servers stand, if you know better: openai=NLD.",
            lambda entries: all(re.fullmatch(r"[a-z0-9_.]+=[A-Z]{3}", e) for e in entries), "provider=ZONE"),
    Setting("footprint.local_watts", "number", None, "Watts of your computer while a local model answers.",
            range(1, 100_001).__contains__, "1 to 100000"),
    Setting("footprint.hourly", "text", None, "CSV file of hourly grid intensity: zone,utc_hour,g_per_kwh."),
    Setting(
        "proxy.port",
        "number",
        47821,
        "Port of the proxy on this computer.",
        range(1024, 65536).__contains__,
        "1024 to 65535",
    ),
    Setting(
        "proxy.upstream",
        "text",
        None,
        "Company proxy to go through, such as http://proxy.example:3128.",
        re.compile(r"https?://[^\s/@]+(:\d+)?/?").fullmatch,
        "http://host:port",
    ),
    Setting("proxy.upstream_ca", "text", None, "Certificate file of a company proxy that opens TLS itself."),
    Setting("proxy.open", "list", (), "Services whose hosts carry more than a chatbot and are opened all the same."),
    Setting(
        "proxy.local",
        "list",
        (),
        "Local model servers, such as ollama=11434.",
        lambda entries: all(re.fullmatch(r"[a-z0-9-]+=\d{2,5}", entry) for entry in entries),
        "name=port",
    ),
    Setting("notices.desktop", "switch", True, "Tell on the desktop when a budget is nearly or wholly used."),
    Setting(
        REMINDERS,
        "list",
        (),
        "Services your organisation has not approved: you are told when you use one, nobody else is.",
        lambda entries: all(re.fullmatch(r"[a-z0-9-]+=.{1,200}", entry) for entry in entries),
        "service=reason",
    ),
)  # fmt: skip
"""Every key there is. ``budgets`` stands beside them: a list of tables, written by ``klimaspor budget``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings as they are: the file's, and defaults for all others."""

    values: dict[str, Any] = field(default_factory=dict)
    """Only what the file says."""
    budgets: tuple[Budget, ...] = ()

    def get(self, key: str) -> Any:
        """
        Return the value of a key, or its default.

        :raises SettingsError: if there is no such key; it names the nearest one.
        """
        setting = find(key)
        return self.values.get(setting.key, setting.default)

    def with_budget(self, new: Budget) -> Settings:
        """Return the settings with this budget, in the place of an older one that is about the same."""
        others = (old for old in self.budgets if not new.takes_place_of(old))
        return replace(self, budgets=(*others, new))


def settings_path(db_path: Path) -> Path:
    """Return where the settings of this database lie: beside it, with the suffix ``.toml``."""
    return db_path.with_suffix(".toml")


def find(key: str) -> Setting:
    """Return the setting of this name, or raise ``SettingsError`` that names the nearest one."""
    for setting in SCHEMA:
        if setting.key == key:
            return setting
    import difflib  # only a wrong key needs it

    known = [setting.key for setting in SCHEMA]
    near = difflib.get_close_matches(key, known, 1)
    advice = f"did you mean {near[0]}?" if near else "`klimaspor config` lists the settings"
    raise SettingsError(f"There is no such setting · {in_one_line(key)} · {advice}")


def load(db_path: Path) -> Settings:
    """
    Read the settings that belong to this database; no file is no settings.

    :raises SettingsError: for a file that is not TOML, a key that is not known or a value that does not fit.
    """
    path = settings_path(db_path)
    try:
        content = tomllib.loads(read_plain(path).decode())
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(
            f"The settings cannot be read ({error.strerror}) · {path} · check what lies there"
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, a number of thousands of digits
        position = re.search(r"line \d+", str(error))
        place = position[0] if position else "not UTF-8 or not TOML"
        raise SettingsError(f"The settings cannot be read ({place}) · {path} · mend or remove the file") from error
    listed = content.pop("budgets", [])
    budgets = [read_budget(entry) for entry in listed] if isinstance(listed, list) else [None]
    fitting = tuple(budget for budget in budgets if budget is not None)
    if len(fitting) < len(budgets):
        raise SettingsError(f"A budget does not fit · {path} · mend that [[budgets]] table or take it out")
    values: dict[str, Any] = {}
    for key, value in _flatten(content):
        try:
            values[key] = check(find(key), value)
        except SettingsError as error:
            raise SettingsError(f"{error} (in {path})") from error
    return Settings(values, fitting)


def parse(setting: Setting, text: str) -> Any:
    """Return the value that a person typed for a setting; raises ``SettingsError`` if it does not fit."""
    match setting.kind:
        case "number" if re.fullmatch(r"-?\d{1,9}", text):
            return check(setting, int(text))
        case "switch" if text.lower() in {"on", "true", "yes"}:
            return True
        case "switch" if text.lower() in {"off", "false", "no"}:
            return False
        case "list":
            return check(setting, [entry.strip() for entry in text.split(",") if entry.strip()])
        case "text":
            return check(setting, text)
    raise _misfit(setting)


def check(setting: Setting, value: Any) -> Any:
    """Return the value as it is kept, or raise ``SettingsError`` if it does not fit."""
    match setting.kind, value:
        case ("switch", bool()) | ("text", str()):
            pass
        case "number", int() if not isinstance(value, bool):
            pass
        case "list", list() if all(isinstance(entry, str) for entry in value):
            value = tuple(value)
        case _:
            raise _misfit(setting)
    if not setting.fits(value):
        raise _misfit(setting)
    return value


def _flatten(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            found += _flatten(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found


def _misfit(setting: Setting) -> SettingsError:
    allowed = setting.allowed or {"switch": "on or off", "number": "a whole number", "list": "words with commas"}.get(
        setting.kind, "text"
    )
    return SettingsError(f"This value does not fit · {setting.key} · it takes {allowed}")
