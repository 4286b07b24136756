"""From activity to impacts: energy, greenhouse gas, water, hardware, as ranges, by several methods, with sources."""

from __future__ import annotations

from tracker.footprint.anchors import different_scope, typical_answer_wh, where_this_sits
from tracker.footprint.assessment import Assessment, assess
from tracker.footprint.errors import FootprintError
from tracker.footprint.impacts import Impact, Impacts
from tracker.footprint.settings import DEFAULT_EXTENSIONS, EXTENSIONS, Settings, choose
from tracker.footprint.uncertainty import Range

__all__ = [
    "DEFAULT_EXTENSIONS",
    "EXTENSIONS",
    "Assessment",
    "FootprintError",
    "Impact",
    "Impacts",
    "Range",
    "Settings",
    "assess",
    "choose",
    "different_scope",
    "typical_answer_wh",
    "where_this_sits",
]
