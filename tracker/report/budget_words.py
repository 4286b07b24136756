"""Budgets in the person's language: for the proxy's own page, `klimaspor today` and notices (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracker.report import names
from tracker.report.figures import shown

if TYPE_CHECKING:
    from tracker.budget import Budget
    from tracker.limits import Standing
    from tracker.report.language import Language


def budget_name(budget: Budget, words: Language) -> str:
    """Return ``2 questions a week, ChatGPT, Deep research``."""
    amount = _amount(budget.amount, budget, words)
    parts = [
        words.t("{amount} a day", amount=amount) if budget.per == "day" else words.t("{amount} a week", amount=amount)
    ]
    if budget.service:
        parts.append(names.service(budget.service))
    if budget.feature:
        parts.append(names.label(names.FEATURES, budget.feature, words))
    return ", ".join(parts)


def budget_used(standing: Standing, words: Language) -> str:
    """Return ``50% used, 1 question``."""
    budget = standing.budget
    used = words.t(
        "{share} used, {amount}",
        share=words.percent(standing.share),
        amount=_amount(_round(standing.used, budget), budget, words),
    )
    return f"{used}, {words.t('estimated')}" if budget.unit == "wh" else used


def budget_line(standing: Standing, words: Language) -> str:
    """Return how a budget stands, as a line of its own."""
    name, used = budget_name(standing.budget, words), budget_used(standing, words)
    line = words.t("Budget {budget}: {used}", budget=name, used=used)
    if standing.budget.hold and standing.share >= 1:
        line += ". " + words.t("New turns are held back; `klimaspor open` lets you go on for an hour.")
    return line


def _round(used: float, budget: Budget) -> float:
    if budget.unit == "wh":  # an estimate, rounded as everywhere
        return shown(used) or 0.0
    return round(used, 1)


def _amount(value: float, budget: Budget, words: Language) -> str:
    match budget.unit:
        case "questions":
            return words.tn("{n} question", "{n} questions", value)
        case "minutes":
            return words.tn("{n} minute", "{n} minutes", value)
        case "tokens":
            return words.tn("{n} token", "{n} tokens", value)
    return f"{words.number(value)} Wh"
