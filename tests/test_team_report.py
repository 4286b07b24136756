"""The organisation's page in three languages, and its text, JSON, CSV and metrics, as they were found good."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import team_demo
from tracker.report.language import LANGUAGES
from tracker.team import render
from tracker.team.papers import PAPERS, make_paper
from tracker.team.publish import Published

FOLDER = Path(__file__).parent / "gold_team"


@pytest.fixture(scope="module")
def weeks() -> list[Published]:
    return team_demo.weeks()


def outputs(weeks: list[Published]) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of everything that is kept: ``python -m tests.test_team_report`` writes it anew."""
    facts, earlier = weeks[-1].facts, [week.facts for week in weeks[:-1]]
    for lang in LANGUAGES:
        yield f"team-{lang}.html", render.to_html(facts, earlier, lang)
        yield f"team-{lang}.txt", render.to_text(facts, earlier, lang)
    yield "team.json", render.to_json(facts)
    yield "team.csv", render.to_csv(facts)
    yield "small-en.txt", render.to_text(team_demo.small(), earlier, "en")
    yield "small-nl.html", render.to_html(team_demo.small(), [], "nl")
    for name in PAPERS:
        yield f"{name}-nb.html", make_paper(name, team_demo.POLICY, "nb")


def test_all_views_are_as_they_were_kept(weeks: list[Published]) -> None:
    made = dict(outputs(weeks))
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    for name, text in made.items():
        kept = (FOLDER / name).read_bytes()
        assert text.encode() == kept, f"{name} differs; look at it, then run python -m tests.test_team_report"


def test_no_person_is_in_any_view(weeks: list[Published]) -> None:
    for name, text in outputs(weeks):
        assert not re.search(r"[0-9a-f]{32}", text), name


@pytest.mark.parametrize("name", PAPERS)
def test_papers_tell_of_the_reminder_where_the_policy_offers_one(name: str) -> None:
    without = make_paper(name, team_demo.POLICY, "en")
    assert "klimaspor team remind" not in without
    assert "klimaspor team remind" in make_paper(name, replace(team_demo.POLICY, reminder=True), "en")


def test_the_metrics_are_what_a_collector_reads(weeks: list[Published]) -> None:
    cells = weeks[-1].cells
    names = render.CONVENTIONS["1.41"]
    told = json.loads(render.to_otlp([(grid, list(path), people, sums) for grid, path, people, sums in cells],
                                     "2026-11-16"))  # fmt: skip
    (resource,) = told["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    assert {"key": "service.name", "value": {"stringValue": "klimaspor"}} in resource["resource"]["attributes"]
    metrics = {metric["name"]: metric for metric in scope["metrics"]}
    assert set(metrics) == {names["tokens"], "klimaspor.requests", "klimaspor.people"}
    allowed = {names["operation"], names["model"], names["token_type"]}
    use = [(path, people, sums) for grid, path, people, sums in cells if grid == "use"]
    for metric in metrics.values():
        assert metric["sum"]["aggregationTemporality"] == 1
        for point in metric["sum"]["dataPoints"]:
            assert point["startTimeUnixNano"] == "1794787200000000000"
            assert int(point["timeUnixNano"]) - int(point["startTimeUnixNano"]) == 7 * 86400 * 10**9
            keys = [attribute["key"] for attribute in point["attributes"]]
            assert len(keys) == len(set(keys))
            assert all(key in allowed or key.startswith("klimaspor.") for key in keys)
            assert all(set(attribute["value"]) == {"stringValue"} for attribute in point["attributes"])
            assert str(int(point["asInt"])) == point["asInt"]
    requests = sum(int(point["asInt"]) for point in metrics["klimaspor.requests"]["sum"]["dataPoints"])
    assert requests == sum(sums["requests"] for _, _, sums in use)
    tokens = metrics[names["tokens"]]["sum"]["dataPoints"]
    output = [
        point for point in tokens
        if {"key": names["token_type"], "value": {"stringValue": "output"}} in point["attributes"]
    ]  # fmt: skip
    assert sum(int(point["asInt"]) for point in output) == sum(sums["output_tokens"] for _, _, sums in use)
    assert all(int(point["asInt"]) >= 5 for point in metrics["klimaspor.people"]["sum"]["dataPoints"])


def test_the_table_for_spreadsheets_leaves_out_what_is_not_told_apart(weeks: list[Published]) -> None:
    rows = list(csv.DictReader(io.StringIO(render.to_csv(weeks[-1].facts))))
    assert {row["with_files"] for row in rows if row["table"] == "by_unit"} == {""}
    assert {row["with_files"] for row in rows if row["key"] == "*"} == {""}
    assert [row["with_files"] for row in rows if row["key"] == "google-ai"] == ["0"]


def test_every_figure_of_energy_is_called_an_estimate(weeks: list[Published]) -> None:
    page = render.to_html(weeks[-1].facts, [], "en")
    shown = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL)
    for part in re.findall(r"<(?:table|ul class=\"figures\"|h1).*?</(?:table|ul|h1)>", shown, flags=re.DOTALL):
        if "Wh" in part or "CO₂e" in part:
            assert "estimated" in part, part[:200]


def test_a_week_of_too_few_people_is_a_gap_in_the_weeks(weeks: list[Published]) -> None:
    page = render.to_html(weeks[-1].facts, [team_demo.small(), weeks[0].facts], "en")
    assert "A dash: fewer than 5 people, so nothing is shown." in page


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in outputs(team_demo.weeks()):
        (FOLDER / name).write_bytes(text.encode())
        sys.stdout.write(f"{name}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
