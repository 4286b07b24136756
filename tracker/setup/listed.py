"""Which hosts are listed for this person: every service's, those of opened services, and a company's own bots."""

from __future__ import annotations

from pathlib import Path


def listed_hosts(db: Path) -> frozenset[str]:
    """Return the exact hosts that a proxy of this database opens; a BotsError or SettingsError for a faulty file."""
    from addon.company import all_services
    from addon.hosts import open_hosts
    from tracker.settings import load

    return open_hosts(all_services(db.parent), opened=tuple(load(db).get("proxy.open")))
