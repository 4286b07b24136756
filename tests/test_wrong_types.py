"""Whatever a site puts where text, numbers or objects belong: a reading may come of it, never an exception."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from addon.reader import Reader
from tests.examples import KEY, Example, build_exchange, load_examples

ODD = [
    None, -5, 1e999, True, "x", "", [], {}, [[]], [{}], {"a": []}, "9" * 50, 0, 3.5, [None, 1, "x"],
    10**40, "a/b", "/", {"": 1},
]  # fmt: skip
ROUNDS = 8


def spoil(value: Any, chance: random.Random) -> Any:
    """Return the value with about one node in twelve replaced by something that does not belong there."""
    if chance.random() < 0.08:
        return copy.deepcopy(chance.choice(ODD))
    if isinstance(value, dict):
        return {key: spoil(inner, chance) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoil(inner, chance) for inner in value]
    return value


def spoil_exchange(told: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    spoiled = copy.deepcopy(told)
    for key in ("request", "response"):
        if key in spoiled:
            spoiled[key] = spoil(spoiled[key], chance)
    for key in ("events", "lines"):
        spoiled[key] = [spoil_event(event, chance) for event in spoiled[key]] if key in spoiled else None
        if spoiled[key] is None:
            del spoiled[key]
    for message in spoiled.get("messages", []):
        message["data"] = spoil(message["data"], chance)
    return spoiled


def spoil_event(event: Any, chance: random.Random) -> Any:
    if isinstance(event, dict) and event.keys() <= {"event", "data", "at_ms"}:
        return event | {"data": spoil(event.get("data"), chance)}
    return {"data": spoil(event, chance)} if isinstance(event, dict) and "at_ms" not in event else event


@pytest.mark.parametrize("case", load_examples(), ids=lambda case: f"{case.service}-{case.path.stem}")
def test_wrong_types_are_never_an_exception(case: Example) -> None:
    chance = random.Random(f"{case.service}/{case.path.name}")
    for _ in range(ROUNDS):
        reader = Reader(KEY)
        for told in case.content.get("exchanges") or [case.content["exchange"]]:
            reading = reader.read(build_exchange(spoil_exchange(told, chance)))
            faults = [unread.reason for unread in reading.unread if unread.reason.endswith("Error")]
            assert not faults, faults
