"""Which factors a recipe rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracker.footprint.charges import Line
from tracker.footprint.methods.measured import measured_class
from tracker.footprint.methods.vendor import anchor_of
from tracker.footprint.recipe import Recipe

_EMBODIED = ("embodied_life", "embodied_active_share", "gsd_embodied")
_METHOD_FACTORS = {
    "ecologits": ("idle_factor", "ecologits_batch"),
    "flop": (
        "flop_per_parameter", "flop_peak", "flop_utilisation_output", "flop_utilisation_input", "gpu_power",
    ),
    "measured": ("system_factor",),
    "vendor": ("vendor_reference_output",),
    "time": ("node_power", "node_batch"),
}  # fmt: skip


def factor_keys(recipe: Recipe, lines: Iterable[Line]) -> Iterator[str]:
    """Yield the keys of the factors that these lines used."""
    text = False
    for line in lines:
        if line.load.factor and not line.load.factor.startswith("EcoLogits"):
            yield line.load.factor
        text = text or line.load.is_text
    yield f"pue_{recipe.place.provider}"
    yield f"wue_{recipe.place.provider}"
    yield recipe.place.grid_gsd_key
    yield from ("gsd_water_site", "gsd_water_grid")
    if anchored := anchor_of(recipe.service, recipe.model):
        yield anchored
    if not text:
        return
    yield from ("prefill_weight", "cached_weight", "long_context_weight", "gsd_serving", "gsd_hardware", "gsd_prefill")
    yield from (f"gsd_architecture_{recipe.model.architecture}", *recipe.turn_gsd_keys, *_EMBODIED)
    for method in recipe.methods:
        yield from _METHOD_FACTORS[method]
    if "measured" in recipe.methods and (key := measured_class(recipe.model)):
        yield key
