"""Makes values harmless: every word becomes filler, every id another, every key and number nobody reads a plain one."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from addon.framing import parse_or_none
from addon.scrubbing import kinds
from addon.scrubbing.files import empty_base64
from addon.scrubbing.filler import Fillers, Place
from addon.scrubbing.kinds import LINK, MIME, UUID, Kind, is_id_key, json_in, key_of
from addon.scrubbing.words import MARKS, is_marker, is_public, is_public_name, keep_parts, keep_start, vocabulary

_ID_PART = re.compile(rf"({UUID.pattern}|[:,|@_])", re.IGNORECASE)
_BRACKETS = re.compile(r"\w{1,40}(\[\w{1,40}\]){1,4}")
_PLAIN_ID = re.compile(r"\d{1,3}|[A-Za-z]+([-_][A-Za-z]+)*")
"""Numbers in a row, and words for kinds, where ids could stand."""
_MILLISECONDS = 10**11
"""Moments above this are told in milliseconds."""
_NEAR = timedelta(days=366)
_DOUBTFUL = frozenset({"public", "id", "link", "name"})
"""What a string may be by its form and is not where text stands."""
_LARGE = 10**8
_SMALL = 10**4


@dataclass(slots=True)
class Scrubber:
    """
    One scrubbing of exchanges that belong together: ids are drawn anew, the same one for the same one.

    It goes over them twice or more: first to learn in which places text stands, then to write. ``removed`` counts
    what went, by kind; ``shift`` moves every moment from the exchange's clock to that of the examples.
    """

    fillers: Fillers
    started_at: datetime
    shift: timedelta
    removed: Counter[str] = field(default_factory=Counter)
    learning: bool = True
    side: str = "answer"
    _ids: dict[str, str] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Write from here on, or once more; what was seen until now has taught us enough."""
        if self.learning:
            self.fillers.learn()
        self.learning = False
        self.fillers.begin()
        self.removed.clear()
        self._ids.clear()
        self._keys.clear()

    def value(self, value: Any, *path: str) -> Any:
        """Return the JSON value with every string, key and telling number made harmless."""
        match value:
            case dict():
                aim = kinds.aim_of(value)
                return {
                    self.key(name): self.value(inner, *path, *(aim if name in {"v", "value"} else ()), name)
                    for name, inner in value.items()
                }
            case list():
                return [
                    self.value(inner, *path, *(() if isinstance(inner, dict) else (str(at),)))
                    for at, inner in enumerate(value)
                ]
            case str():
                return self.string(value, *path)
            case int() | float() if not isinstance(value, bool):
                return self.number(value, key_of(path))
        return value

    def key(self, name: str) -> str:
        """Return a key as it is if our readers know its words, else ``key1``, ``key2`` …"""
        if name in vocabulary() or re.fullmatch(r"\d{1,3}", name) or is_public_name(name):
            return name
        if _BRACKETS.fullmatch(name) and all(part.isdigit() or is_public(part) for part in re.findall(r"\w+", name)):
            return name
        self.removed["unknown key"] += name not in self._keys
        kept = keep_parts(name)
        fresh = kept if kept and kept not in self._keys.values() else f"key{len(self._keys) + 1}"
        return self._keys.setdefault(name, fresh)

    def number(self, number: float, key: str = "") -> float:
        """Return a number as it is if our readers know its name, or it is a small one in a row; else 1."""
        if isinstance(number, int) and abs(number) >= _SMALL and is_id_key(key):
            return int(self.identifier(str(abs(number))))
        if kinds.is_time_key(key) and (moved := self.moment(number)) is not None:
            return moved
        known = key in vocabulary() or keep_parts(key) is not None
        if abs(number) < (_LARGE if known else _SMALL if not key and isinstance(number, int) else 1):
            return number
        self.removed["number"] += 1
        return 1

    def string(self, text: str, *path: str) -> str:
        """Return a string that tells nothing: kept only if our readers look for that very string."""
        key = key_of(path)
        place: Place = (self.side, *path[-3:])
        kind = kinds.kind_of(text, key)
        if self.learning:
            self.fillers.slot(place).see(text, kind)
        elif kind in _DOUBTFUL and kinds.may_hold_text(key) and self.fillers.slot(place).is_text:
            kind = "id" if UUID.fullmatch(text) else kind if not text or is_marker(text) else "text"
        return self._write(text, kind, place, path)

    def identifier(self, text: str) -> str:
        """Return another id of the same form, the same one for the same one; what it is made of is redrawn singly."""
        if _PLAIN_ID.fullmatch(text) and (text.isdigit() or is_public(text)):
            return text
        start = keep_start(text)
        parts = _ID_PART.split(text[len(start) :])
        if not start and len(parts) == 1:
            return self._redraw(text)
        return start + "".join(
            part if (at % 2 and len(part) == 1) or _may_stay(part) else self._redraw(part)
            for at, part in enumerate(parts)
        )

    def _write(self, text: str, kind: Kind, place: Place, path: tuple[str, ...]) -> str:
        match kind:
            case "public" | "pointer" | "measure":
                return text
            case "model":
                return kinds.model_in(text)
            case "name":
                return keep_parts(text) or text
            case "json":
                prefix, value = json_in(text)
                return prefix + json.dumps(self.value(value, *path), ensure_ascii=False)
            case "events":
                return self._events(text, path)
            case "time":
                return self._moved(text)
            case "file":
                return self._file(text, path)
            case "id":
                return self.identifier(text)
            case "link" if found := LINK.fullmatch(text):
                return self._link(found)
        self.removed["text"] += 1
        if kind == "failure":
            return kinds.failure_in(text) + self._fill(text, place)
        return self._words(text, place)

    def _link(self, found: re.Match[str]) -> str:
        """Return a link to nowhere; its last part is often an id that is told elsewhere, so it is redrawn by itself."""
        ending = found[3] if found[3] and is_public(found[3][1:]) else ""
        head, slash, last = found[2].rpartition("/")
        where = self.identifier(head) if head else ""
        return found[1] + where + slash + self.identifier(last) + ending + ("#part" if found[4] else "")

    def _words(self, text: str, place: Place) -> str:
        """Return filler for a text, with the marks left in that tell thinking and tools from the answer."""
        pieces = MARKS.split(text)
        for at in range(0, len(pieces), 2):
            named = at > 0 and "tool_name>" in "".join(pieces[max(0, at - 3) : at]) and keep_parts(pieces[at])
            pieces[at] = named or self._fill(pieces[at], place)
        return "".join(pieces)

    def _fill(self, text: str, place: Place) -> str:
        if self.learning or not text.strip():
            return " "[: len(text)]
        return self.fillers.fill(text, place)

    def _events(self, text: str, path: tuple[str, ...]) -> str:
        """Scrub server-sent events that are told inside a string."""
        written = []
        for line in text.split("\n"):
            name, _, value = line.partition(": ")
            if name == "data":
                written.append("data: " + self.string(value, *path, "v"))
            elif not line or (name == "event" and is_public(value)):
                written.append(line)
        return "\n".join(written)

    def _redraw(self, text: str) -> str:
        if text.startswith("-"):
            return "-" + self._redraw(text[1:])
        self.removed["id"] += text not in self._ids
        number = len(self._ids) + 1
        if UUID.fullmatch(text):
            fresh = f"99999999-0000-4000-8000-{number:012d}"
        elif text.isascii() and text.isdigit():
            fresh = f"9{number:0{len(text) - 1}d}"
        elif len(text) >= 16 and re.fullmatch(r"[0-9a-f]+", text):
            fresh = f"{number:0{len(text)}x}"
        else:
            fresh = f"id-{number:08d}"
        return self._ids.setdefault(text, fresh)

    def moment(self, number: float) -> float | None:
        """Return a moment in seconds or milliseconds on the examples' clock; None if it is no moment near ours."""
        unit = 1000 if number > _MILLISECONDS else 1
        if abs(number / unit - self.started_at.timestamp()) > _NEAR.total_seconds():
            return None
        moved = number + unit * self.shift.total_seconds()
        return round(moved) if isinstance(number, int) else round(moved, 3)

    def _moved(self, text: str) -> str:
        try:
            moved = datetime.fromisoformat(text) + self.shift
        except (ValueError, OverflowError):
            return self.identifier(text)
        return moved.isoformat().replace("+00:00", "Z")

    def _file(self, text: str, path: tuple[str, ...]) -> str:
        """Return base64 of an emptied file; what holds JSON is opened, scrubbed and closed."""
        head, comma, body = text.rpartition(",")
        try:
            inner = parse_or_none(base64.b64decode(body, validate=True).decode())
        except ValueError:
            inner = None
        kind = head.removeprefix("data:").removesuffix(";base64")
        head = f"data:{kind if MIME.fullmatch(kind) else 'x/x'};base64" if comma else ""
        if isinstance(inner, dict | list):
            told = json.dumps(self.value(inner, *path), ensure_ascii=False).encode()
            return head + comma + base64.b64encode(told).decode()
        self.removed["file"] += 1
        return head + comma + empty_base64(body)


def _may_stay(part: str) -> bool:
    return not part or is_public(part) or (part.isdigit() and len(part) < 5)
