"""The page: self-contained, no script, harmless whatever the names are, small, and every number of it in the JSON."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests import golden
from tracker.report import demo, make, render
from tracker.store import Store

HOSTILE = (
    "</style><script>alert(1)</script>",
    "\u202emoc.live\u2066",
    "=HYPERLINK(1)",
    "x" * 10_000,
    "\N{PILE OF POO}" * 40,
    "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}\N{HEBREW LETTER GIMEL}",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[2J\x00\x07",
    '"><img src=https://example.com/x onerror=alert(1)>',
)


class Reader(HTMLParser):
    """What a page holds: its tags with their attributes, and that all of them are closed in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def variants(week: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    yield week
    for count in (0, 1):
        with golden.small_store(folder, count) as small:
            yield make(small, golden.WEEK, now=demo.NOW)


@pytest.mark.parametrize("lang", ["en", "nb", "nl"])
def test_the_page_stands_alone(week: dict[str, Any], tmp_path: Path, lang: str) -> None:
    for data in variants(week, tmp_path):
        page = render.to_html(data, lang)
        reader = Reader(page)
        assert reader.faults == []
        assert reader.open == []
        names = {tag for tag, _ in reader.tags}
        assert not names & {"script", "img", "link", "iframe", "object", "embed", "base", "form", "video", "audio"}
        for tag, attributes in reader.tags:
            assert "style" not in attributes, tag
            assert not any(name.startswith("on") for name in attributes), tag
            assert "src" not in attributes
            if "href" in attributes:
                assert tag == "a"
                assert str(attributes["href"]).startswith("https://")
        assert "url(" not in page
        assert "@import" not in page
        assert ("html", {"lang": lang}) in reader.tags


def test_the_policy_allows_exactly_the_one_style_sheet(week: dict[str, Any]) -> None:
    page = render.to_html(week, "en")
    sheets = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(sheets) == 1
    assert "<" not in sheets[0]
    digest = base64.b64encode(hashlib.sha256(sheets[0].encode()).digest()).decode()
    policy = next(
        attributes["content"]
        for tag, attributes in Reader(page).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_a_usual_week_and_a_heavy_year_are_small(demonstration: Store, week: dict[str, Any]) -> None:
    assert len(render.to_html(week, "nl").encode()) <= 80_000
    year = make(demonstration, golden.YEAR, now=demo.NOW, demo=True)
    assert len(render.to_html(year, "nl").encode()) <= 250_000


@pytest.mark.parametrize(
    "name", HOSTILE, ids=["tag", "bidi", "formula", "long", "emoji", "rtl", "jinja", "ansi", "img"]
)
def test_hostile_names_are_harmless(week: dict[str, Any], name: str) -> None:
    data = copy.deepcopy(week)
    for row in data["by_model"]:
        row["key"] = row["model"] = row["service"] = name
    for key in ("by_service", "by_feature", "by_initiator", "components", "spread"):
        for row in data[key]:
            row["key"] = name
    data["quality"]["unknown_models"] = [{"model": name, "service": name}] * 3
    data["coverage"]["by_service"][0] |= {"key": name, "unread": 5}
    data["sources"][0] |= {"title": name, "url": "javascript:alert(1)"}
    data["finding"]["driver"] = {"kind": "service", "key": name, "requests": 3, "share": 0.5}
    page = render.to_html(data, "en")
    reader = Reader(page)
    assert reader.faults == []
    assert reader.open == []
    assert not {"script", "img"} & {tag for tag, _ in reader.tags}
    assert "javascript:" not in page
    assert name != HOSTILE[6] or name in "".join(reader.text)
    assert len(page.encode()) < 120_000
    text = render.to_text(data, "en")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert max(map(len, text.splitlines())) <= 80
    cells = re.split(r"[,\r\n]", render.to_csv(data, "en"))
    assert not [cell for cell in cells if cell.strip('"').startswith(("=", "+", "@"))]


@pytest.mark.parametrize("lang", ["en", "nb", "nl"])
def test_tables_show_the_numbers_of_the_json(week: dict[str, Any], lang: str) -> None:
    """Cells are numbers of the JSON, written by the one rule; none is computed for the page."""
    from tracker.report.language import language
    from tracker.report.measures import measure, part
    from tracker.report.view import view

    words = language(lang)
    unit = measure("energy_wh", week["impacts"]["energy_wh"]["mid"])
    page = view(week, words)
    for section, key in (("services", "by_service"), ("models", "by_model"), ("initiators", "by_initiator")):
        for shown, row in zip(page[section]["rows"][:8], week[key], strict=False):
            assert shown.value == part(row["shown"]["energy_wh"], row["impacts"]["energy_wh"]["mid"], unit, words)
            assert shown.cells[0] == words.number(row["requests"])
    for shown, row in zip(page["table"]["rows"], week["by_day"], strict=True):
        assert shown[1:3] == [words.number(row["questions"]), words.number(row["requests"])]


def test_every_number_that_is_written_comes_from_the_json(
    week: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is handed over to be written is a number of the JSON: as it is, rounded, in a larger unit or in percent."""
    from tracker.report.language import Language

    written: list[float] = []
    number = Language.number

    def spy(self: Language, value: float | None, decimals: int | None = None) -> str:
        written.append(abs(value or 0.0))
        return number(self, value, decimals)

    monkeypatch.setattr(Language, "number", spy)
    render.to_html(week, "en")
    known = [abs(float(value)) for value in leaves(week) if not isinstance(value, str)]
    known += [len(week[key]) for key in week if isinstance(week[key], list)]  # how many models, sources …
    times = [week["minutes_computing"], week["worth"]["minutes_saved"]]
    times += [gap["seconds"] / 60 for gap in week["coverage"]["gaps"]]
    known += [share for minutes in times for share in divmod(round(minutes), 60)]
    near = [one * scale for one in known for scale in (1, 1e-3, 1e2)]
    strangers = [value for value in written if not any(abs(value - one) <= max(0.0501 * value, 0.005) for one in near)]
    assert len(written) > 200
    assert strangers == []


def leaves(thing: Any) -> Iterator[Any]:
    match thing:
        case bool() | None:
            return
        case dict():
            for value in thing.values():
                yield from leaves(value)
        case list():
            for value in thing:
                yield from leaves(value)
        case _:
            yield thing


def test_the_first_sentence_says_the_week(week: dict[str, Any]) -> None:
    page = render.to_html(week, "en")
    heading = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert heading
    assert re.match(r"More than last week: \d+ questions, about the energy of <em>", heading[1])
    assert "deep-research runs were" in heading[1]


def test_every_estimated_figure_says_so(week: dict[str, Any]) -> None:
    page = render.to_html(week, "en")
    figures = re.search(r'<ul class="figures">(.*?)</ul>', page, re.DOTALL)
    assert figures
    assert figures[1].count("estimated") == figures[1].count('class="big"') == 3


def test_a_quiet_week_is_kind(tmp_path: Path) -> None:
    with golden.small_store(tmp_path, 0) as small:
        page = render.to_html(make(small, golden.WEEK, now=demo.NOW), "en")
    assert "A quiet week: nothing was recorded." in page
    assert "costs nothing" in page
    assert "<svg" not in page.partition("<main>")[2]


def test_the_what_if_opens_every_view(demonstration: Store) -> None:
    data = golden.week(demonstration, zone="NOR") | {"demo": False}
    for text in (render.to_html(data, "en"), render.to_text(data, "en")):
        assert "What if these servers stood in Norway?" in text
    assert render.to_text(data, "en").startswith("What if")
    assert "Norway" in render.to_csv(data, "en").splitlines()[0]


def test_the_same_data_makes_the_same_bytes(week: dict[str, Any]) -> None:
    again = json.loads(json.dumps(week))
    for make_it in (render.to_html, render.to_text, render.to_csv):
        assert make_it(again, "nb") == make_it(week, "nb")


def test_services_are_called_by_their_own_titles() -> None:
    from addon.service import discover
    from tracker.report.service_names import TITLES

    called = {service.name: service.title for service in discover()}
    assert called == TITLES, "run: uv run python -m tests.documents"


def test_a_service_known_from_one_source_is_called_unverified() -> None:
    from addon.service import discover
    from tracker.report.service_names import UNVERIFIED

    assert {service.name for service in discover() if service.grade == "inferred"} == UNVERIFIED
