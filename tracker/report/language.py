"""A language of the report: its sentences from the catalogue, its numbers and dates from Babel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

LANGUAGES = {"en": "en_GB", "nb": "nb_NO", "nl": "nl_NL"}
"""Language → the Babel locale whose numbers and dates it uses."""
SOURCE = "en"

NARROW = "\u202f"
"""Narrow no-break space: between a number and its unit."""
NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""


class Language:
    """Sentences, numbers and dates of one language. Sentences are English in the code and looked up here."""

    def __init__(self, code: str) -> None:
        """Load the catalogue; raise ValueError for a language that does not exist."""
        if code not in LANGUAGES:
            message = f"there is no language {code!r}; choose {', '.join(LANGUAGES)}"
            raise ValueError(message)
        from babel import Locale

        self.code = code
        self.locale = Locale.parse(LANGUAGES[code])
        self._sentences = _catalogue(code)

    def t(self, sentence: str, /, **values: object) -> str:
        """Return the sentence in this language with its values put in."""
        return _fill(self._sentences.get(sentence, (sentence,))[0], values)

    def tn(self, one: str, many: str, number: float, /, **values: object) -> str:
        """Return ``one`` or ``many`` of something; ``{n}`` is the number, formatted."""
        forms = self._sentences.get(one, (one, many))
        form = forms[0] if number == 1 or len(forms) == 1 else forms[1]
        return _fill(form, {"n": self.number(number), **values})

    def number(self, value: float | None, decimals: int | None = None) -> str:
        """Format a number as rounded by ``figures``: as many decimals as it has, or exactly ``decimals``."""
        from babel.numbers import format_decimal

        if value is None:
            return self.t("unknown")
        if decimals is None:
            decimals = _decimals(value)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self.locale)).replace("-", "\N{MINUS SIGN}")

    def percent(self, share: float | None, *, sign: bool = False) -> str:
        """Format a share of 1 as whole percent; shares below half a percent say so."""
        if share is None:
            return self.t("unknown")
        whole = round(share * 100)
        if whole == 0 and share > 0:
            return self.t("under {value}", value=self._percent_of(1))
        if whole == 100 and share < 0.9995:
            return self.t("over {value}", value=self._percent_of(99))
        text = self._percent_of(abs(whole))
        if whole < 0:
            return f"\N{MINUS SIGN}{text}"
        return f"+{text}" if sign and whole > 0 else text

    def percent_part(self, shown: float, real: float) -> str:
        """Format a share that was apportioned: ``< 1%`` where it is there but too small to show."""
        if shown < 0.005 and real > 0:
            return f"<{NARROW}{self._percent_of(1)}"
        return self._percent_of(round(shown * 100))

    def percents(self, low: float, high: float) -> str:
        """Format two percentages (of 100, already rounded) as ``18 to 25%``, or one where both are the same."""
        last = self._percent_of(high)
        return last if low == high else self.t("{low} to {high}", low=self.number(low), high=last)

    def ratio(self, ratio: float) -> str:
        """Format what a ratio does to a noun behind it: ``2.3 times`` or, below one, ``18% of``."""
        from tracker.report.figures import significant

        if ratio < 0.995:
            return self.t("{share} of", share=self.percent(ratio))
        return self.t("{n} times", n=self.number(significant(ratio, 2)))

    def span(self, low: float | None, high: float | None) -> str:
        """Format the ends of a range, already rounded: ``3 to 9``, or one number where both are the same."""
        if low is None or high is None:
            return self.t("unknown")
        if low == high:
            return self.number(low)
        return self.t("{low} to {high}", low=self.number(low), high=self.number(high)).replace(
            " ", "\N{NO-BREAK SPACE}"
        )

    def listing(self, words: Iterable[str]) -> str:
        """Join words as a list: ``a, b and c``."""
        from babel.lists import format_list

        return str(format_list(list(words), locale=self.locale, style="standard"))

    def day(self, day: date) -> str:
        """Return ``16 November``."""
        from babel.dates import format_skeleton

        return str(format_skeleton("MMMMd", day, locale=self.locale))

    def long_day(self, day: date) -> str:
        """Return ``Monday 16 November 2026``."""
        from babel.dates import format_date

        return str(format_date(day, format="full", locale=self.locale))

    def weekday(self, number: int, *, short: bool = False) -> str:
        """Return the name of the ISO weekday 1 to 7, as it stands in the middle of a sentence."""
        return str(self.locale.days["stand-alone"]["abbreviated" if short else "wide"][number - 1]).rstrip(".")

    def month(self, day: date) -> str:
        """Return the short name of the month."""
        return str(self.locale.months["stand-alone"]["abbreviated"][day.month]).rstrip(".")

    def days(self, since: date, until: date) -> str:
        """Return the days from ``since`` until before ``until``: the days joined by a dash."""
        from babel.dates import format_interval, format_skeleton

        end = until - timedelta(days=1)
        if since == end:
            return str(format_skeleton("yMMMMd", since, locale=self.locale))
        return str(
            format_interval(since, end, skeleton="yMMMMd" if self._has("yMMMMd") else "yMMMd", locale=self.locale)
        )

    def moment(self, moment: datetime) -> str:
        """Return a day and time of day: ``Tuesday 09:10``, with the date where it helps."""
        from babel.dates import format_time

        time = format_time(moment, "HH:mm", locale=self.locale)
        return f"{self.weekday(moment.isoweekday(), short=True)} {self.day(moment.date())} {time}"

    def stretch(self, since: datetime, until: datetime) -> str:
        """Return from when to when: a day with two times of it, or two moments."""
        end = self.clock(until) if since.date() == until.date() else self.moment(until)
        return f"{self.moment(since)}\N{EN DASH}{end}"

    def clock(self, moment: datetime) -> str:
        """Return the time of day."""
        from babel.dates import format_time

        return str(format_time(moment, "HH:mm", locale=self.locale))

    def minutes(self, minutes: float) -> str:
        """Return a length of time in hours and minutes."""
        if 0 < minutes < 1:
            return self.t("under a minute")
        hours, rest = divmod(round(minutes), 60)
        if hours >= 10:
            hours, rest = hours + (rest >= 30), 0
        parts = []
        if hours:
            parts.append(self.tn("{n} hour", "{n} hours", hours))
        if rest or not hours:
            parts.append(self.tn("{n} minute", "{n} minutes", rest))
        return " ".join(parts)

    def _percent_of(self, percent: float) -> str:
        sign = "\N{NO-BREAK SPACE}%" if self.code == "nb" else "%"
        return f"{self.number(percent)}{sign}"

    def _has(self, skeleton: str) -> bool:
        return skeleton in self.locale.interval_formats


@lru_cache
def language(code: str) -> Language:
    """Return a language, loaded once."""
    return Language(code)


def capital(sentence: str) -> str:
    """Return the sentence with a capital first letter; markup stays markup."""
    return sentence[:1].upper() + sentence[1:]


def _fill(sentence: str, values: dict[str, Any]) -> str:
    """Put values in, no unit parted from its number; where one is markup, the result is, and others are escaped."""
    sentence = sentence.replace(" {unit}", NARROW + "{unit}")
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(sentence).format(**values)
    return sentence.format(**values) if values else sentence


def _decimals(value: float) -> int:
    text = f"{value:.9f}".rstrip("0")
    return len(text.partition(".")[2])


@lru_cache
def _catalogue(code: str) -> dict[str, tuple[str, ...]]:
    if code == SOURCE:  # the sentences in the code are its own
        return {}
    from babel.messages.pofile import read_po

    sentences: dict[str, tuple[str, ...]] = {}
    with (files("tracker") / "locale" / f"{code}.po").open("rb") as file:
        for message in read_po(file, locale=LANGUAGES[code]):
            if not message.id or message.fuzzy:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            if all(forms):
                sentences[key] = forms
    return sentences
