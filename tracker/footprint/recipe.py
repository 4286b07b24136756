"""What one kind of activity is made of: loads, each so many tokens or Wh per unit of one quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracker.footprint.methods import Coefficients, MethodName
from tracker.footprint.methods.ecologits import Core, Published
from tracker.footprint.models import Model
from tracker.footprint.place import Place
from tracker.footprint.quantities import INDEX, Sums
from tracker.footprint.uncertainty import Spread

COMPONENTS = (
    "answer", "shown_reasoning", "hidden_reasoning", "new_input", "history", "system_prompt", "files", "search",
    "images", "video", "audio", "hidden_steps", "request", "network", "device",
)  # fmt: skip
"""Where the energy goes; together always all of it. ``request``: what starting an answer costs, whatever its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So much of everything per unit of one quantity, on the account of one component."""

    component: str
    quantity: str
    output: float = 0.0
    new_input: float = 0.0
    cached: float = 0.0
    squared: float = 0.0
    requests: float = 0.0
    wh: float = 0.0
    """Energy that no text method charges: a search, a picture, a byte."""
    spreads: tuple[Spread, ...] = ()
    estimated: bool = False
    """The wire did not show it: a prior or a derived quantity."""
    factor: str | None = None
    """The factor that the size of this load rests on."""
    tier: int | None = None
    """Its data quality, where it is not the model's."""
    embodied: tuple[float, float, float] | None = None
    """g CO2e, µg Sb-eq and kJ of hardware per unit, where it is known apart from tokens."""

    def energy_wh(self, method: Coefficients) -> float:
        """Return the Wh of one unit by this method."""
        return self.wh + method.energy_wh(self.output, self.new_input, self.cached, self.squared, self.requests)

    @property
    def is_text(self) -> bool:
        return not self.wh


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that activities of one kind on days with equal factors have in common."""

    service: str
    provider: str | None
    operation: str
    model: Model
    place: Place
    day: str
    loads: tuple[Load, ...]
    methods: Mapping[MethodName, Coefficients]
    combined: Coefficients
    core: Core
    published: Published | None
    """None where EcoLogits has nothing to say: pictures, sound, a local model."""
    published_per: tuple[str, str] = ("output", "output_known")
    """The quantities that ``published`` counts as tokens and as requests."""
    turn_gsd_keys: tuple[str, ...]
    local: bool = False
    second_wh: float | None = None
    """M5's Wh per measured second; None where measured times mean something else (tools, searches, agents)."""

    def amounts(self, sums: Sums) -> list[float]:
        """Return each load's quantity."""
        return [sums[INDEX[load.quantity]] for load in self.loads]

    def energies(self, sums: Sums, method: Coefficients) -> list[float]:
        """Return each load's Wh by this method."""
        return [sums[INDEX[load.quantity]] * load.energy_wh(method) for load in self.loads]
