"""One assumption at a time: how far the central estimate would move, for a report that has to say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment

ASSUMPTIONS = (
    "ecologits_batch", "node_batch", "prefill_weight", "cached_weight", "long_context_weight", "idle_factor",
    "flop_utilisation_output", "system_factor", "vendor_reference_output", "reasoning_low", "reasoning_medium",
    "reasoning_high", "system_prompt_tokens", "file_tokens", "search_energy", "research_output", "agent_output",
    "image_default", "embodied_life", "embodied_active_share", "local_power",
)  # fmt: skip
"""Factors whose own range is worth seeing alone; the rest are in the simulation."""

ZONES = ("NOR", "WOR", "IND")
"""Where the servers might stand: clean, average, coal."""


def sensitivity(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return ``{"key", "energy_wh": {"low", "high"}, "ghg_g": {"low", "high"}, "swing"}`` for each assumption alone at
    either end of its own range, the widest swing of greenhouse gas first; ``zone NOR`` and others move the servers.

    Values are central estimates; ``swing`` is the larger over the smaller. What changes nothing is left out.
    """
    from tracker.footprint.assessment import assess

    activities, settings, factors = assessment.activities, assessment.settings, assessment.factors
    now = assessment.impacts()
    rows = []
    for key in ASSUMPTIONS:
        ends = [assess(activities, settings, factors.with_value(key, end)).impacts() for end in ("low", "high")]
        rows.append((key, ends))
    rows += [
        (f"zone {zone}", [now, assess(activities, replace(settings, zone=zone), factors).impacts()]) for zone in ZONES
    ]
    found = []
    for key, ends in rows:
        energy = [end.energy_wh.mid for end in ends]
        gas = [end.ghg_g.mid for end in ends]
        if not min(gas) or max(gas) / min(gas) < 1.001:
            continue
        found.append({
            "key": key, "energy_wh": {"low": energy[0], "high": energy[1]}, "ghg_g": {"low": gas[0], "high": gas[1]},
            "swing": max(gas) / min(gas),
        })  # fmt: skip
    return sorted(found, key=lambda row: -row["swing"])
