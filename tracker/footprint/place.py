"""Where servers stand: provider → zone, PUE and on-site water; zone → grid factors by year or by hour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from tracker.footprint.errors import FootprintError
from tracker.footprint.factors import FactorSet
from tracker.footprint.hourly import HourlyGrid
from tracker.footprint.package import table

ECOLOGITS_GRID_SINCE = "2025-01-01"
"""EcoLogits' grid table is of 2025; earlier days use a row ``grid_ZONE`` of their year where there is one."""

CLEAN_G_PER_KWH = 60
LOCAL_SERVICES = frozenset({"ollama", "lm-studio", "llama-cpp", "open-webui", "automatic1111", "comfyui"})

PROVIDERS = MappingProxyType({
    "openai": "openai", "anthropic": "anthropic", "gcp.gemini": "google", "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google", "google": "google", "google_genai": "google", "cohere": "cohere",
    "huggingface": "huggingface", "huggingface_hub": "huggingface", "hugging_face": "huggingface",
    "mistral_ai": "mistral", "mistralai": "mistral", "mistral": "mistral", "azure.ai.openai": "microsoft",
    "azure.ai.inference": "microsoft", "azure": "microsoft", "microsoft": "microsoft", "github": "microsoft",
    "github_copilot": "microsoft", "github_models": "microsoft",
    "aws.bedrock": "amazon", "aws": "amazon", "perplexity": "amazon", "meta": "meta", "deepseek": "deepseek",
    "alibaba": "alibaba", "alibaba_cloud": "alibaba", "qwen": "alibaba", "moonshot_ai": "moonshot",
    "moonshot": "moonshot", "z_ai": "zai", "zai": "zai", "zhipu": "zai", "minimax": "minimax", "bytedance": "bytedance",
    "klingai": "klingai", "x_ai": "xai", "xai": "xai",
})  # fmt: skip
"""``gen_ai.provider.name`` → row of place.toml; anything else is ``unknown``."""

BROKERS = frozenset({None, "", "openrouter", "cursor", "github_copilot", "github_models", "huggingface"})
"""Providers that pass the question on: the servers are taken for those of the model's maker, where it has some."""

ECOLOGITS_PROVIDERS = MappingProxyType({
    "openai": "openai", "microsoft": "openai", "anthropic": "anthropic", "google": "google_genai",
    "cohere": "cohere", "huggingface": "huggingface_hub", "mistral": "mistralai",
})  # fmt: skip
"""Row of place.toml → the provider whose configuration EcoLogits would use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A zone's electricity: g CO2e/kWh, L/kWh at power plants, kg Sb-eq/kWh, MJ/kWh."""

    zone: str
    g_per_kwh: float
    litres_per_kwh: float
    adpe_kg_per_kwh: float
    primary_mj_per_kwh: float
    world_average: tuple[str, ...]
    """Which of adpe, pe, wue are the world's, for want of the zone's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer was computed, as far as one can tell."""

    provider: str
    """Row of place.toml."""
    grid: Grid
    guessed: bool
    """The country is a guess, not the provider's known main location."""
    pue: float
    water_l_per_kwh: float
    """On site, per kWh of IT energy."""
    ecologits_provider: str

    @property
    def ghg_g_per_wh(self) -> float:
        """Location-based g CO2e of one Wh at the facility."""
        return self.grid.g_per_kwh / 1000

    @property
    def on_site_ml_per_wh(self) -> float:
        """Water at the data centre per Wh at the facility: WUE counts IT energy, so divide by PUE."""
        return self.water_l_per_kwh / self.pue

    @property
    def off_site_ml_per_wh(self) -> float:
        """Water at power plants per Wh at the facility."""
        return self.grid.litres_per_kwh

    @property
    def grid_gsd_key(self) -> str:
        if self.guessed:
            return "gsd_grid_guessed"
        return "gsd_grid_clean" if self.grid.g_per_kwh < CLEAN_G_PER_KWH else "gsd_grid_known"


@cache
def find_grid(zone: str) -> Grid:
    """Return EcoLogits' grid factors of a zone (ISO 3166 alpha-3, ``WOR``, ``EEE``); FootprintError if it has none."""
    grids = table()["grids"]
    found = grids.get(zone.upper())
    if found is None:
        import difflib  # only a wrong zone needs it

        near = difflib.get_close_matches(zone.upper(), list(grids), 3, 0.5)
        such = ", ".join(near or ["NOR", "NLD", "USA"])
        hint = f"use a three-letter country code such as {such}, or WOR for the world"
        raise FootprintError("There is no electricity data for this zone", _printable(zone), hint)
    if found["gwp"] <= 0:
        raise FootprintError("The electricity data for this zone says zero", zone.upper(), "use WOR or a neighbour")
    return Grid(
        zone=zone.upper(), g_per_kwh=found["gwp"] * 1000, litres_per_kwh=found["wue"], adpe_kg_per_kwh=found["adpe"],
        primary_mj_per_kwh=found["pe"], world_average=tuple(found["world"]),
    )  # fmt: skip


def locate(
    factors: FactorSet,
    service: str,
    provider: str | None,
    day: str,
    *,
    maker: str | None = None,
    zone: str | None = None,
    own_zone: str | None = None,
    overrides: Mapping[str, str] | None = None,
    hourly: HourlyGrid | None = None,
) -> Place:
    """
    Return where ``service`` of ``provider`` computes a model of ``maker``.

    ``zone`` moves every server there (a what-if); ``overrides`` says provider → zone for good; a local service
    stands at ``own_zone``, the person's own, else on the world's average grid.
    """
    local = service in LOCAL_SERVICES
    name = (provider or "").lower()
    if name in BROKERS and maker in PROVIDERS:
        name = maker or name
    row = "own" if local else PROVIDERS.get(name, "unknown")
    pue = factors.get(f"pue_{row}", day)
    water = factors.get(f"wue_{row}", day)
    chosen = (overrides or {}).get(provider or "") or (overrides or {}).get(row)
    where = (own_zone or "WOR") if local else (zone or chosen or pue.place)
    return Place(
        provider=row,
        grid=_on_day(factors, find_grid(where), day, hourly),
        guessed=(local and own_zone is None) or (not local and not zone and not chosen and pue.tier == 4),
        pue=pue.value,
        water_l_per_kwh=water.value,
        ecologits_provider=ECOLOGITS_PROVIDERS.get(row, "openai" if row == "unknown" else "huggingface_hub"),
    )


def _on_day(factors: FactorSet, grid: Grid, day: str, hourly: HourlyGrid | None) -> Grid:
    intensity = hourly.mean(grid.zone, day) if hourly else None
    if intensity is None and day < ECOLOGITS_GRID_SINCE and (row := factors.find(f"grid_{grid.zone}", day)):
        intensity = row.value
    if intensity is None:
        return grid
    return Grid(
        zone=grid.zone, g_per_kwh=intensity, litres_per_kwh=grid.litres_per_kwh,
        adpe_kg_per_kwh=grid.adpe_kg_per_kwh, primary_mj_per_kwh=grid.primary_mj_per_kwh,
        world_average=grid.world_average,
    )  # fmt: skip


def _printable(zone: str) -> str:
    return re.sub(r"[^\w-]", "?", zone)[:20] or "(empty)"
