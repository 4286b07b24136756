"""M2: operations over what the hardware really achieves, in the form of Epoch AI (February 2025)."""

from __future__ import annotations

from tracker.footprint.methods import Coefficients, Question

SECONDS_AN_HOUR = 3600


def token_energy_wh(
    active_parameters: float,
    *,
    utilisation: float,
    peak_flop: float,
    power_w: float,
    pue: float,
    flop_per_parameter: float = 2,
) -> float:
    """Return the Wh of one token: 2 · P / (F · u) seconds of one accelerator at W, times PUE. P is a plain number."""
    seconds = flop_per_parameter * active_parameters / (peak_flop * utilisation)
    return seconds * power_w * pue / SECONDS_AN_HOUR


def coefficients(question: Question) -> Coefficients:
    """Return M2: E = 2P · (n_out/u_d + (n_in - n_cached)/u_p) / F · W · PUE / 3600. Cached input costs nothing here."""

    def per_token(utilisation: str) -> float:
        return token_energy_wh(
            question.model.active_mid * 1e9,
            utilisation=question.factor(utilisation),
            peak_flop=question.factor("flop_peak"),
            power_w=question.factor("gpu_power"),
            pue=question.place.pue,
            flop_per_parameter=question.factor("flop_per_parameter"),
        )

    reads_input = question.weights.prefill > 0
    return Coefficients(
        per_output=per_token("flop_utilisation_output"),
        per_input=per_token("flop_utilisation_input") if reads_input else 0.0,
    )
