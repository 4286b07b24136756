"""Filler in place of text: as many tokens as there were, whatever the words and their lengths."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from addon.scrubbing.words import FILLER

type Place = tuple[str, ...]
"""Where a string stands: the side that sent it and the last keys above it."""

_NOT_COUNTED = re.compile(r"[\x00-\x08]")
_LONG = 6
"""Tokens; a text this long that comes again gets the same filler, a shorter one would be a cipher."""
_START = 40
_TRIES = 3
"""How many characters of a text, and how often, are tried to find the pieces that it was sent in."""


@dataclass(slots=True)
class Slot:
    """All strings that stand in one place, in order: the pieces of one text, or that text again and again, longer."""

    texts: list[str] = field(default_factory=list)
    public: set[str] = field(default_factory=set)
    scale: float = 1.0
    owed: float = 0.0
    last: str = ""
    last_filler: str = ""

    @property
    def is_text(self) -> bool:
        """Whether people's or models' words stand here, so that nothing is kept for being a known word."""
        spoken = any(re.search(r"^\s|\s$|\S\s\S", text) for text in self.texts)
        return spoken or len(set(self.texts)) > len(self.public)

    def see(self, text: str, kind: str) -> None:
        """Remember a string that stands here."""
        if kind == "text":
            self.texts.append(text)
        elif kind in {"public", "name"}:
            self.public.add(text)

    def learn(self, count: Callable[[str], int]) -> None:
        """Compare the pieces with the whole: counted alone, the pieces of a stream have more tokens."""
        grows = sum(bool(old) and new.startswith(old) for old, new in zip(self.texts, self.texts[1:], strict=False))
        alone = sum(count(text) for text in self.texts)
        if alone and 2 * grows < len(self.texts):
            self.scale = count("".join(self.texts)) / alone

    def begin(self) -> None:
        """Start over with what was learned."""
        self.owed, self.last, self.last_filler = 0.0, "", ""


@dataclass(slots=True)
class Fillers:
    """Filler for all places of an exchange. ``model`` decides which vocabulary counts, as the reader will."""

    model: str
    slots: dict[Place, Slot] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    """How much longer the filler of a side (the first word of a place) has to be than the text, if not as long."""
    _counts: dict[str, int] = field(default_factory=dict)
    _again: dict[str, str] = field(default_factory=dict)
    _pieces: list[tuple[str, str]] = field(default_factory=list)
    _starts: dict[str, list[int]] = field(default_factory=dict)
    _at: int = 0

    def slot(self, place: Place) -> Slot:
        return self.slots.setdefault(place, Slot())

    def begin(self) -> None:
        """Start writing, or start over."""
        self._again.clear()
        self._pieces.clear()
        self._starts.clear()
        self._at = 0
        for slot in self.slots.values():
            slot.begin()

    def learn(self) -> None:
        """All strings have been seen once."""
        for slot in self.slots.values():
            slot.learn(self.count)

    def count(self, text: str) -> int:
        """Return how many tokens of the plain vocabulary a text has."""
        from tracker.tokens import count, tokenizer_of

        text = _NOT_COUNTED.sub("", text)
        if text not in self._counts:
            self._counts[text] = count(text, self.model) - (tokenizer_of(self.model).extra if text else 0)
        return self._counts[text]

    def fill(self, text: str, place: Place) -> str:
        """Return public words with as many tokens; what repeats or goes on with an earlier text does so in filler."""
        if text in self._again:
            return self._again[text]
        slot = self.slot(place)
        wanted = slot.scale * self.scales.get(place[0], 1.0) * self.count(text)
        before, filler = self._repeated(text, slot)
        if before:
            number = max(0, round(wanted) - filler.count(" ")) if len(before) < len(text) else 0
        else:
            wanted += slot.owed
            number = max(0 if slot.owed < 0 else 1, round(wanted))
            slot.owed = wanted - number
            self._starts.setdefault(text[:_START], []).append(len(self._pieces))
        filler += "".join(f" {FILLER[(self._at + step) % len(FILLER)]}" for step in range(number))
        filler = filler or " "
        self._at += number
        if not before:
            self._pieces.append((text, filler))
        slot.last, slot.last_filler = text, filler
        if self.count(text) >= _LONG:
            self._again[text] = filler
        return filler

    def _repeated(self, text: str, slot: Slot) -> tuple[str, str]:
        """Return what of the text's beginning was there before, in one piece or several, and what stands for it."""
        starts = (self._starts.get(text[:size], ()) for size in range(1, min(_START, len(text)) + 1))
        for first in [at for found in starts for at in found[-_TRIES:]]:
            said, filler = "", ""
            for piece, written in self._pieces[first:]:
                if not text.startswith(piece, len(said)):
                    break
                said, filler = said + piece, filler + written
            if said and len(said) > len(self._pieces[first][0]):
                return said, filler
        return (slot.last, slot.last_filler) if slot.last and text.startswith(slot.last) else ("", "")
