"""A made-up person's heavy year: records that show every element of the report, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from tracker.moments import timestamp
from tracker.record import Feature, Record, TokenSource, Unread, identify, pseudonym
from tracker.report.demo_habits import HABITS, Habit

if TYPE_CHECKING:
    from tracker.store import Rating, Store

ZONE = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=ZONE)
"""The Monday on which the demonstration is looked at."""
FIRST_DAY = date(2025, 11, 24)
LAST_DAY = date(2026, 11, 22)
BEFORE = FIRST_DAY - timedelta(days=364)
"""The year before begins here: a thin one, so that there is something to compare with."""
_KEY = b"klimaspor demonstration, no key!"


def records() -> Iterator[Record]:
    """Yield the year's records, oldest first; the same ones on every call."""
    dice = random.Random(2026)  # noqa: S311 -- a made-up life, not a secret
    day = BEFORE
    while day <= LAST_DAY:
        busy = _busyness(day)
        for number, habit in enumerate(HABITS):
            expected = habit.weekly / 5.6 * (habit.weekend if day.weekday() > 4 else 1.0) * busy
            if ("deep_research", "used") in habit.features and day == LAST_DAY - timedelta(days=3):
                expected = 2.0  # the Thursday that made the week
            times = int(expected) + (dice.random() < expected % 1)
            for turn in range(times):
                yield from _conversation(dice, habit, day, f"{day}/{number}/{turn}")
        day += timedelta(days=1)


def unread() -> list[Unread]:
    """Return what could not be read."""
    return [
        Unread(day="2026-11-18", service="copilot", shape="event,type", reason="unknown-event", n=2),
        Unread(day="2026-11-20", service="gemini", shape="", reason="truncated", n=1),
    ]


def ratings(known: list[Record]) -> list[Rating]:
    """Return the judgements of some conversations of the last weeks."""
    from tracker.store import Rating

    dice = random.Random(7)  # noqa: S311 -- as above
    seen: dict[str, Record] = {}
    for record in known:
        if record.conversation and record.initiator == "person" and record.started_at >= "2026-10-01":
            seen.setdefault(record.conversation, record)
    chosen = [conversation for conversation in seen if dice.random() < 0.35]
    return [
        Rating(
            subject=conversation,
            kind="conversation",
            worth=(5, 4, 4, 3, 5, 2, 4, 1)[n % 8],
            minutes_saved=(20, 5, None, 0, 45, None, 10, 0)[n % 8],
            rated_at=seen[conversation].started_at,
        )
        for n, conversation in enumerate(chosen)
    ]


def fill(path: Path) -> Store:
    """Make a database at ``path`` with the demonstration in it and return it, open."""
    from tracker.store import Store

    store = Store.open(path)
    known = list(records())
    store.add(known)
    store.add_unread(unread())
    store.note_refused("2026-11-19", "chatgpt", 3)
    for rating in ratings(known):
        store.rate(rating)
    _listen(store)
    return store


def _listen(store: Store) -> None:
    """Write when it listened in the last ten weeks: every day from seven to eleven, but for half an hour once."""
    day = LAST_DAY - timedelta(days=70)
    while day <= LAST_DAY:
        spans = [((6, 0), (22, 0))]
        if day == date(2026, 11, 17):
            spans = [((6, 0), (8, 10)), ((8, 42), (22, 0))]
        boot_clock_s = 0.0
        for number, (start, end) in enumerate(spans):
            started = datetime(day.year, day.month, day.day, *start, tzinfo=UTC)
            ended = datetime(day.year, day.month, day.day, *end, tzinfo=UTC)
            boot_clock_s += (ended - started).total_seconds() + (1920 if number else 0)
            last_of_day = number == len(spans) - 1
            with store.writing() as connection:
                connection.execute(
                    "INSERT INTO heartbeat (started_at, ended_at, boot_id, boot_clock_s, clean_stop) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (timestamp(started), timestamp(ended), f"demo {day}", boot_clock_s, int(last_of_day)),
                )
        day += timedelta(days=1)
    store.note_passed_through(
        "claude.ai", "claude", "challenge",
        datetime(2026, 11, 21, 9, 0, tzinfo=UTC), datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
    )  # fmt: skip


