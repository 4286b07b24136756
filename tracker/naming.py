"""What of a model's name may be stored: the makers' own words, and nothing that a person put there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from tracker.record import model_name

CUSTOM = "custom"
"""Stands for a name in which nothing is known: a deployment, a bot, a person's own fine-tuned model."""

_LONGEST = 300
_MOST_NUMBERS = 6
_LONGEST_ROW = 3
"""Numbers side by side: a version and a date with its year may be longer, a telephone number may not."""
_YEAR = re.compile(r"20[23]\d")

_PIECE = re.compile(r"[^\W_]+")
_FINE_TUNED = re.compile(r"ft:([^:]+)(:.*)?", re.DOTALL)

# Versions, dates and sizes. Not any digits: a telephone number is digits too.
_NUMBER = re.compile(
    r"\d{1,2}|0\d\d|20[23]\d|4096|8192|16384|32768"  # 4, 17, 001, 2025
    r"|(0[1-9]|1[0-2])([0-2]\d|3[01])|2[3-9](0[1-9]|1[0-2])"  # MMDD, YYMM
    r"|(20)?2[3-9](0[1-9]|1[0-2])([0-2]\d|3[01])"  # YYMMDD, YYYYMMDD
)
_SIZE = re.compile(
    r"\d{1,4}(b|m|k|t|e)|\d{1,3}bit|[1-9]\d?(o|n|v|s|x|vl)?|[ae]\d{1,3}b|\d{1,2}x\d{1,3}b|r\d{1,2}b|v\d{1,2}"
    r"|(fp|bf|int|nf|iq|q|w|a|w\d{1,2}a)\d{1,2}|\d{1,2}(kb|hr)"
)
_VERSIONED = re.compile(r"([a-z]+)(\d{1,2})([a-z]?)")


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    families: frozenset[str]
    weak_families: frozenset[str]
    aliases: frozenset[str]
    words: frozenset[str]


def keep_model(name: object) -> str | None:
    """
    Return what of a model name may be stored: the maker's own name as it came over the wire.

    A fine-tuned model (``ft:``) becomes its base; a known name with unknown words in it is cut to what is known;
    anything else is ``custom``. None, an empty string or something that is not a string is None.
    """
    if not isinstance(name, str):
        return None
    name = name.strip()[:_LONGEST]
    return _keep(name) if name else None


@lru_cache(maxsize=4096)
def _keep(name: str) -> str:
    if fine_tuned := _FINE_TUNED.fullmatch(name):
        name = fine_tuned[1]
    if name.lower() in _vocabulary().aliases:
        return name
    segments = name.split("/")
    for index in range(len(segments) - 1, -1, -1):
        kept = _known_run(segments[index])
        if kept is None:
            continue
        while index > 0 and segments[index].startswith(kept.partition("/")[0]) and _is_maker(segments[index - 1]):
            index -= 1  # noqa: PLW2901 - walks back over the makers in front; the outer loop ends here
            kept = f"{segments[index]}/{kept}"
        return model_name(kept) or CUSTOM
    return CUSTOM


def _known_run(segment: str) -> str | None:
    """Return the first run of known pieces that holds a family, or None."""
    start = end = 0
    family = False
    numbers, row = 0, list[str]()
    for piece in _pieces(segment):
        lowered = piece[0].lower()
        is_number = _NUMBER.fullmatch(lowered) is not None
        numbers += is_number
        row = [*row, lowered] if is_number else []
        joined = end == 0 or segment[end : piece.start()] in {"-", ".", "_", ":", "@", "--"}
        fits = numbers <= _MOST_NUMBERS and (len(row) <= _LONGEST_ROW or any(_YEAR.fullmatch(part) for part in row))
        known = fits and _is_known(lowered, is_number=is_number)
        if end and not (joined and known):
            if family:
                break
            end = 0
        if not known:
            continue
        if end == 0:
            start, family, numbers = piece.start(), False, int(is_number)
        if _is_family(lowered, at_start=piece.start() == 0 or start == 0):
            family = True
        end = piece.end()
    return segment[start:end] if end and family else None


def _pieces(segment: str) -> Iterator[re.Match[str]]:
    return _PIECE.finditer(segment)


def _is_known(piece: str, *, is_number: bool) -> bool:
    vocabulary = _vocabulary()
    if is_number or piece in vocabulary.words or _SIZE.fullmatch(piece):
        return True
    versioned = _VERSIONED.fullmatch(piece)
    return versioned is not None and versioned[1] in vocabulary.words


def _is_family(piece: str, *, at_start: bool) -> bool:
    vocabulary = _vocabulary()
    if re.fullmatch(r"o[1-9]", piece):
        return at_start
    versioned = _VERSIONED.fullmatch(piece)
    word = versioned[1] if versioned else piece
    return word in vocabulary.families and (at_start or word not in vocabulary.weak_families)


def _is_maker(segment: str) -> bool:
    return all(piece[0].lower() in _vocabulary().words for piece in _pieces(segment)) and bool(
        re.fullmatch(r"[A-Za-z0-9._-]+", segment)
    )


@cache
def _vocabulary() -> _Vocabulary:
    lists = tomllib.loads((files("tracker") / "data" / "model_names.toml").read_text("utf-8"))
    sets = {key: frozenset(words.split()) for key, words in lists.items()}
    parts = (part for word in sets["makers"] | sets["words"] for part in word.split("-"))
    return _Vocabulary(
        families=sets["families"],
        weak_families=sets["weak_families"],
        aliases=sets["aliases"],
        words=frozenset(parts) | sets["families"],
    )
