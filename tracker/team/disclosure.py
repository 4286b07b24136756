"""
The twelve points that a GHG Protocol scope 3 category 1 or ESRS E1 file needs of a week (pure).

Sources: ISO 14044:2006 5.2 and 5.3; GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, category 1;
ESRS E1-6 (Delegated Regulation (EU) 2023/2772); SCI for AI, consumer boundary (Green Software Foundation).
"""

from __future__ import annotations

from typing import Any

from tracker.report.language import Language
from tracker.report.measures import ends, measure, quantity
from tracker.report.names import mark

Json = dict[str, Any]

POINTS = (
    (
        mark("Goal and audience"),
        mark(
            "Insight for the organisation itself and its staff; not a comparison of products for the public "
            "(ISO 14044, 5.2 and 5.3)."
        ),
    ),
    (mark("Functional unit"), mark("The use of AI assistants by {people} people in one week.")),
    (
        mark("System boundary"),
        mark(
            "Included: computing, idle machines, hosts, cooling, electricity, making the hardware. Not included: training, "
            "the organisation's own networks and devices, end of life, rebound."
        ),
    ),
    (
        mark("Allocation"),
        mark(
            "Machine time shared by the requests computed together; hardware over its life and the time it is in use."
        ),
    ),
    (mark("Scope"), mark("Bought services: GHG Protocol scope 3, category 1, average-data method.")),
    (
        mark("Result"),
        mark("{mid}, estimated, from {range}; location-based, GWP100; no market-based figure, nothing offset."),
    ),
    (
        mark("Period and coverage"),
        mark("One ISO week; {share} of the time that the computers which take part were on."),
    ),
    (
        mark("Data"),
        mark(
            "Activity from the computers of those who take part; each factor with its value, year, place, source and "
            "tier in the machine-readable report."
        ),
    ),
    (
        mark("Uncertainty"),
        mark("5 to 95% of one simulation in which unknowns are shared; the methods stand side by side above."),
    ),
    (
        mark("Other impacts"),
        mark(
            "Energy, water on site and at power plants, and minerals are in the machine-readable report: less carbon can "
            "mean more water."
        ),
    ),
    (
        mark("ESRS E1"),
        mark("Gross figure for significant scope 3 categories; estimates and assumptions as named here."),
    ),
    (
        mark("Comparability"),
        mark(
            "Published weeks do not change; new factors apply to later weeks only. Nothing here supports a claim of "
            "climate neutrality."
        ),
    ),
)


def disclosure(facts: Json, language: Language) -> list[Json]:
    """Return the points, filled in for one week."""
    ghg = facts["impacts"]["ghg_g"]
    unit = measure("ghg_g", ghg["mid"])
    listening = facts["coverage"]["listening"]
    values = {
        "people": language.number(facts["active_people"]),
        "mid": quantity(ghg["mid"], unit, language),
        "range": f"{ends(ghg, unit, language)} {unit.unit}",
        "share": language.t("an unknown share") if listening is None else language.percent(listening),
    }
    return [{"name": language.t(name), "text": language.t(text, **values)} for name, text in POINTS]
