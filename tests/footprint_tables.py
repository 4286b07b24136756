"""The tables of docs/method.md, made from the code that computes; and the samples that they and tests are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tracker.footprint.assessment import assess
from tracker.footprint.comparison import envelope
from tracker.footprint.factors import TIERS, load_factors
from tracker.footprint.methods import WEIGHTS
from tracker.footprint.place import find_grid
from tracker.footprint.settings import Settings
from tracker.footprint.tables import number, read_statements
from tracker.record import Activity

DAY = "2026-11-16"
CHECK_MODELS = (
    ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-5"), ("openai", "gpt-5.5"),
    ("anthropic", "claude-haiku-4-5"), ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-5"),
    ("gcp.gemini", "gemini-2.5-flash"), ("gcp.gemini", "gemini-2.5-pro"), ("mistral_ai", "mistral-large-latest"),
)  # fmt: skip
ZONES = ("WOR", "USA", "NLD", "NOR", "SWE", "FRA", "IRL", "DEU", "SGP", "IND")
REPLY = 400


def factors_table() -> str:
    """Return every factor with value, range, unit, source and tier."""
    rows = [
        (
            f"`{row.key}`", number(row.value), f"{number(row.low)} to {number(row.high)}", row.unit, str(row.year),
            str(row.tier), f"[{row.source}]({row.link})" if row.link else row.source,
        )
        for row in load_factors().rows
    ]  # fmt: skip
    return markdown(("factor", "value", "range", "unit", "year", "tier", "source"), rows)


def check_table() -> str:
    """Return EcoLogits as published for 400 output tokens beside the combined estimate, by model."""
    rows = []
    for provider, model in CHECK_MODELS:
        reply = [sample(provider=provider, model=model, output_tokens=REPLY)]
        package = assess(reply, Settings(method="ecologits")).impacts()
        ours = assess(reply).impacts()
        rows.append((
            model, span(package.energy_wh), span(package.ghg_g), span(package.water_ml),
            f"{number(ours.energy_wh.mid)} ({number(ours.energy_wh.low)} to {number(ours.energy_wh.high)})",
        ))  # fmt: skip
    return markdown(("model", "EcoLogits Wh", "EcoLogits g CO2e", "EcoLogits mL", "combined Wh (5 to 95 %)"), rows)


def zone_table() -> str:
    """Return what one gpt-4o reply of 400 tokens would come to if its servers stood elsewhere."""
    rows = []
    reply = [sample(output_tokens=REPLY)]
    for zone in ZONES:
        grid = find_grid(zone)
        package = assess(reply, Settings(method="ecologits", zone=zone)).impacts()
        rows.append((
            zone, number(grid.g_per_kwh), number(grid.litres_per_kwh), span(package.ghg_g), span(package.water_ml),
            "world average" if "wue" in grid.world_average else "",
        ))  # fmt: skip
    return markdown(("zone", "g CO2e/kWh", "L/kWh", "g CO2e", "mL", "water"), rows)


def method_table() -> str:
    """Return every method's central Wh for a worked week, the combined figure and EcoLogits as published."""
    assessment = assess(worked_week())
    rows = []
    methods = assessment.by_method()
    for row in methods:
        impacts = row["impacts"]
        cells = (number(impacts["energy_wh"][end]) for end in ("low", "mid", "high")) if impacts else ("",) * 3
        low, mid, high = cells
        rows.append((row["key"], str(WEIGHTS[row["key"]]), f"{row['covered_share']:.0%}", mid, f"{low} to {high}"))
    impacts = assessment.impacts()
    whole, outer = impacts.energy_wh, envelope(impacts.to_json(), methods)
    rows.append(("combined", "", "100%", number(whole.mid), f"{number(whole.low)} to {number(whole.high)}"))
    rows.append(("envelope", "", "", "", f"{number(outer['low'])} to {number(outer['high'])}"))
    return markdown(("method", "weight", "covers", "Wh", "5 to 95 %"), rows)


