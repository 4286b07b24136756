"""Activities grouped by service, model, feature and who asked: rows of the report's lists, and what every row holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tracker.record import Activity
from tracker.report.figures import apportion, grid_of, keep
from tracker.report.names import IMPACTS

if TYPE_CHECKING:
    from tracker.footprint import Assessment, Impacts

Json = dict[str, Any]

COUNTS = {
    kind: attrgetter(f"{kind}_tokens", f"{kind}_known", f"{kind}_tokens_source")
    for kind in ("input", "output", "reasoning")
}
"""What an activity says of its tokens, kind by kind."""


def tokens(activities: Sequence[Activity]) -> Json:
    """Return token sums; None where no answer tells, and how many answers are not in a sum."""
    answers = requests(activities)
    cached = sum(activity.cached_known for activity in activities)
    told: dict[str, int] = {}
    sums: dict[str, dict[str, int]] = {}
    for kind, counts in COUNTS.items():
        told[kind] = 0
        by_source: dict[str, int] = {}
        for amount, known, source in map(counts, activities):
            told[kind] += known
            by_source[source] = by_source.get(source, 0) + amount
        sums[kind] = by_source
    return {
        **{kind: sum(sums[kind].values()) if told[kind] else None for kind in COUNTS},
        "cached": sum(activity.cached_input_tokens for activity in activities) if cached else None,
        "by_source": {
            source: {kind: sums[kind].get(source, 0) for kind in COUNTS} for source in ("reported", "counted")
        },
        "unknown_in": {kind: answers - told[kind] for kind in COUNTS},
    }


def requests(activities: Iterable[Activity]) -> int:
    """Count the answers."""
    return sum(activity.requests for activity in activities)


def questions(activities: Iterable[Activity]) -> int:
    """Count the answers that a person asked for."""
    return sum(activity.requests for activity in activities if activity.initiator == "person")


def row(key: str, indices: Sequence[int], assessed: Assessment, *, quick: bool = False, **more: Any) -> Json:
    """
    Return one row of a list, its numbers not yet rounded: the activities at ``indices`` together.

    ``quick``: where the list is long.
    """
    chosen = [assessed.activities[n] for n in indices]
    return {
        "key": key,
        **more,
        "requests": requests(chosen),
        "questions": questions(chosen),
        "tokens": tokens(chosen),
        "impacts": without_interval(assessed.impacts(indices, quick=quick).to_json()),
    }


def impacts_json(impacts: Impacts) -> Json:
    """Return impacts as the report's JSON has them, each number rounded to the digits that are kept."""
    kept: Json = keep_all(without_interval(impacts.to_json()))
    return kept


def without_interval(impacts: Json) -> Json:
    """Return impacts without the word for their interval, which the report says once; water by place may be unknown."""
    kept = {name: value for name, value in impacts.items() if name != "interval"}
    kept["water_ml"] = {"on_site": None, "off_site": None} | kept["water_ml"]
    return kept


def keep_all(thing: Any) -> Any:
    """Round every float inside a JSON value to the digits that are kept."""
    kind = type(thing)
    if kind is float:
        return keep(thing)
    if kind is dict:
        return {key: keep_all(value) for key, value in thing.items()}
    if kind is list or kind is tuple:
        return [keep_all(value) for value in thing]
    return thing


def group[K: Hashable](activities: Sequence[Activity], key: Callable[[Activity], K]) -> dict[K, list[int]]:
    """Return the positions of the activities by key, keys in order of first appearance."""
    groups: dict[K, list[int]] = {}
    for number, activity in enumerate(activities):
        groups.setdefault(key(activity), []).append(number)
    return groups


def by_service(assessed: Assessment) -> list[Json]:
    """Return a row for every service, the largest first."""
    groups = group(assessed.activities, lambda activity: activity.service)
    return _ranked([row(key, indices, assessed) for key, indices in groups.items()])


def by_model(assessed: Assessment) -> list[Json]:
    """Return a row for every model of every service: what it was taken for, and how sure its size is."""
    groups = group(
        assessed.activities, lambda activity: (activity.model or "", activity.provider or "", activity.service)
    )
    found = []
    for (name, provider, service), indices in groups.items():
        model = assessed.recipes[indices[0]].model
        more: Json = {
            "model": name or None, "service": service, "provider": provider or None,
            "taken_as": model.key, "resolved": model.source, "tier": model.tier,
        }  # fmt: skip
        found.append(row(name or f"{service}:unknown", indices, assessed, **more))
    return _ranked(found)


def by_feature(assessed: Assessment) -> list[Json]:
    """Return a row for every feature that was used; they overlap, so they do not add up to the total."""
    positions: dict[str, list[int]] = {}
    asked: dict[str, int] = {}
    used: dict[str, int] = {}
    amounts: dict[str, int] = {}
    for number, activity in enumerate(assessed.activities):
        for feature, state in activity.features:
            counts = asked if state == "asked" else used
            counts[feature] = counts.get(feature, 0) + activity.requests
        for feature in dict.fromkeys(feature for feature, _ in activity.features):
            positions.setdefault(feature, []).append(number)
        for feature, state, amount in activity.feature_amounts:
            if state == "used":
                amounts[feature] = amounts.get(feature, 0) + amount
    found = []
    for feature, indices in positions.items():
        more: Json = {"asked": asked.get(feature, 0), "used": used.get(feature, 0), "amount": amounts.get(feature)}
        found.append(row(feature, indices, assessed, **more, overlapping=True))
    return _show_alone(_ranked(found), assessed)


def by_initiator(assessed: Assessment) -> list[Json]:
    """Return what the person asked, what agents did in between, and what came unasked."""
    groups = group(assessed.activities, lambda activity: activity.initiator)
    order = [key for key in ("person", "agent", "unasked") if key in groups]
    return [row(key, groups[key], assessed) for key in order]


def _show_alone(found: list[Json], assessed: Assessment) -> list[Json]:
    """Add the values as shown to rows that do not add up: each rounded by itself to the grid of the total."""
    whole = assessed.central_wh()
    step = grid_of(whole)
    for item in found:
        energy = keep(item["impacts"]["energy_wh"]["mid"]) or 0.0
        item["shown"] = {
            "energy_wh": round(energy / step) * step if step else 0.0,
            "share": energy / whole if whole > 0 else 0.0,
        }
    return found


def _ranked(rows: list[Json]) -> list[Json]:
    return sorted(rows, key=lambda item: (-item["impacts"]["energy_wh"]["mid"], item["key"]))


def add_shown(rows: list[Json], whole: Json) -> list[Json]:
    """Add to each row its central values as shown: rounded so that they add up to those of the ``whole``."""
    for name in IMPACTS:
        parts = [item["impacts"][name]["mid"] for item in rows]
        for item, value in zip(rows, apportion(parts, whole[name]["mid"]), strict=True):
            item.setdefault("shown", {})[name] = value
    energy = whole["energy_wh"]["mid"]
    shares = [item["impacts"]["energy_wh"]["mid"] / energy if energy > 0 else 0.0 for item in rows]
    for item, share in zip(rows, apportion(shares, 1.0 if energy > 0 else None), strict=True):
        item["shown"]["share"] = share
    return rows
