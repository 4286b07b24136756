"""What every view opens with where the numbers are not simply what happened; and names of places."""

from __future__ import annotations

from typing import Any

from tracker.report.language import Language

Json = dict[str, Any]


def banner(data: Json, language: Language) -> Json | None:
    """Return what every view must open with: that it is a what-if or made up; None for a plain report."""
    t = language.t
    if data["what_if"]:
        return {
            "title": t("What if these servers stood in {place}?", place=place(data["what_if"]["zone"], language)),
            "text": t("Gas and water are computed for that place. It is not what happened."),
        }
    if data.get("demo"):
        return {
            "title": t("An example with made-up numbers"),
            "text": t("Nobody's life: it shows what a report can show."),
        }
    return None


def place(zone: str, language: Language) -> str:
    """Return the name of a country from its three-letter code, or the code itself."""
    two = COUNTRIES.get(zone)
    if zone == "WOR":
        return language.t("an average place in the world")
    name = language.locale.territories.get(two) if two else None
    return str(name) if name else zone


COUNTRIES = {
    "USA": "US", "NOR": "NO", "SWE": "SE", "DNK": "DK", "FIN": "FI", "NLD": "NL", "BEL": "BE", "DEU": "DE", "FRA": "FR",
    "GBR": "GB", "IRL": "IE", "ESP": "ES", "PRT": "PT", "ITA": "IT", "CHE": "CH", "AUT": "AT", "POL": "PL", "CZE": "CZ",
    "CHN": "CN", "IND": "IN", "JPN": "JP", "KOR": "KR", "SGP": "SG", "AUS": "AU", "NZL": "NZ", "CAN": "CA", "MEX": "MX",
    "BRA": "BR", "ARE": "AE", "SAU": "SA", "ISR": "IL", "ZAF": "ZA", "ISL": "IS", "EST": "EE", "LVA": "LV", "LTU": "LT",
}  # fmt: skip
