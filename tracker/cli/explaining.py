"""One record's footprint in words and numbers, from the data that ``Assessment.explain`` gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_NAMES = {
    "energy_wh": ("Energy", "Wh"),
    "ghg_g": ("Greenhouse gas", "g CO2e"),
    "water_ml": ("Water", "mL"),
    "adpe_ug_sb": ("Minerals and metals", "µg Sb eq"),
    "primary_energy_kj": ("Primary energy", "kJ"),
}
_COEFFICIENTS = (
    ("output_per_unit", "wh_per_output_token"),
    ("input_per_unit", "wh_per_input_token"),
    ("cached_per_unit", "wh_per_cached_token"),
)


def tell(explanation: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the explanation."""
    yield from _tell_model(explanation["model"], explanation["place"])
    yield from _tell_methods(explanation["methods"], explanation["combined"])
    yield from _tell_loads(explanation)
    yield from _tell_impacts(explanation["impacts"])
    yield ""
    yield "Sources (klimaspor methods tells all of each)"
    for source in explanation.get("sources", ()):
        yield f"  {source.get('key')}: {_value(source)}{source.get('source')}"


def _tell_model(model: dict[str, Any], place: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "1. Which model, and where"
    recorded, taken_as = model.get("recorded") or "not told", model.get("taken_as")
    yield f"  model {recorded}" + (f", taken as {taken_as}" if taken_as != recorded else "")
    active, total = _span(model["active_parameters_billion"]), _span(model["total_parameters_billion"])
    yield f"  {active} billion active parameters of {total} billion, {_number(model.get('tokens_per_second'))} tokens/s"
    zone = "your own computer" if place.get("local") else f"{place.get('provider')}, {place.get('zone')}"
    guess = " (guessed)" if place.get("guessed") else ""
    yield f"  {zone}{guess}: {_number(place.get('g_per_kwh'))} g CO2e/kWh"
    if not place.get("local"):
        yield f"  {_number(place.get('pue'))} kWh into the building for 1 kWh into its machines (PUE)"


def _tell_methods(methods: dict[str, dict[str, Any]], combined: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "2. What an answer of this model costs, by method (a turn of 400 tokens)"
    for name, method in methods.items():
        weight, turn = method.get("weight"), method.get("wh_of_reference_turn")
        yield f"  {name:10} {_number(turn):>10} Wh" + (f"   weight {_number(weight)}" if weight is not None else "")
    if combined:
        turn = combined.get("wh_of_reference_turn")
        yield f"  {'together':10} {_number(turn):>10} Wh   their weighted geometric mean"


def _tell_loads(explanation: dict[str, Any]) -> Iterator[str]:
    combined, mean = explanation["combined"], explanation.get("turn_mean_over_median") or 1.0
    yield ""
    yield f"3. What this answer was, times that (x{_number(mean)}: turns vary, and their mean is above their median)"
    for load in explanation["loads"]:
        tokens = " + ".join(
            f"{_number(load[unit])} x {_number(combined.get(cost))}" for unit, cost in _COEFFICIENTS if load.get(unit)
        )
        each = f" x ({tokens})" if tokens else ""
        note = "   estimated: the wire hides it" if load.get("estimated") else ""
        what = str(load["component"]).replace("_", " ")
        quantity = str(load["quantity"]).replace("_", " ")
        amount = f"{_number(load['amount'])} {quantity.removesuffix('s') if load['amount'] == 1 else quantity}"
        yield f"  {what:14} {amount}{each} = {_number(load.get('wh'))} Wh, {load.get('share') or 0:.0%}{note}"


def _tell_impacts(impacts: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"4. What that comes to (central estimate, and {_interval(impacts.get('interval'))})"
    for key, (name, unit) in _NAMES.items():
        impact = impacts.get(key)
        if isinstance(impact, dict):
            span = f"{_number(impact.get('low'))} to {_number(impact.get('high'))}"
            embodied = impact.get("embodied")
            making = f", of which making the hardware {_number(embodied['mid'])}" if isinstance(embodied, dict) else ""
            yield f"  {name:20} {_number(impact.get('mid')):>8} {unit}, {span}{making}"


def _interval(name: object) -> str:
    return "the range in which it lies nine times out of ten" if name == "p05-p95" else f"{name}"


def _value(source: dict[str, Any]) -> str:
    if source.get("value") is None:
        return ""
    return f"{_number(source['value'])} ({_number(source.get('low'))} to {_number(source.get('high'))}), "


def _span(values: list[float]) -> str:
    low, high = values
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: object) -> str:
    """Return a number with three digits that mean something; ``?`` where it is not known."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "?"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
