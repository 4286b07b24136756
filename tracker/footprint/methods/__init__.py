"""The methods for text: what each charges per token, on one boundary, and how they become one central estimate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Literal

from tracker.footprint.factors import FactorSet
from tracker.footprint.models import Model
from tracker.footprint.place import Place

MethodName = Literal["ecologits", "flop", "measured", "vendor", "time"]

WEIGHTS: Mapping[MethodName, float] = MappingProxyType(
    {"ecologits": 0.5, "flop": 1.0, "measured": 0.5, "vendor": 1.0, "time": 1.0}
)
"""EcoLogits and the measured classes rest on the same ML.ENERGY data, so they share one vote."""

REFERENCE_INPUT, REFERENCE_OUTPUT = 1000, 400
"""The turn at which the combined figure is exactly the weighted geometric mean of the methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """Wh at the facility per request and per token: a method is linear in these, so sums need no records."""

    per_request: float = 0.0
    per_output: float = 0.0
    per_input: float = 0.0
    """Per new input token."""
    per_cached: float = 0.0
    """Per cached input token."""
    per_squared: float = 0.0
    """Per squared input token above the threshold."""

    def energy_wh(
        self, output: float, new_input: float = 0, cached: float = 0, squared: float = 0, requests: float = 1
    ) -> float:
        """Return the Wh of these many tokens and requests."""
        return (
            requests * self.per_request
            + output * self.per_output
            + new_input * self.per_input
            + cached * self.per_cached
            + squared * self.per_squared
        )

    def scaled(self, factor: float) -> Coefficients:
        """Return every coefficient times ``factor``."""
        return Coefficients(
            per_request=self.per_request * factor, per_output=self.per_output * factor,
            per_input=self.per_input * factor, per_cached=self.per_cached * factor,
            per_squared=self.per_squared * factor,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What an input token counts, in output tokens, and how much idle capacity is added (extensions, switchable)."""

    prefill: float
    cached: float
    squared: float
    idle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every method is asked: this model, here, on this day, with these weights, on this site."""

    service: str
    model: Model
    place: Place
    factors: FactorSet
    day: str
    weights: Weights

    def factor(self, key: str) -> float:
        """Return a factor's value on this day."""
        return self.factors.get(key, self.day).value


type Method = Callable[[Question], Coefficients | None]
"""One method: the coefficients, or None where it has nothing to say about this model or service."""


def token_weighted(question: Question, per_token: float) -> Coefficients:
    """Return the coefficients of a method that knows one Wh per token: input counts by the shared weights."""
    weights = question.weights
    return Coefficients(
        per_output=per_token,
        per_input=per_token * weights.prefill,
        per_cached=per_token * weights.cached,
        per_squared=per_token * weights.squared,
    )


def all_methods() -> Mapping[MethodName, Method]:
    """Return the methods in the order in which they are shown."""
    from tracker.footprint.methods import ecologits, flop, measured, time, vendor

    return {
        "ecologits": ecologits.coefficients,
        "flop": flop.coefficients,
        "measured": measured.coefficients,
        "vendor": vendor.coefficients,
        "time": time.coefficients,
    }


def ask_all(question: Question) -> dict[MethodName, Coefficients]:
    """Return the coefficients of every method that has an answer."""
    answers = {name: method(question) for name, method in all_methods().items()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def combine(answers: Mapping[MethodName, Coefficients]) -> Coefficients:
    """
    Return one set of coefficients from several methods.

    At the reference turn the result is the weighted geometric mean G = Π E_m^w_m (missing methods dropped, weights
    renormalised). Elsewhere it is Σ w_m · (G / E_m,ref) · E_m, the same mean to first order: a geometric mean of
    period totals would not add up over days, this does, exactly.
    """
    at_reference = {name: answer.energy_wh(REFERENCE_OUTPUT, REFERENCE_INPUT) for name, answer in answers.items()}
    used = {name: energy for name, energy in at_reference.items() if energy > 0}
    total_weight = sum(WEIGHTS[name] for name in used)
    geometric = math.exp(sum(WEIGHTS[name] * math.log(energy) for name, energy in used.items()) / total_weight)
    parts = [answers[name].scaled(WEIGHTS[name] / total_weight * geometric / energy) for name, energy in used.items()]
    sums = [math.fsum(values) for values in zip(*(astuple(part) for part in parts), strict=True)]
    return Coefficients(
        per_request=sums[0], per_output=sums[1], per_input=sums[2], per_cached=sums[3], per_squared=sums[4]
    )
