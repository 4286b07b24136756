"""All records as CSV or JSON lines, and back: what comes out goes into an empty database as the same rows."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TextIO, get_args

from tracker.harmless import in_a_cell
from tracker.record import (
    FEATURES,
    LARGEST_COUNT,
    Feature,
    FeatureState,
    Initiator,
    Operation,
    Outcome,
    Record,
    TokenSource,
)

COLUMNS = tuple(field.name for field in fields(Record))
"""Every column of ``requests``, then ``features``: ``feature.state=amount``, one space between."""

_NUMBERS = {field.name for field in fields(Record) if str(field.type) in {"int", "int | None"}}
_REALS = {"media_seconds"}

_WORD = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
_SHAPES: dict[str, re.Pattern[str]] = {
    "id": re.compile(r"[0-9a-f]{32}"),
    "conversation": re.compile(r"[0-9a-f]{32}"),
    "started_at": re.compile(r"(?:19[7-9]|[2-8]\d\d)\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "service": _WORD,
    "provider": _WORD,
    "effort": _WORD,
    "client": _WORD,
    "reader": _WORD,
    "request_model": re.compile(r"[A-Za-z0-9._:/@-]{1,80}"),
    "response_model": re.compile(r"[A-Za-z0-9._:/@-]{1,80}"),
    **{
        name: re.compile("|".join(get_args(choices)))
        for name, choices in {
            "operation": Operation,
            "initiator": Initiator,
            "outcome": Outcome,
            "input_tokens_source": TokenSource,
            "output_tokens_source": TokenSource,
            "reasoning_tokens_source": TokenSource,
        }.items()
    },
    "source": re.compile("proxy|har|flow|export|agent-log"),
}
"""What the text of each column looks like: a file that was tampered with brings no words or control characters in."""
_OPTIONAL = {"provider", "effort", "client", "conversation", "request_model", "response_model"}


class NotARecordError(ValueError):
    """A row is not one of ours; the message names the column, never its content."""


def write_csv(records: Iterable[Record], file: TextIO) -> int:
    """Write a header and one row a record; return how many. No cell can be taken for a formula."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    written = 0
    for record in records:
        row = asdict(record) | {"features": " ".join(_describe(feature) for feature in record.features)}
        writer.writerow([_cell(row[name]) for name in COLUMNS])
        written += 1
    return written


def write_json_lines(records: Iterable[Record], file: TextIO) -> int:
    """Write one JSON object a record; return how many."""
    written = 0
    for record in records:
        file.write(json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":")) + "\n")
        written += 1
    return written


def read_csv(file: Iterable[str]) -> Iterator[Record | NotARecordError]:
    """Yield the record of each row, or why it is none."""
    for line in file:
        try:
            row = next(csv.reader([line]), [])  # alone, so that a quote without an end costs its own row only
        except csv.Error:
            yield NotARecordError("it is damaged")
            continue
        if tuple(row) == COLUMNS:
            continue
        if len(row) != len(COLUMNS):
            yield NotARecordError("it has not the columns of an export")
            continue
        values: dict[str, Any] = {
            name: None if cell == "" else _uncell(name, cell) for name, cell in zip(COLUMNS, row, strict=True)
        }
        values["features"] = [_parse_feature(entry) for entry in (row[-1]).split()]
        yield _check(values)


def read_json_lines(file: Iterable[str]) -> Iterator[Record | NotARecordError]:
    """Yield the record of each line, or why it is none."""
    for line in file:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield NotARecordError("it is damaged")
            continue
        yield _check(values) if isinstance(values, dict) else NotARecordError("it is no record")


def _check(values: dict[str, Any]) -> Record | NotARecordError:
    try:
        return _to_record(values)
    except NotARecordError as error:
        return error


def _to_record(values: dict[str, Any]) -> Record:
    if values.keys() != set(COLUMNS):
        raise NotARecordError("it has not the columns of an export")
    for name, shape in _SHAPES.items():
        value = values[name]
        if value is None and name in _OPTIONAL:
            continue
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise NotARecordError(f"its {name} is not one of ours")
    try:
        datetime.fromisoformat(values["started_at"])
    except ValueError:
        raise NotARecordError("its started_at is not one of ours") from None
    for name in _NUMBERS:
        value = values[name]
        if value is None and name not in {"revision", "utc_offset_minutes"}:
            continue
        least = -1440 if name == "utc_offset_minutes" else 0
        most = 1440 if name == "utc_offset_minutes" else LARGEST_COUNT
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise NotARecordError(f"its {name} is not one of ours")
    seconds = values["media_seconds"]
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9
    ):
        raise NotARecordError("its media_seconds is not one of ours")
    features = values["features"]
    if not isinstance(features, list) or len(features) > 2 * len(FEATURES):
        raise NotARecordError("its features are not ours")
    found = tuple(_to_feature(entry) for entry in features)
    if len({(feature.feature, feature.state) for feature in found}) != len(found):
        raise NotARecordError("its features are not ours")
    if seconds is not None:
        values = values | {"media_seconds": float(seconds)}
    return Record(**(values | {"features": tuple(sorted(found, key=lambda f: (f.feature, f.state)))}))


def _to_feature(entry: object) -> Feature:
    match entry:
        case {"feature": str(name), "state": state, "amount": None | int() as amount, **rest} if (
            not rest
            and name in FEATURES
            and state in get_args(FeatureState)
            and not isinstance(amount, bool)
            and (amount is None or 0 <= amount <= LARGEST_COUNT)
        ):
            return Feature(name, state, amount)
    raise NotARecordError("its features are not ours")


def _describe(feature: Feature) -> str:
    amount = "" if feature.amount is None else f"={feature.amount}"
    return f"{feature.feature}.{feature.state}{amount}"


def _parse_feature(entry: str) -> dict[str, Any]:
    name, _, amount = entry.partition("=")
    feature, _, state = name.rpartition(".")
    whole = int(amount) if amount.isascii() and amount.isdigit() and len(amount) < 17 else None
    return {"feature": feature, "state": state, "amount": whole if amount else None}


def _cell(value: object) -> object:
    return in_a_cell(value) if isinstance(value, str) else value


def _uncell(name: str, cell: str) -> object:
    if name in _NUMBERS:
        return int(cell) if re.fullmatch(r"-?\d{1,16}", cell) else cell
    if name in _REALS:
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell.removeprefix("'")
