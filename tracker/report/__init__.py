"""The report: a period's records as data, and that data as a page, text, JSON and CSV."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker.report.period import Period
    from tracker.store import Store


def make(
    store: Store,
    period: Period,
    *,
    now: datetime,
    lang: str = "en",
    method: str | None = None,
    zone: str | None = None,
    demo: bool = False,
    tables: bool = True,
) -> dict[str, Any]:
    """
    Return the report's data (docs/report.schema.json) for a period.

    :param now: the clock, with its time zone; nothing else here looks at a clock
    :param zone: what if the servers stood there, as a three-letter country code
    :param tables: without, what only JSON and CSV tell is left out, which spares most of a year's work: the footprint
        of each hour and, of a period told by weeks, the days. A page and a text say the same either way
    :raises StoreError: if the database cannot be read
    :raises FootprintError: if there is no such method or zone
    :raises SettingsError: if the settings beside the database cannot be used
    """
    from tracker.footprint import choose
    from tracker.report.data import build
    from tracker.report.gather import Want, gather
    from tracker.settings import load

    settings = choose(load(store.path).get, method=method, zone=zone)
    with _no_search_for_cycles():
        return build(gather(store, period, now, Want(lang, demo, tables)), settings)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Spare the interpreter its search among a report's many small tuples, none of which is part of a cycle."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
