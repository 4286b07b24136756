"""klimaspor: the ear. It hears bytes and hands on records."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Make ``addons`` when mitmproxy asks for them, so that importing ``addon.framing`` needs no mitmproxy."""
    if name != "addons":
        raise AttributeError(name)
    import sys
    from pathlib import Path

    root = str(Path(__file__).parent.parent)
    if root not in sys.path:
        sys.path.insert(0, root)  # ``mitmdump -s addon/__init__.py`` loads this file by its path alone
    from addon.script import make_addons

    globals()["addons"] = made = make_addons()
    return made
