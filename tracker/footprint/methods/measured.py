"""M3: what open models of the same class were measured to use (ML.ENERGY v3), brought to the facility."""

from __future__ import annotations

import math

from tracker.footprint.methods import Coefficients, Question, token_weighted
from tracker.footprint.models import Model

CLASSES = {
    "measured_dense_8": (8, 8),
    "measured_dense_13": (13, 13),
    "measured_dense_30": (30, 30),
    "measured_dense_70": (70, 70),
    "measured_dense_405": (405, 405),
    "measured_moe_30_3": (30, 3),
    "measured_moe_109_17": (109, 17),
    "measured_moe_120_5": (117, 5),
    "measured_moe_235_22": (235, 22),
    "measured_moe_400_17": (400, 17),
    "measured_moe_671_37": (671, 37),
}
"""Factor key → total and active parameters in billions of the models measured."""

FARTHEST = 3.0
"""A class stands for models within this ratio of its active parameters; beyond that the method is silent."""


def measured_class(model: Model) -> str | None:
    """Return the class nearest to the model in total and active parameters, None if even the nearest is far."""

    def distance(key: str) -> float:
        total, active = CLASSES[key]
        return abs(math.log(model.active_mid / active)) + abs(math.log(model.total_mid / total)) / 2

    nearest = min(CLASSES, key=distance)
    apart = abs(math.log(model.active_mid / CLASSES[nearest][1]))
    return nearest if apart <= math.log(FARTHEST) else None


def coefficients(question: Question) -> Coefficients | None:
    """Return M3: E = e_measured(class)/3600 · n_eq · k_sys · PUE; k_sys adds host and idle to the accelerator."""
    key = measured_class(question.model)
    if key is None:
        return None
    per_token = question.factor(key) / 3600 * question.factor("system_factor") * question.place.pue
    return token_weighted(question, per_token)
