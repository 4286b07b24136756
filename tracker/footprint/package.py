"""EcoLogits' package: what it says, from a table that was built from it, and from itself where the table ends."""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

from tracker.footprint.errors import FootprintError

FILE = "ecologits.json"
BATCH = 64
"""How many answers the package has a server give at once."""
TOKENS = 1000
"""Impacts are affine in output tokens once the latency cap is off: none and so many give slope and intercept."""

WIDE_OVER_HIGH = 16 / 9
"""Sides of a clip's frames, for want of better: the wire tells their pixels only."""


class Size(NamedTuple):
    """A model as the package sees it: billions of parameters, tokens per second, seconds to the first."""

    active: float
    total: float
    tps: float | None
    ttft: float | None


class Probe(NamedTuple):
    """What an answer of none and of ``TOKENS`` output tokens takes at the machine (PUE 1), in the package's units."""

    energy_none: float
    """kWh, the graphics processors and the rest of the server."""
    energy: float
    gpu_energy: float
    """kWh, the graphics processors alone."""
    gwp_none: float
    """Of making the hardware: kg CO2e, kg Sb-eq, MJ."""
    gwp: float
    adpe_none: float
    adpe: float
    pe_none: float
    pe: float


class ClipProbe(NamedTuple):
    """What one clip takes at the machine (PUE 1): kWh at both ends; kg CO2e, kg Sb-eq and MJ of making the hardware."""

    energy_low: float
    energy_high: float
    gwp: float
    adpe: float
    pe: float


@cache
def table() -> dict[str, Any]:
    """
    Return the table: ``version``, ``source``, ``licence``; by name ``models``, ``grids``, ``providers``, and by video
    model ``video_providers``; rows of ``sizes`` (Size, Probe) and of ``clips`` (model, pixels, seconds, ClipProbe).

    ``python -m tests.documents`` builds it and a test holds every row to the package. Importing the package takes
    longer than everything else that a short command does.
    """
    try:
        found: dict[str, Any] = json.loads((resources.files("tracker.footprint") / "data" / FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise FootprintError("The table of EcoLogits is damaged", FILE, "reinstall klimaspor") from error
    return found


@cache
def _probes() -> dict[Size, Probe]:
    width = len(Size._fields)
    return {Size(*row[:width]): Probe(*row[width:]) for row in table()["sizes"]}


def probe(size: Size, batch: float = BATCH) -> Probe:
    """Return what the package says of one size of model."""
    found = _probes().get(size) if batch == BATCH else None
    return found or ask(size, batch)


@lru_cache(maxsize=4096)
def ask(size: Size, batch: float = BATCH) -> Probe:
    """Return what the package itself says: for the table, and for sizes and batches that are not in it."""
    none, some = (_compute(size, tokens, batch_size=batch) for tokens in (0, TOKENS))
    gpu = _compute(size, TOKENS, batch_size=batch, server_power=0.0)
    hardware = (getattr(result.embodied, name).value for name in ("gwp", "adpe", "pe") for result in (none, some))
    return Probe(none.energy.value, some.energy.value, gpu.energy.value, *hardware)


def _compute(size: Size, tokens: int, **overrides: float) -> Any:
    from ecologits.impacts.llm import compute_llm_impacts

    return compute_llm_impacts(
        model_active_parameter_count=size.active,
        model_total_parameter_count=size.total,
        output_token_count=tokens,
        if_electricity_mix_adpe=0.0,
        if_electricity_mix_pe=0.0,
        if_electricity_mix_gwp=0.0,
        if_electricity_mix_wue=0.0,
        datacenter_pue=1.0,
        datacenter_wue=0.0,
        request_latency=math.inf,
        tps=size.tps,
        ttft=size.ttft,
        **overrides,
    )


@cache
def _clips() -> dict[tuple[str, float, float], ClipProbe]:
    return {(model, pixels, seconds): ClipProbe(*rest) for model, pixels, seconds, *rest in table()["clips"]}


def clip(model: str, pixels: float, seconds: float) -> ClipProbe:
    """Return what the package says of a clip of one of its video models: wide frames of so many pixels."""
    return _clips().get((model, pixels, seconds)) or ask_clip(model, pixels, seconds)


@lru_cache(maxsize=1024)
def ask_clip(model: str, pixels: float, seconds: float) -> ClipProbe:
    """Return what the package itself says: for the table, and for clips of other sizes."""
    from ecologits.estimations import video_impacts
    from ecologits.log import logger

    logger.setLevel("ERROR")  # it would print a warning that is data here: Grid.world_average
    height = max(1, round(math.sqrt(pixels / WIDE_OVER_HIGH)))
    width = max(1, round(pixels / height))
    found: Any = video_impacts(model, f"{width}x{height}", seconds, datacenter_pue=1.0, datacenter_wue=0.0)
    hardware = (getattr(found.embodied, name).value for name in ("gwp", "adpe", "pe"))
    return ClipProbe(found.energy.value.min, found.energy.value.max, *hardware)