def _busyness(day: date) -> float:
    if day < FIRST_DAY:
        return 0.4
    if date(2026, 7, 6) <= day <= date(2026, 7, 26) or date(2025, 12, 22) <= day <= date(2026, 1, 1):
        return 0.12  # holidays
    growth = 0.65 + 0.5 * (day - FIRST_DAY).days / 364
    rhythm = (1.0, 1.15, 0.85, 1.3, 0.95, 1.0, 0.8)[day.weekday()]
    return growth * rhythm


def _conversation(dice: random.Random, habit: Habit, day: date, seed: str) -> Iterator[Record]:
    first, final = habit.hours
    moment = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(
        hours=first, minutes=int(dice.random() * (final - first) * 60 - 1) % ((final - first) * 60)
    )
    turns = 1 + int(dice.random() * (2 * habit.turns - 1))
    for turn in range(turns):
        yield _record(dice, habit, moment, seed, turn)
        moment += timedelta(seconds=60 + dice.random() * 240)


def _record(dice: random.Random, habit: Habit, moment: datetime, seed: str, turn: int) -> Record:
    size = dice.lognormvariate(0, 0.45)
    answer = max(8, int(habit.answer * size))
    thinking_ms = int(habit.thinking_s * 1000 * dice.lognormvariate(0, 0.5)) if habit.thinking_s else None
    reasoning = int(habit.reasoning * size) if habit.reasoning is not None else None
    first_token_ms = int(600 + 500 * dice.random()) + (thinking_ms or 0)
    offset = cast("timedelta", moment.utcoffset())
    aborted = dice.random() < 0.02
    source: TokenSource = "counted" if habit.counted else "reported"
    prompt = int(habit.prompt * dice.lognormvariate(0, 0.5)) + 1
    is_text = habit.operation in {"chat", "search"}
    return Record(
        id=identify(_KEY, habit.service, seed, str(turn)),
        started_at=timestamp(moment),
        utc_offset_minutes=int(offset.total_seconds() // 60),
        service=habit.service,
        provider=habit.provider,
        operation=habit.operation,
        initiator=habit.initiator,
        response_model=habit.model,
        input_tokens=prompt,
        output_tokens=(answer + (reasoning or 0)) if is_text else None,
        cached_input_tokens=None if habit.counted else int(prompt * 0.8),
        reasoning_tokens=reasoning if reasoning is not None or habit.thinking_s else 0,
        input_tokens_source=source,
        output_tokens_source=source if is_text else "unknown",
        reasoning_tokens_source=source if reasoning is not None else "unknown",
        media_count=habit.media or None,
        media_seconds=habit.seconds or None,
        media_pixels=1_048_576 if habit.media else None,
        attachments=habit.files if habit.files and turn == 0 else None,
        attachment_bytes=habit.files * int(420_000 * size) if habit.files and turn == 0 else None,
        request_bytes=900 + prompt * 4,
        response_bytes=4000 + answer * 60,
        first_byte_ms=int(180 + 200 * dice.random()),
        thinking_ms=thinking_ms,
        time_to_first_token_ms=first_token_ms,
        duration_ms=first_token_ms + int(answer / habit.speed * 1000),
        conversation=pseudonym(_KEY, habit.service, seed) if is_text and habit.initiator != "unasked" else None,
        client=habit.client,
        outcome="aborted" if aborted else "complete",
        source="proxy",
        reader=f"{habit.service}/1",
        features=tuple(
            sorted((Feature(name, state, _amount(dice, name, state)) for name, state in habit.features),  # type: ignore[arg-type]  # states are the two words of the table above
                   key=lambda feature: (feature.feature, feature.state))
        ),
    )  # fmt: skip


def _amount(dice: random.Random, feature: str, state: str) -> int | None:
    if state == "asked":
        return None
    return 1 + int(dice.random() * 3) if feature in {"web_search", "tool"} else 1
