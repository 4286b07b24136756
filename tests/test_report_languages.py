"""Three whole languages: every sentence translated, every blank filled, numbers and days as people write them."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests import catalogue
from tracker.report.headline import EQUIVALENTS
from tracker.report.language import LANGUAGES, Language, language
from tracker.report.surroundings import EVERYDAY


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_every_sentence_is_in_every_catalogue_and_no_other(lang: str) -> None:
    kept = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for message in catalogue.read(lang)
        if message.id
    }
    wanted = {one for one, _ in catalogue.sentences()}
    assert set(kept) == wanted, "run python -m tests.catalogue"
    assert [one for one, string in kept.items() if not string or not all(string)] == []


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_translations_keep_the_blanks_of_their_sentence(lang: str) -> None:
    for message in catalogue.read(lang):
        if not message.id or not message.string or not all(message.string):
            continue
        forms = (message.id,) if isinstance(message.id, str) else message.id
        strings = (message.string,) if isinstance(message.string, str) else message.string
        blanks = {frozenset(re.findall(r"{(\w+)}", form)) for form in forms}
        everything = frozenset().union(*blanks)
        for string in strings:
            found = frozenset(re.findall(r"{(\w+)}", string))
            assert found <= everything, string
            assert found in blanks or found | {"n"} in blanks, string


def test_every_everyday_thing_has_a_name_and_no_other() -> None:
    assert {one.key for one in EVERYDAY} == EQUIVALENTS.keys()


def test_numbers_are_written_as_in_the_language() -> None:
    written = {code: language(code).number(-1234567.5) for code in LANGUAGES}
    assert written == {"en": "\u22121,234,567.5", "nb": "\u22121\xa0234\xa0567,5", "nl": "\u22121.234.567,5"}
    assert [language(code).percent(0.235) for code in LANGUAGES] == ["24%", "24\xa0%", "24%"]
    assert language("en").percent(0.001) == "under 1%"
    assert language("nb").number(None) == "ukjent"


def test_days_are_written_as_in_the_language() -> None:
    since, until = date(2026, 11, 16), date(2026, 11, 23)
    written = {code: language(code).days(since, until) for code in LANGUAGES}
    assert written == {"en": "16\u201322 Nov 2026", "nb": "16.\u201322. nov. 2026", "nl": "16\u201322 nov 2026"}
    assert [language(code).weekday(4) for code in LANGUAGES] == ["Thursday", "torsdag", "donderdag"]


def test_one_is_one_and_more_are_many() -> None:
    assert [language("nl").tn("{n} question", "{n} questions", n) for n in (0, 1, 2)] == [
        "0 vragen",
        "1 vraag",
        "2 vragen",
    ]


def test_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="choose en, nb, nl"):
        Language("xx")
