"""An hourly file of grid intensities that a person may drop in: ``zone,utc_hour,g_per_kwh``."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from tracker.footprint.errors import FootprintError

LARGEST_FILE_BYTES = 200_000_000
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class HourlyGrid:
    """Hourly g CO2e/kWh by (zone, day), in UTC hours."""

    name: str
    hours: Mapping[tuple[str, str], Mapping[int, float]]

    def mean(self, zone: str, day: str) -> float | None:
        """
        Return the day's mean in g CO2e/kWh, None where the file says nothing about that zone and day.

        A day with some hours missing is refused with a FootprintError: a silent mean of what is there would lie.
        """
        hours = self.hours.get((zone, day))
        if hours is None:
            return None
        if missing := HOURS_A_DAY - len(hours):
            what = f"{self.name}: {zone} lacks {missing} of {HOURS_A_DAY} hours on {day}"
            raise FootprintError("The hourly grid file has gaps", what, "complete that day or take it out of the file")
        return math.fsum(hours.values()) / HOURS_A_DAY


def read_hourly(path: Path) -> HourlyGrid:
    """Read the CSV, once as long as it does not change; a FootprintError names the line that is damaged."""
    try:
        state = path.stat()
    except OSError as error:
        raise _unreadable(path) from error
    if not path.is_file():  # a pipe or a device may have no end
        raise _unreadable(path)
    if state.st_size > LARGEST_FILE_BYTES:
        raise FootprintError("The hourly grid file is too large", path.name, "keep one year and your own zones")
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> HourlyGrid:
    hours: dict[tuple[str, str], dict[int, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"zone", "utc_hour", "g_per_kwh"} <= set(rows.fieldnames or ()):
                what = f"{path.name}: the first line must name zone, utc_hour and g_per_kwh"
                raise FootprintError("The hourly grid file is damaged", what, "mend its first line")
            for row in rows:
                zone, hour, intensity = _read_row(path, rows.line_num, row)
                hours.setdefault((zone, hour.date().isoformat()), {})[hour.hour] = intensity
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path) from error
    return HourlyGrid(path.name, hours)


def _read_row(path: Path, line: int, row: Mapping[str, str | None]) -> tuple[str, datetime, float]:
    try:
        hour = datetime.fromisoformat(row["utc_hour"] or "")
        intensity = float(row["g_per_kwh"] or "")
    except (ValueError, TypeError) as error:
        raise _damaged(path, line) from error
    zone = (row["zone"] or "").strip().upper()
    if not zone or not 0 <= intensity < 5000:  # also refuses NaN
        raise _damaged(path, line)
    return zone, hour.astimezone(UTC) if hour.tzinfo else hour, intensity


def _unreadable(path: Path) -> FootprintError:
    why = "it is not there or not a text file"
    return FootprintError("The hourly grid file cannot be read", f"{path.name}: {why}", "check the path")


def _damaged(path: Path, line: int) -> FootprintError:
    return FootprintError("The hourly grid file is damaged", f"{path.name}, line {line}", "mend or remove that line")
