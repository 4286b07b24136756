"""What the organisation decided: people a cell needs, how long things are kept, which services are approved."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tracker.harmless import harmless, in_one_line
from tracker.private import read_plain
from tracker.team import TeamError
from tracker.team.privacy import LEAST_PEOPLE

if TYPE_CHECKING:
    import psycopg

STATES = ("approved", "tolerated", "unapproved")
LIMITS = {
    "least_people": (LEAST_PEOPLE, 1000),
    "raw_days": (14, 35),
    "cell_months": (1, 60),
    "publish_after_days": (1, 28),
}
"""What each number may be. Fewer than five people, or raw rows for longer than 35 days, cannot be chosen."""

_TEMPLATE = """\
# What your organisation decided. Load it with `klimaspor team policy FILE --dsn …`.
organisation = {organisation}
least_people = 5          # nobody sees a group smaller than this; never below 5
raw_days = 35             # pseudonymous weekly sums are dropped after this; never above 35
cell_months = 25          # the cells that reports are made of are kept this long
publish_after_days = 7    # a week's one report is made this long after its end
reminder = false          # true: whoever wants is told on their own screen, and there alone, of unapproved use

# Say of each service whether staff may use it, and why. Nothing is ever blocked.
[services.le-chat]
state = "approved"        # or tolerated, unapproved
reason = "Contract of 2026, data stay in the EU"
"""


def first_policy(organisation: str) -> str:
    """Return the policy file to begin with; the name may hold anything."""
    return _TEMPLATE.format(organisation=json.dumps(harmless(organisation), ensure_ascii=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of the organisation's part. They stand in every report."""

    organisation: str = ""
    least_people: int = LEAST_PEOPLE
    raw_days: int = 35
    cell_months: int = 25
    publish_after_days: int = 7
    reminder: bool = False
    """Whether staff may have themselves reminded, on their own screen, of services that are not approved."""
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """
        Read a policy file.

        Raises ``TeamError`` if it is not TOML, has an unknown key, or a value that may not be.
        """
        try:
            told = tomllib.loads(read_plain(path).decode())
        except OSError as error:
            raise TeamError(f"The policy cannot be read ({error.strerror}) · {path} · check the name") from None
        except (ValueError, RecursionError):  # not UTF-8, not TOML, a number of thousands of digits
            raise TeamError(f"The policy is not TOML · {path} · compare it with the one `team init` wrote") from None
        return cls.check(told, str(path))

    @classmethod
    def check(cls, told: Mapping[str, Any], where: str) -> Self:
        """Return the policy; raise ``TeamError`` naming the first key that may not be so."""
        names = {one.name for one in fields(cls)}
        for key, value in told.items():
            if key not in names:
                raise TeamError(
                    f"The policy has an unknown key · {in_one_line(key)} in {where} · one of {', '.join(sorted(names))}"
                )
            low, high = LIMITS.get(key, (0, 0))
            if key in LIMITS and not (type(value) is int and low <= value <= high):
                raise TeamError(f"The policy has a value that may not be · {key} in {where} · {low} to {high}")
        if not isinstance(told.get("organisation", ""), str):
            raise TeamError(f"The policy has a value that may not be · organisation in {where} · a name in quotes")
        if not isinstance(told.get("reminder", False), bool):
            raise TeamError(f"The policy has a value that may not be · reminder in {where} · true or false")
        rules = told.get("services", {})
        if not isinstance(rules, dict):
            raise TeamError(f"The policy has a value that may not be · services in {where} · a table for each service")
        for service, rule in rules.items():
            match rule:
                case {"state": state, "reason": str(reason)} if len(rule) == 2 and state in STATES and reason.strip():
                    continue
            what = f"{in_one_line(service)} in {where}"
            raise TeamError(f"A service's rule is not whole · {what} · state ({', '.join(STATES)}) and a reason")
        return cls(**told)

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> Self:
        """Return the policy that is in force."""
        row = connection.execute("SELECT value FROM klimaspor.setting WHERE key = 'policy'").fetchone()
        return cls() if row is None else cls.check(row[0], "the database")

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Put the policy in force from now on; published weeks stay as they are."""
        from psycopg.types.json import Jsonb

        connection.execute(
            "INSERT INTO klimaspor.setting VALUES ('policy', %s) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (Jsonb(self.tell()),),
        )

    @property
    def unapproved(self) -> dict[str, str]:
        """Return the reason for each service that is not approved."""
        return {name: rule["reason"] for name, rule in self.services.items() if rule["state"] == "unapproved"}

    def tell(self) -> dict[str, Any]:
        """Return the policy as plain values."""
        return asdict(self)
