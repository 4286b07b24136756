"""M5: seconds times the power of the machines that a model occupies, shared by the answers it gives at once."""

from __future__ import annotations

import math

from tracker.footprint.methods import Coefficients, Question
from tracker.footprint.models import Model

SMALLEST_NODES, LARGEST_NODES = 1 / 8, 2


def gpus(total_parameters_billion: float, *, bits: int = 16, memory_gb: float = 80) -> int:
    """Return EcoLogits' number of GPUs: 2^⌈log2⌈1.2 · P_total · bits/8 / 80⌉⌉."""
    needed = math.ceil(1.2 * total_parameters_billion * bits / 8 / memory_gb)
    return 1 << max(0, math.ceil(math.log2(max(1, needed))))


def nodes(model: Model) -> float:
    """Return how many servers of 8 GPUs the model occupies, between 1/8 and 2."""
    return min(LARGEST_NODES, max(SMALLEST_NODES, gpus(model.total_mid) / 8))


def second_wh(question: Question) -> float:
    """Return the Wh at the facility of one second of this model answering one request."""
    watts = question.factor("node_power") * nodes(question.model) / question.factor("node_batch")
    return watts * question.place.pue / 3600


def coefficients(question: Question) -> Coefficients | None:
    """
    Return M5: E = (TTFT + n_out/tps)/3600 · W_node · nodes/B · PUE, by the model's usual speed.

    None where nobody measured the model's speed. The usual speed and not each answer's own time: a laptop that
    sleeps during a stream would else be charged a server for the night. Measured times are in ``by_method``.
    """
    model = question.model
    if not model.tps:
        return None
    rate = second_wh(question)
    return Coefficients(per_request=rate * (model.ttft or 0.0), per_output=rate / model.tps)
