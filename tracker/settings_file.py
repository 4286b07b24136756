"""Writing the settings file: every key with its meaning, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracker.budget import Budget
from tracker.private import make_private_folder, write_whole
from tracker.settings import SCHEMA, Settings, SettingsError, settings_path


def save(db_path: Path, settings: Settings) -> None:
    """Write the settings, whole or not at all, readable for their owner only. Comments explain each key."""
    path = settings_path(db_path)
    try:
        make_private_folder(path.parent)
        write_whole(path, to_toml(settings))
    except OSError as error:
        raise SettingsError(
            f"The settings cannot be written ({error.strerror}) · {path} · check who owns it"
        ) from error


def to_toml(settings: Settings) -> str:
    """Return the file's text: every key with its meaning, those not set as comments."""
    lines = ["# klimaspor's settings. Change them here or with `klimaspor config KEY VALUE`.", ""]
    table = ""
    for setting in SCHEMA:
        head, _, name = setting.key.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        lines.append(f"# {setting.meaning}" + (f" ({setting.allowed})" if setting.allowed else ""))
        if setting.key in settings.values:
            lines.append(f"{name} = {_value(settings.values[setting.key])}")
        else:
            default = "" if setting.default is None else _value(setting.default)
            lines.append(f"# {name} = {default}".rstrip())
    for budget in settings.budgets:
        lines += ["", "[[budgets]]"]
        for name in Budget.__slots__:
            value = getattr(budget, name)
            if value is not None:
                lines.append(f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case tuple():
            return "[" + ", ".join(_value(entry) for entry in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