def neighbour_table() -> str:
    """Return what other tools would say for the text answers of the worked week, and why."""
    week = [activity for activity in worked_week() if activity.operation == "chat"]
    output = sum(activity.output_tokens for activity in week)
    new_input = sum(activity.input_tokens - activity.cached_input_tokens for activity in week)
    cached = sum(activity.cached_input_tokens for activity in week)
    answers = sum(activity.requests for activity in week)
    package = assess(week, Settings(method="ecologits")).impacts().energy_wh
    ours = assess(week).impacts().energy_wh
    per_output = (package.mid) / output
    rows = [
        ("AI Wattch (first version)", number(0.01 * output * 1.1), "0.01 Wh a token times PUE 1.1, for all models"),
        ("claude-carbon", number(2.88e-3 * (output + 0.1 * new_input + 0.008 * cached)),
         "2.88e-3 Wh an output token (Sonnet, after Jegham), cache read 0.08 of an input token"),
        ("ai-footprint", span(package), "EcoLogits, output only, its own range"),
        ("agent-footprint", number(package.mid + per_output * (0.05 * new_input + 0.005 * cached)),
         "EcoLogits plus 0.05 an input token and 0.005 a cached one"),
        ("3 Wh a prompt", number(3 * answers), "the figure of 2023 that many extensions still use"),
        ("klimaspor", f"{number(ours.mid)} ({number(ours.low)} to {number(ours.high)})",
         "five methods, input and cache counted, unknowns shared"),
    ]  # fmt: skip
    return markdown(("tool", "Wh for this week", "because"), rows)


def statement_table() -> str:
    """Return the statements that did not become factors, and why."""
    rows = [(f"“{row['claim']}”", row["why"]) for row in read_statements()]
    return markdown(("you may have heard", "why it is no factor here"), rows)


def tier_table() -> str:
    """Return the data-quality tiers."""
    return markdown(("tier", "meaning"), [(str(tier), meaning) for tier, meaning in TIERS.items()])


def sample(**given: Any) -> Activity:
    """Return one reported API answer, for examples; keyword arguments replace its fields."""
    requests = given.get("requests", 1)
    fields: dict[str, Any] = {
        "day": DAY, "service": "openai-api", "provider": "openai", "operation": "chat", "initiator": "person",
        "model": "gpt-4o", "effort": None, "outcome": "complete", "input_tokens_source": "reported",
        "output_tokens_source": "reported", "reasoning_tokens_source": "reported", "features": (),
        "requests": requests, "input_known": requests, "output_known": requests, "cached_known": requests,
        "reasoning_known": requests,
    }  # fmt: skip
    return Activity(**(fields | given))


def worked_week() -> list[Activity]:
    """Return the worked week of the method notes: 205 text answers, a research run, six pictures, one clip."""
    sites = {"openai": "chatgpt", "anthropic": "claude", "gcp.gemini": "gemini"}

    def turns(count: int, provider: str, model: str, read: int, written: int) -> Activity:
        return sample(
            service=sites[provider], provider=provider, model=model, requests=count, input_tokens=count * read,
            output_tokens=count * written, output_squared=float(count * written**2),
        )  # fmt: skip

    return [
        turns(120, "openai", "gpt-5", 900, 350),
        turns(30, "openai", "gpt-5-thinking", 1500, 3400),
        turns(40, "anthropic", "claude-sonnet-4-5", 3000, 600),
        turns(25, "gcp.gemini", "gemini-2.5-flash", 400, 300),
        turns(1, "openai", "gpt-5", 400_000, 15_000),
        sample(operation="image", model="gpt-image-1", output_tokens_source="unknown", media_count=6),
        sample(operation="video", provider="gcp.gemini", model="veo-3.1", media_count=1, media_seconds=8.0),
    ]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def span(impact: Any) -> str:
    """Return low to high, or one number where both are the same."""
    low, high = number(impact.low), number(impact.high)
    return low if low == high else f"{low} to {high}"
