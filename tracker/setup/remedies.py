"""The commands that the doctor says: for this very database, this port, and the way this computer was set up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from tracker.settings import SettingsError, load, settings_path
from tracker.setup.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Remedies:
    """What to paste."""

    db: Path
    port: int | None = None
    """Where the proxy listens, or browsers look for it; None where that is not known."""
    autostart: bool = True
    upstream: str | None = None

    @classmethod
    def of(cls, db: Path, ledger: Ledger | None, running: int | None) -> Remedies:
        """Return them for this database; ``running`` is the port of a proxy that runs."""
        if ledger is None or not ledger.entries:
            return cls(db, running)
        told = " ".join(str(value) for entry in ledger.entries for value in entry.fields.values())
        port = re.search(r"http://127\.0\.0\.1:(\d+)/proxy\.pac", told)
        upstream = re.search(r'--upstream=([^\s"]+)', told)
        return cls(
            db,
            int(port[1]) if port else running,
            any(entry.kind == "unit" for entry in ledger.entries),
            upstream[1] if upstream else None,
        )

    def say(self, words: str) -> str:
        """Return a command of ours, with --db where the database is not the usual one."""
        from tracker.store import default_path

        usual = self.db.resolve() == default_path().resolve()
        return f"klimaspor {words}" if usual else f"klimaspor {words} --db {quote(str(self.db))}"

    @property
    def start(self) -> str:
        return self.say("start --detach" + self._port())

    @property
    def restart(self) -> str:
        return f"{self.say('stop')} && {self.start}"

    @property
    def setup(self) -> str:
        words = "setup" + self._port() + ("" if self.autostart else " --no-autostart")
        return self.say(words + (f" --upstream {quote(self.upstream)}" if self.upstream else ""))

    def capture(self, service: str) -> str:
        """Return how to leave an example of a service; where there is none of this name, where to look."""
        from addon.company import BotsError, all_services

        try:
            known = service in {one.name for one in all_services(self.db.parent)}
        except BotsError:
            known = False
        return self.say(f"capture {service}" if known else "services")

    @property
    def edit_settings(self) -> str:
        return f"${{EDITOR:-nano}} {quote(str(settings_path(self.db)))}"

    @property
    def edit_bots(self) -> str:
        from addon.company import FILE

        return f"${{EDITOR:-nano}} {quote(str(self.db.parent / FILE))}"

    def _port(self) -> str:
        try:
            usual = load(self.db).get("proxy.port")
        except SettingsError:
            return f" --port {self.port}" if self.port else ""
        return f" --port {self.port}" if self.port not in {None, usual} else ""
