"""Claude in the browser: what counts as output, what is remembered of a conversation, and what is nobody's turn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from addon.reader import Reader
from addon.services.claude import Claude
from tests.examples import FOLDER, KEY, build_exchange
from tracker.record import Record


def told(name: str) -> dict[str, Any]:
    content = json.loads((FOLDER / "claude" / f"{name}.json").read_text("utf-8"))
    return content.get("exchange") or content["exchanges"][-1]


def read(*exchanges: dict[str, Any], reader: Reader | None = None) -> list[Record]:
    reader = reader or Reader(KEY)
    return [record for one in exchanges for record in reader.read(build_exchange(one)).records]


def settings(**values: Any) -> dict[str, Any]:
    url = told("text")["url"].removesuffix("/completion")
    return {"url": url, "method": "PUT", "request": {"settings": values}, "response": {"uuid": "c"}}


def asked(record: Record) -> set[str]:
    return {one.feature for one in record.features if one.state == "asked"}


def test_what_a_tool_returns_is_not_output() -> None:
    content = told("search")
    (plain,) = read(content)
    for event in content["events"]:
        if event["data"].get("index") == 2 and "delta" in event["data"]:
            event["data"]["delta"]["partial_json"] = "a page that was found " * 100
    (longer,) = read(content)
    assert longer.output_tokens == plain.output_tokens


def test_research_stays_on_until_it_is_switched_off() -> None:
    reader, turn = Reader(KEY), told("text")
    assert not read(settings(compass_mode="advanced"), reader=reader)
    assert [asked(record) for record in read(turn, turn, reader=reader)] == [{"deep_research"}] * 2
    assert not read(settings(compass_mode=None), reader=reader)
    assert [asked(record) for record in read(turn, reader=reader)] == [set()]


def test_settings_of_one_conversation_are_not_those_of_another() -> None:
    reader, turn = Reader(KEY), told("text")
    read(settings(compass_mode="advanced"), reader=reader)
    other = turn | {"url": turn["url"].replace("/cccccccc-", "/dddddddd-")}
    assert [asked(record) for record in read(other, reader=reader)] == [set()]


def test_what_is_remembered_is_bounded() -> None:
    reader, change = Reader(KEY), settings(compass_mode="advanced")
    service = reader.find("POST", "claude.ai", build_exchange(told("text")).path)
    assert isinstance(service, Claude)
    for number in range(service.settings.limit + 50):
        read(change | {"url": change["url"] + str(number)}, reader=reader)
    assert len(service.settings._entries) == service.settings.limit


def test_a_name_that_a_server_gave_its_tool_is_not_believed() -> None:
    (record,) = read(told("connector"))
    assert ("connector", "used", 1) in {(one.feature, one.state, one.amount) for one in record.features}
    assert "code" not in {one.feature for one in record.features}


def test_asking_again_is_another_row() -> None:
    first, again = read(told("text"), told("retry"))
    assert first.id != again.id
    assert first.conversation == again.conversation
    assert again.input_tokens is None


def test_a_second_view_is_the_same_row() -> None:
    assert len({record.id for record in read(told("text"), told("text"))}) == 1


def test_output_that_was_reported_before_it_was_written_is_not_believed() -> None:
    content = told("usage")
    cut = content | {"events": content["events"][:3], "ending": "aborted"}
    (record,) = read(cut)
    assert (record.input_tokens, record.input_tokens_source) == (3112, "reported")
    assert record.output_tokens_source == "counted"


@pytest.mark.parametrize("stamp", ["yesterday", "2026-11-16T09:30:01", 7, None, "9999-99-99T00:00:00Z"])
def test_a_strange_time_is_no_thinking_time(stamp: object) -> None:
    content = json.loads(json.dumps(told("thinking")))
    for event in content["events"]:
        if "stop_timestamp" in event["data"]:
            event["data"]["stop_timestamp"] = stamp
    (record,) = read(content)
    assert record.thinking_ms is None
