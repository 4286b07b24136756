"""M1: EcoLogits as its own package has it, as published and with our extensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tracker.footprint.methods import Coefficients, Question
from tracker.footprint.models import Model
from tracker.footprint.package import BATCH, TOKENS, Size, probe, table
from tracker.footprint.place import Grid, Place

NAMES = {"energy": "energy_wh", "gwp": "ghg_g", "wcf": "water_ml", "adpe": "adpe_ug_sb", "pe": "primary_energy_kj"}
UNITS = {"energy": 1e3, "gwp": 1e3, "wcf": 1e3, "adpe": 1e9, "pe": 1e3}
"""From the package's kWh, kgCO2eq, L, kgSbeq, MJ to Wh, g, mL, µg, kJ."""


type Ends = Sequence[Sequence[float]]
"""low, then high: each for no tokens and for ``TOKENS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One model at the centre of its parameters: per output token and per request, at the machine (PUE 1)."""

    it_wh_per_token: float
    it_wh_per_request: float
    gpu_wh_per_token: float
    embodied_g: tuple[float, float]
    """Per token, per request; metal and energy in the proportions of the package's server."""


@dataclass(frozen=True, slots=True)
class Affine:
    """low and high of one criterion, as per-token slope and per-request intercept."""

    low_per_token: float
    low_per_request: float
    high_per_token: float
    high_per_request: float

    def at(self, tokens: float, requests: float) -> tuple[float, float]:
        """Return (low, high) for these many tokens and requests."""
        return (
            self.low_per_token * tokens + self.low_per_request * requests,
            self.high_per_token * tokens + self.high_per_request * requests,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The package's own result for one model in one place: criterion → usage and embodied, as its ranges."""

    usage: dict[str, Affine]
    embodied: dict[str, Affine]


def coefficients(question: Question) -> Coefficients:
    """
    Return M1: E = PUE · k_idle · [T/3600 · 1200 · (g/8)/B + g · n_eq · (alpha e^(beta B) P_active + gamma)], in Wh.

    Constants are EcoLogits'; k_idle and the input weights in n_eq are our extensions.
    """
    core = evaluate_core(question.model, question.factor("ecologits_batch"))
    weights = question.weights
    scale = question.place.pue * weights.idle
    return Coefficients(
        per_request=scale * core.it_wh_per_request,
        per_output=scale * core.it_wh_per_token,
        per_input=scale * core.gpu_wh_per_token * weights.prefill,
        per_cached=scale * core.gpu_wh_per_token * weights.cached,
        per_squared=scale * core.gpu_wh_per_token * weights.squared,
    )


def evaluate_core(model: Model, batch: float = BATCH) -> Core:
    """Return the affine core of a model at the geometric mean of its parameter range, ``batch`` answers at once."""
    return _core(Size(model.active_mid, model.total_mid, model.tps, model.ttft), batch)


def publish(model: Model, place: Place) -> Published:
    """Return what the package itself says for this model and place: no extension, latency cap off, its own range."""
    provider = place.ecologits_provider
    if provider == "huggingface_hub" and model.maker in table()["providers"]:
        provider = model.maker
    low, high = (
        Size(active, total, model.tps, model.ttft) for active, total in zip(model.active, model.total, strict=True)
    )
    return _publish(low, high, provider, place.grid)


@lru_cache(maxsize=4096)
def _core(size: Size, batch: float) -> Core:
    found = probe(size, batch)
    first = found.energy_none * UNITS["energy"]
    return Core(
        it_wh_per_token=(found.energy * UNITS["energy"] - first) / TOKENS,
        it_wh_per_request=first,
        gpu_wh_per_token=found.gpu_energy * UNITS["energy"] / TOKENS,
        embodied_g=((found.gwp - found.gwp_none) * UNITS["gwp"] / TOKENS, found.gwp_none * UNITS["gwp"]),
    )


@lru_cache(maxsize=4096)
def _publish(low: Size, high: Size, provider: str, grid: Grid) -> Published:
    probes = probe(low), probe(high)
    usage = publish_usage([[found.energy_none, found.energy] for found in probes], table()["providers"][provider], grid)
    embodied = {
        NAMES[name]: affine([[getattr(found, f"{name}_none"), getattr(found, name)] for found in probes], UNITS[name])
        for name in ("gwp", "adpe", "pe")
    }
    return Published(usage=usage, embodied=embodied)


def publish_usage(kwh: Ends, site: Mapping[str, Sequence[float]], grid: Grid) -> dict[str, Affine]:
    """
    Return the package's way from a machine's energy (kWh at PUE 1) to a place's impacts, which is linear.

    ``site``: its PUE and WUE (L/kWh), each as (low, high).
    """
    energy = [[pue * value for value in end] for pue, end in zip(site["pue"], kwh, strict=True)]
    per_kwh = {"energy": 1.0, "gwp": grid.g_per_kwh / 1000, "adpe": grid.adpe_kg_per_kwh, "pe": grid.primary_mj_per_kwh}
    usage = {
        NAMES[name]: affine([[value * factor for value in end] for end in energy], UNITS[name])
        for name, factor in per_kwh.items()
    }
    litres = [wue + pue * grid.litres_per_kwh for pue, wue in zip(site["pue"], site["wue"], strict=True)]
    water = [[value * factor for value in end] for factor, end in zip(litres, kwh, strict=True)]
    return usage | {NAMES["wcf"]: affine(water, UNITS["wcf"])}


def affine(ends: Ends, unit: float) -> Affine:
    """Return the line through the values at none and at ``TOKENS`` tokens."""
    (low0, low1), (high0, high1) = ends
    return Affine((low1 - low0) / TOKENS * unit, low0 * unit, (high1 - high0) / TOKENS * unit, high0 * unit)
