"""Which hosts are listed for this person: every service's, those of opened services, and a company's own bots."""

from __future__ import annotations

from pathlib import Path

from tracker.setup import SetupError


def listed_hosts(db: Path) -> frozenset[str]:
    """Return the exact hosts that a proxy of this database opens. Raises SetupError if a settings file is faulty."""
    from addon.company import BotsError, all_services
    from addon.hosts import open_hosts
    from tracker.settings import SettingsError, load

    try:
        return open_hosts(all_services(db.parent), opened=tuple(load(db).get("proxy.open")))
    except (BotsError, SettingsError) as error:
        raise SetupError.of(error) from None
