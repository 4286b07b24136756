"""An organisation that nobody works for: thirty people in three units, six weeks, published as the loader would."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from tracker.team.policy import Policy
from tracker.team.privacy import Roster
from tracker.team.publish import Published, Week, publish
from tracker.team.week import KEYS, SUMS, WeekRow

FIRST, WEEKS = date(2026, 10, 12), 6
UNITS = {"town/health": 14, "town/roads": 11, "town/archive": 5}
POLICY = Policy(
    organisation="Fjellvik kommune",
    services={
        "le-chat": {"state": "approved", "reason": "Contract of 2026, data stay in the EU"},
        "copilot": {"state": "approved", "reason": "Part of the office licence"},
        "chatgpt": {"state": "tolerated", "reason": "Until the contract of spring; no files with personal data"},
        "claude": {"state": "unapproved", "reason": "No data processing agreement"},
    },
)
MENU = (
    ("chatgpt", "openai", "gpt-5-5", "person", "", 1.0),
    ("chatgpt", "openai", "gpt-5-5-thinking", "person", "reasoning.used", 0.5),
    ("chatgpt", "openai", "gpt-5-5", "person", "file_input.used", 0.3),
    ("le-chat", "mistral", "mistral-large-2411", "person", "", 0.8),
    ("le-chat", "mistral", "mistral-large-2411", "person", "file_input.used", 0.4),
    ("copilot", "microsoft", "", "person", "web_search.used", 0.5),
    ("claude", "anthropic", "claude-opus-4-7", "person", "file_input.used", 0.35),
    ("claude", "anthropic", "claude-opus-4-7", "agent", "agent.used", 0.2),
    ("google-ai", "google", "", "unasked", "web_search.used", 0.8),
    ("suno", "suno", "chirp-v5", "person", "audio_output.used", 0.03),
)


def rows_of(person: int, week: int) -> list[WeekRow]:
    """Return one person's week; the same numbers give the same rows."""
    dice, tastes = random.Random(100 * person + week), random.Random(person)
    rows = []
    for service, provider, model, initiator, features, likely in MENU:
        if tastes.random() > likely:
            continue
        count = 1 + int(dice.expovariate(1 / 18) * (1 + 0.12 * week))
        rows.append(
            WeekRow(service=service, provider=provider, model=model, initiator=initiator, features=features,
                    requests=count, input_tokens=900 * count, input_known=count, output_tokens=420 * count,
                    output_known=count, output_squared=250_000.0 * count, duration_ms=9000 * count,
                    duration_known=count, attachments=count if "file" in features else 0)
        )  # fmt: skip
    return rows


def weeks() -> list[Published]:
    """Return the weeks as they were published, oldest first; somebody joins in the fourth."""
    done, shown = [], Roster({})
    for number in range(WEEKS):
        units = [unit for unit, size in UNITS.items() for _ in range(size)] + ["town/roads"] * (number >= 3)
        members = {f"{person:032x}": unit for person, unit in enumerate(units)}
        rows = [(name, row) for person, name in enumerate(members) for row in rows_of(person, number)]
        sums: dict[tuple[str, tuple[str, ...]], dict[str, float]] = {}
        for name, row in rows:
            found = sums.setdefault((members[name], row.key), dict.fromkeys(SUMS, 0))
            for column in SUMS:
                found[column] += getattr(row, column)
        monday = (FIRST + timedelta(weeks=number)).isoformat()
        week = Week(
            week=monday, members=members, coverage=0.93, shown=shown,
            entries=[(name, row.key, (float(row.requests), float(row.output_tokens))) for name, row in rows],
            sums=[(unit, _row(key, found)) for (unit, key), found in sums.items()],
        )  # fmt: skip
        done.append(publish(week, POLICY.tell()))
        shown = Roster({**shown.units, **done[-1].units})
    return done


def _row(key: tuple[str, ...], sums: dict[str, Any]) -> WeekRow:
    return WeekRow(**dict(zip(KEYS, key, strict=True)), **sums)


def small() -> dict[str, Any]:
    """Return the facts of a week in which four people took part: nothing but that."""
    week = Week(week=FIRST.isoformat(), members={f"{n:032x}": "town" for n in range(4)}, coverage=0.9,
                shown=Roster({}), entries=[], sums=[])  # fmt: skip
    return publish(week, POLICY.tell()).facts
