"""M4: what a vendor said about its own default service. Only two did in a usable way; they are never ranked."""

from __future__ import annotations

import re

from tracker.footprint.methods import Coefficients, Question, token_weighted
from tracker.footprint.models import Model

_GEMINI_DEFAULT = re.compile(r"gemini-[\d.]+-flash(?!-lite|-image).*")
_CHATGPT_DEFAULT = re.compile(r"gpt-4o(?!-mini).*|chat-latest|gpt-[5-9](?:[.]\d)?(?:-chat.*|-sol|-\d{4}.*)?")


def anchor_of(service: str, model: Model) -> str | None:
    """Return the key of the vendor's figure that speaks about this service and model, if one does."""
    if model.always_reasons or model.source == "class":
        return None
    match service:
        case "gemini" if _GEMINI_DEFAULT.fullmatch(model.key):
            return "vendor_gemini_energy"
        case "chatgpt" if _CHATGPT_DEFAULT.fullmatch(model.key):
            return "vendor_chatgpt_energy"
        case _:
            return None


def coefficients(question: Question) -> Coefficients | None:
    """Return M4: E = E_vendor · n_eq / n_ref, n_ref the undisclosed length of the vendor's prompt."""
    key = anchor_of(question.service, question.model)
    figure = question.factors.find(key, question.day) if key else None
    if figure is None:
        return None
    return token_weighted(question, figure.value / question.factor("vendor_reference_output"))
