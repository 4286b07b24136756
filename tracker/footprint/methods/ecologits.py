"""M1: EcoLogits through its own package, as published and with our extensions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from tracker.footprint.methods import Coefficients, Question
from tracker.footprint.models import Model
from tracker.footprint.place import Place

PACKAGE_BATCH = 64
PROBE_TOKENS = 1000
"""Impacts are affine in output tokens once the latency cap is off: two evaluations give slope and intercept."""

NAMES = {"energy": "energy_wh", "gwp": "ghg_g", "wcf": "water_ml", "adpe": "adpe_ug_sb", "pe": "primary_energy_kj"}
UNITS = {"energy": 1e3, "gwp": 1e3, "wcf": 1e3, "adpe": 1e9, "pe": 1e3}
"""From the package's kWh, kgCO2eq, L, kgSbeq, MJ to Wh, g, mL, µg, kJ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One model at the centre of its parameters: per output token and per request, at the machine (PUE 1)."""

    it_wh_per_token: float
    it_wh_per_request: float
    gpu_wh_per_token: float
    embodied_g: tuple[float, float]
    """Per token, per request; the same below."""
    embodied_ug_sb: tuple[float, float]
    embodied_kj: tuple[float, float]


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


def evaluate_core(model: Model, batch: float = PACKAGE_BATCH) -> Core:
    """Return the affine core of a model at the geometric mean of its parameter range, ``batch`` answers at once."""
    active, total = model.active_mid, model.total_mid
    return _core(_Size((active, active), (total, total), model.tps, model.ttft), batch)


def publish(model: Model, place: Place) -> Published:
    """Return what the package itself says for this model and place: no extension, latency cap off, its own range."""
    provider = place.ecologits_provider
    if provider == "huggingface_hub" and model.maker in _providers():
        provider = model.maker
    grid = place.grid
    mix = _Mix(grid.adpe_kg_per_kwh, grid.primary_mj_per_kwh, grid.g_per_kwh / 1000, grid.litres_per_kwh)
    return _publish(_Size(model.active, model.total, model.tps, model.ttft), provider, mix)


class _Size(NamedTuple):
    active: tuple[float, float]
    total: tuple[float, float]
    tps: float | None
    ttft: float | None


class _Mix(NamedTuple):
    """kg Sb-eq, MJ, kg CO2e and L per kWh, as the package wants them."""

    adpe: float = 0.0
    primary: float = 0.0
    gwp: float = 0.0
    water: float = 0.0


@lru_cache(maxsize=4096)
def _core(size: _Size, batch: float) -> Core:
    start, end = (_compute(size, tokens, _Mix(), batch_size=batch) for tokens in (0, PROBE_TOKENS))
    gpu = _compute(size, PROBE_TOKENS, _Mix(), batch_size=batch, server_power=0.0)

    def embodied(name: str) -> tuple[float, float]:
        first, last = (getattr(result.embodied, name).value * UNITS[name] for result in (start, end))
        return (last - first) / PROBE_TOKENS, first

    first = start.energy.value * UNITS["energy"]
    return Core(
        it_wh_per_token=(end.energy.value * UNITS["energy"] - first) / PROBE_TOKENS,
        it_wh_per_request=first,
        gpu_wh_per_token=gpu.energy.value * UNITS["energy"] / PROBE_TOKENS,
        embodied_g=embodied("gwp"),
        embodied_ug_sb=embodied("adpe"),
        embodied_kj=embodied("pe"),
    )


@lru_cache(maxsize=4096)
def _publish(size: _Size, provider: str, mix: _Mix) -> Published:
    at = _providers()[provider]
    start, end = (
        _compute(size, tokens, mix, datacenter_pue=at.datacenter_pue, datacenter_wue=at.datacenter_wue)
        for tokens in (0, PROBE_TOKENS)
    )

    def affine(part: str, name: str) -> Affine:
        return _affine([getattr(getattr(result, part), name).value for result in (start, end)], UNITS[name])

    return Published(
        usage={key: affine("usage", name) for name, key in NAMES.items()},
        embodied={NAMES[name]: affine("embodied", name) for name in ("gwp", "adpe", "pe")},
    )


def _compute(size: _Size, tokens: int, mix: _Mix, **overrides: Any) -> Any:
    from ecologits.impacts.llm import compute_llm_impacts

    given: dict[str, Any] = {"datacenter_pue": 1.0, "datacenter_wue": 0.0} | overrides
    return compute_llm_impacts(
        model_active_parameter_count=_range(size.active),
        model_total_parameter_count=_range(size.total),
        output_token_count=tokens,
        if_electricity_mix_adpe=mix.adpe,
        if_electricity_mix_pe=mix.primary,
        if_electricity_mix_gwp=mix.gwp,
        if_electricity_mix_wue=mix.water,
        request_latency=math.inf,
        tps=size.tps,
        ttft=size.ttft,
        **given,
    )


def _affine(values: list[Any], unit: float) -> Affine:
    (low0, high0), (low1, high1) = (_ends(value) for value in values)
    return Affine(
        (low1 - low0) / PROBE_TOKENS * unit, low0 * unit, (high1 - high0) / PROBE_TOKENS * unit, high0 * unit
    )  # fmt: skip


def _ends(value: Any) -> tuple[float, float]:
    return (value, value) if isinstance(value, int | float) else (value.min, value.max)


def _range(pair: tuple[float, float]) -> Any:
    from ecologits.utils.range_value import RangeValue

    return pair[0] if pair[0] == pair[1] else RangeValue(min=pair[0], max=pair[1])


def _providers() -> dict[str, Any]:
    from ecologits.tracers.utils import PROVIDER_CONFIG_MAP

    providers: dict[str, Any] = PROVIDER_CONFIG_MAP
    return providers
