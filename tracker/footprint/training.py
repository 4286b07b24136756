"""Training compute, for scale only: it never enters the footprint of an answer."""

from __future__ import annotations

FLOP_PER_PARAMETER_AND_TOKEN = 6
"""Two for the forward pass and four for the backward pass, for each parameter and token."""


def training_flop(parameters: float, tokens: float) -> float:
    """Return C = 6 · N · D, in FLOP, of training N parameters on D tokens once."""
    return FLOP_PER_PARAMETER_AND_TOKEN * parameters * tokens
