"""What can be imported: a small table of kinds, and the one that a file is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from addon.reader import Reader
from addon.reading import Reading

Progress = Callable[[int, int], None]
"""Called now and then with bytes read and bytes in all."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an importer needs: a reader, and the installation key for exports that need no reader."""

    reader: Reader
    key: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one entry of a file: a reading, or the reason why there is none."""

    position: int
    """Counted from 1."""
    reading: Reading | None = None
    problem: str | None = None
    """A short sentence about the entry; never anything out of it."""


Importer = Callable[[Path, Context, Progress], Iterator[Part]]


class NotReadableError(ValueError):
    """The file as a whole cannot be read; the message says why, without anything out of it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: how it is told from its first bytes, and who reads it."""

    name: str
    title: str
    holds_secrets: str
    """What the file still holds after the import, as a person would say it; empty where it is to be kept anyway."""
    detect: Callable[[Path, bytes], bool]
    importer: str
    """``module:function`` of an ``Importer``."""
    holds_exchanges: bool = False
    """Whether services are needed to read it; all others tell their answers themselves."""

    def load(self) -> Importer:
        """Import the module that reads this kind."""
        module, _, function = self.importer.partition(":")
        importer: Importer = getattr(importlib.import_module(module), function)
        return importer


def _is_flow(_path: Path, head: bytes) -> bool:
    digits, colon, _ = head[:12].partition(b":")
    return bool(colon) and digits.isdigit() and not head.lstrip().startswith((b"{", b"["))


def _is_har(path: Path, head: bytes) -> bool:
    text = head.replace(b"\x00", b"")  # a HAR written as UTF-16 is still told
    return path.suffix.lower() == ".har" or (b'"log"' in text and (b'"entries"' in text or b'"creator"' in text))


def _lazily(module: str, function: str) -> Callable[[Path, bytes], bool]:
    """Return a detector that is imported when it is first asked."""

    def detect(path: Path, head: bytes) -> bool:
        found: bool = getattr(importlib.import_module(f"tracker.imports.{module}"), function)(path, head)
        return found

    return detect


def _agent(name: str, title: str, module: str, short: str) -> Kind:
    return Kind(name, title, "", _lazily(module, f"is_{short}"), f"tracker.imports.{module}:read_{short}")


def _recording(name: str, title: str, detect: Callable[[Path, bytes], bool]) -> Kind:
    importer = f"tracker.imports.{name}:read_{name}"
    return Kind(name, title, "cookies and whole chats", detect, importer, holds_exchanges=True)


KINDS: list[Kind] = [
    _recording("har", "a browser's HAR file", _is_har),
    _recording("flow", "a mitmproxy flow file", _is_flow),
    Kind(
        "own-export",
        "klimaspor's own export",
        "",
        _lazily("own_export", "is_own_export"),
        "tracker.imports.own_export:read_own_export",
    ),
    Kind(
        "chatgpt-export",
        "ChatGPT's data export",
        "your chats",
        _lazily("chatgpt_export", "is_chatgpt_export"),
        "tracker.imports.chatgpt_export:read_chatgpt_export",
    ),
    Kind(
        "claude-export",
        "Claude's data export",
        "your chats",
        _lazily("claude_export", "is_claude_export"),
        "tracker.imports.claude_export:read_claude_export",
    ),
    _agent("claude-code", "logs of Claude Code", "claude_code", "claude_code"),
    _agent("codex", "logs of Codex CLI", "codex_cli", "codex"),
    _agent("gemini-cli", "logs of Gemini CLI", "gemini_cli", "gemini_cli"),
    _agent("opencode", "logs of OpenCode", "opencode", "opencode"),
]
"""In the order they are tried."""


def detect(path: Path) -> Kind | None:
    """Return the kind of this file, or None. Raise ``OSError`` if it cannot be read."""
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(64 * 1024)
    elif not path.is_dir():
        return None  # a pipe or a device, which may have no end
    return next((kind for kind in KINDS if kind.detect(path, head)), None)
