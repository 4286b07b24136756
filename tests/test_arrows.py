"""The rooms know each other only along the arrows of docs/architecture.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ROOMS = {
    "tracker.store": {
        "store", "rows", "twins", "migrations", "opening", "heartbeat", "coverage", "sums", "moments", "forgetting",
        "talks", "key", "schema", "sum_queries", "harmless", "marks", "private",
    },
    "tracker.settings": {"settings", "settings_file", "budget"},
}  # fmt: skip
"""Rooms of more than one file that have no folder of their own."""

FOR_ALL = "tracker.errors"
"""What every room may import, and which imports nothing."""

ALWAYS = {
    # room: rooms it may import at the top of a file (its own is always allowed)
    "addon": {
        "tracker.record", "tracker.naming", "tracker.store", "tracker.tokens", "tracker.limits", "tracker.settings",
        "tracker.desktop", "tracker.reminders",
    },
    "tracker.record": set(),
    "tracker.naming": {"tracker.record"},
    "tracker.tokens": set(),
    "tracker.desktop": {"tracker.limits"},
    "tracker.reminders": {"tracker.store", "tracker.settings"},
    "tracker.store": {"tracker.record", "tracker.naming"},
    "tracker.settings": {"tracker.record", "tracker.store"},
    "tracker.limits": {"tracker.record", "tracker.store", "tracker.settings"},
    "tracker.exports": {"tracker.record", "tracker.store"},
    "tracker.footprint": {"tracker.record"},
    "tracker.report": {"tracker.record", "tracker.store", "tracker.footprint", "tracker.settings", "tracker.limits"},
    "tracker.own_page": {
        "tracker.record", "tracker.store", "tracker.settings", "tracker.limits", "tracker.report", "tracker.reminders",
    },
    "tracker.imports": {
        "tracker.record", "tracker.naming", "tracker.store", "tracker.tokens", "tracker.exports", "addon",
    },
    "tracker.setup": {"tracker.settings", "tracker.store", "addon"},
    "tracker.issuer": set(),
    "tracker.trial": {"tracker.issuer", "tracker.store"},
    "tracker.team": {
        "tracker.record", "tracker.store", "tracker.footprint", "tracker.report", "tracker.settings", "tracker.issuer",
    },
    "tracker.cli": {"tracker", "addon"},
    "tracker.__main__": {"tracker.cli"},
}  # fmt: skip
PURE_ADDON = {
    "addon.exchange", "addon.coding", "addon.framing", "addon.service", "addon.services", "addon.reader",
    "addon.reading", "addon.socket_reader", "addon.client", "addon.recording", "addon.counting", "addon.company",
    "addon.patching", "addon.pac", "addon.local", "addon.shapes", "addon.digests", "addon.waiting",
}  # fmt: skip
"""Rooms of the ear that need no mitmproxy: the tracker may import these at the top of a file."""

INSIDE_FUNCTIONS = {
    "addon": {"tracker.report"},
    "tracker.limits": {"tracker.footprint"},
    "tracker.desktop": {"tracker.report"},
    "tracker.cli": {"addon"},
    "tracker.own_page": {"addon"},
    "tracker.setup": {"addon", "tracker.report"},
    "tracker.trial": {"addon.run", "addon.options", "tracker.report"},
}


def files() -> Iterator[Path]:
    for room in ("addon", "tracker"):
        yield from sorted((ROOT / room).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "addon":
        return "addon"
    for room, names in ROOMS.items():
        if len(parts) > 1 and parts[1] in names:
            return room
    return ".".join(parts[:2])


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of a file, and whether the import stands inside a function."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Import(names=names):
                    for name in names:
                        yield name.name, inside
                case ast.ImportFrom(module=str(module), level=0, names=names):
                    yield module, inside
                    for name in names:
                        yield f"{module}.{name.name}", inside
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    yield from walk(child, inside=True)
                case _:
                    yield from walk(child, inside)

    yield from walk(ast.parse(path.read_text()), inside=False)


def belongs(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("path", list(files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    here = module_of(path)
    room = room_of(here)
    wrong = []
    for name, inside in imports(path):
        top = name.split(".")[0]
        if top == "mitmproxy" and room.startswith("tracker") and not inside:
            wrong.append(f"{name} at the top of the file")
        if top not in {"addon", "tracker"} or name in {"addon", "tracker"} or room_of(name) in {room, FOR_ALL}:
            continue
        allowed = ALWAYS.get(room, set()) | (INSIDE_FUNCTIONS.get(room, set()) if inside else set())
        if not inside and name.startswith("addon") and not belongs(name, PURE_ADDON):
            wrong.append(f"{name} at the top of the file")
        elif not belongs(name, allowed) and not belongs(room_of(name), allowed):
            wrong.append(name)
    assert wrong == [], f"{here} must not import these; see docs/architecture.md"


def test_importing_every_room_of_the_tracker_leaves_mitmproxy_alone() -> None:
    modules = [module_of(path) for path in files() if path.parts[-1] != "__main__.py"]
    pure = [name for name in modules if name.startswith("tracker") or belongs(name, PURE_ADDON)]
    if find_spec("nats") is None:  # an organisation's extra; `tracker.team.transport` asks for it where it is used
        pure.remove("tracker.team.client")
    code = "import sys, importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in pure)
    code += "print(sorted(name for name in sys.modules if name.split('.')[0] in {'mitmproxy', 'ecologits', 'toktok'}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"
