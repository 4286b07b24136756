"""Builds tracker/footprint/data/ecologits.json from the pinned package; ``python -m tests.documents`` runs it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ecologits

from tracker.footprint import package
from tracker.footprint.media import VIDEO_MODELS
from tracker.footprint.model_names import plain
from tracker.footprint.model_tables import model_tables, pair

CLIP_PIXELS = (1280 * 720, 1024 * 1024, 1920 * 1080)
CLIP_SECONDS = (4, 5, 6, 8, 10, 12)
PATH = Path(package.__file__).parent / "data" / package.FILE


def models() -> dict[str, Any]:
    """Every name once, as plain as it is looked up; makers' own entries win over copies on the hub."""
    from ecologits.model_repository import ParametersMoE
    from ecologits.model_repository import models as repository

    found: dict[str, Any] = {}
    seen: set[str] = set()
    for entry in sorted(repository.list_models(), key=lambda entry: entry.provider.value == "huggingface_hub"):
        if plain(entry.name) in seen:
            continue
        seen.add(plain(entry.name))
        parameters = entry.architecture.parameters
        mixture = parameters if isinstance(parameters, ParametersMoE) else None
        closed = any(warning.code == "model-arch-not-released" for warning in entry.warnings)
        row = {
            "maker": entry.provider.value,
            "architecture": "registry" if closed else "open",
            "total": ends(mixture.total if mixture else parameters),
            "active": ends(mixture.active if mixture else parameters),
        }
        if entry.deployment:
            row |= {name: value for name, value in entry.deployment.model_dump().items() if value is not None}
        found[entry.name] = row
    return found


def grids() -> dict[str, Any]:
    from ecologits.electricity_mix_repository import electricity_mixes

    return {
        mix.zone: {
            "gwp": mix.gwp, "wue": mix.wue, "adpe": mix.adpe, "pe": mix.pe,
            "world": [w.code.split("-")[2] for w in mix.warnings if w.code.endswith("-world")],
        }
        for mix in electricity_mixes.list_electricity_mixes()
    }  # fmt: skip


def providers() -> dict[str, Any]:
    from ecologits.tracers.utils import PROVIDER_CONFIG_MAP

    return {
        name: {"pue": ends(at.datacenter_pue), "wue": ends(at.datacenter_wue)}
        for name, at in PROVIDER_CONFIG_MAP.items()
    }


def video_providers() -> dict[str, Any]:
    """By video model, from the package's own data file: it offers no other way to them."""
    data = json.loads((Path(ecologits.__file__).parent / "data" / "video_models.json").read_bytes())

    def both(value: Any) -> list[float]:
        return [value["min"], value["max"]] if isinstance(value, dict) else [value, value]

    sites = {
        key: {"pue": both(site["datacenter_pue"]), "wue": both(site["datacenter_wue"])}
        for key, site in data["provider_configurations"].items()
    }
    return {row["model_name"]: sites[row["provider"]] for row in data["models"]}


def ends(value: Any) -> list[float]:
    """A number or range of the package as its two ends."""
    return [value, value] if isinstance(value, int | float) else [value.min, value.max]


def sizes(named: dict[str, Any]) -> Iterator[package.Size]:
    """Both ends and the middle of every model that a name can lead to: the package's, the frozen, the classes."""
    tables = model_tables()
    for row in (*named.values(), *tables["frozen"].values(), *tables["class"].values()):
        (low, high), (least, most) = pair(row["active"]), pair(row["total"])
        middle = math.sqrt(low * high), math.sqrt(least * most)
        for active, total in ((low, least), (high, most), middle):
            yield package.Size(active, total, row.get("tps"), row.get("ttft"))


def clips() -> Iterator[tuple[str, float, float]]:
    """Clips of the usual sizes and lengths, by every video model that a name can lead to."""
    yield from itertools.product((model for model, _ in VIDEO_MODELS), CLIP_PIXELS, CLIP_SECONDS)


def build() -> str:
    """Return the file: a row a line, so that a new version of the package is a change that can be read."""
    named = models()
    parts = {"models": named, "grids": grids(), "providers": providers(), "video_providers": video_providers()}
    told = {"version": version("ecologits"), "source": "EcoLogits, https://ecologits.ai", "licence": "MPL-2.0"}
    texts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in told.items()]
    for name, rows in parts.items():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        texts.append(f'"{name}": {{\n{lines}\n}}')
    probed = {size: package.ask(size) for size in sizes(named)}
    listed = {
        "sizes": [[*size, *probed[size]] for size in sorted(probed, key=str)],
        "clips": [[*which, *package.ask_clip(*which)] for which in clips()],
    }
    for name, numbers in listed.items():
        lines = ",\n".join(json.dumps(row) for row in numbers)
        texts.append(f'"{name}": [\n{lines}\n]')
    return "{" + ",\n".join(texts) + "}\n"
