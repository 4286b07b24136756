"""Any value may be of another type than it should be: the reader goes on, and no exception is its answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.reader import Reader
from tests.examples import KEY, Example, build_exchange, load_examples

SERVICES = {"chatgpt", "claude", "gemini", "copilot", "bing-chat", "m365-copilot", "meta-ai", "google-ai"}
"""Those whose files hold to this. For the others the reader's own guard holds: an exception there is told as unread."""

EXAMPLES = [example for example in load_examples() if example.service in SERVICES]
BODIES = ("request", "request_form", "events", "lines", "response", "messages")
WRONG = st.sampled_from(
    [None, True, 0, -1, 1e300, float("inf"), 10**30, "", "x", [], [[]], [None], {}, {"a": 1}, {"type": []}]
)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: f"{case.service}-{case.path.stem}")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_value_of_another_type_costs_no_exception(case: Example, data: st.DataObject) -> None:
    told = copy.deepcopy(case.content.get("exchanges") or [case.content["exchange"]])
    places = [(one, place) for one in told for key in BODIES if key in one for place in _places(one[key], (key,))]
    places = [(one, place) for one, place in places if len(place) > (3 if place[0] == "messages" else 1)]
    if places:
        one, place = data.draw(st.sampled_from(places))
        _put(one, place, data.draw(WRONG))
    reader = Reader(KEY)
    for exchange in map(build_exchange, told):
        reasons = [unread.reason for unread in reader.read(exchange).unread]
        assert not [reason for reason in reasons if reason.endswith("Error")]


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, also inside JSON that is written as text."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, key))
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            inner = json.loads(value)
        except ValueError:
            return
        yield from _places(inner, (*path, json))


def _put(value: Any, path: tuple[Any, ...], wrong: Any) -> None:
    key, *rest = path
    if not rest:
        value[key] = copy.deepcopy(wrong)
    elif rest[0] is json:
        inner = [json.loads(value[key])]
        _put(inner, (0, *rest[1:]), wrong)
        value[key] = json.dumps(inner[0])
    else:
        _put(value[key], tuple(rest), wrong)
