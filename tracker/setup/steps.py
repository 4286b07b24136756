"""Steps that change a file or a certificate store, each with its undo."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import ClassVar

from tracker.private import write_whole
from tracker.setup import SetupError, nss
from tracker.setup.ledger import Memory

_STORE_FILES = ("cert9.db", "key4.db", "pkcs11.txt")


@dataclass(frozen=True)
class TrustStep:
    """Our certificate in one NSS store: for this person and this browser, not for the machine."""

    kind: ClassVar[str] = "trust"
    store: str
    name: str
    certificate: str
    whose: str

    def describe(self) -> str:
        return f"trust “{self.name}” in {self.whose} ({self.store})"

    def describe_undo(self) -> str:
        return f"certutil -d {quote('sql:' + self.store)} -D -n '{self.name}'"

    def remember(self) -> Memory:
        return {"store_existed": (Path(self.store) / "cert9.db").exists()}

    def is_done(self) -> bool:
        if not (Path(self.store) / "cert9.db").exists() or not Path(self.certificate).exists():
            return False
        return nss.is_trusted(Path(self.store), self.name, Path(self.certificate))

    def do(self) -> None:
        store = Path(self.store)
        nss.make_store(store)
        if nss.holds(store, self.name):
            nss.distrust(store, self.name)  # an older issue, without the hosts that were added since
        nss.trust(store, self.name, Path(self.certificate))

    def undo(self, memory: Memory) -> str | None:
        store = Path(self.store)
        if not (store / "cert9.db").exists():
            return None
        nss.distrust(store, self.name)
        if memory.get("store_existed") is False and nss.is_empty(store):
            for name in _STORE_FILES:
                (store / name).unlink(missing_ok=True)
            for folder in (store, store.parent):
                if folder.name in {"nssdb", ".pki"}:
                    with contextlib.suppress(OSError):  # not empty: somebody else's too
                        folder.rmdir()
        return None

    def is_undone(self, memory: Memory) -> bool:
        return not (Path(self.store) / "cert9.db").exists() or not nss.holds(Path(self.store), self.name)


@dataclass(frozen=True)
class FileStep:
    """A file that we make whole and that was not there before."""

    kind: ClassVar[str] = "file"
    path: str
    text: str
    purpose: str

    def describe(self) -> str:
        return f"{self.purpose}: write {self.path}"

    def describe_undo(self) -> str:
        return f"rm {quote(self.path)}"

    def remember(self) -> Memory:
        return {"new_folders": [str(folder) for folder in Path(self.path).parents if not folder.exists()]}

    def is_done(self) -> bool:
        return _read(self.path) == self.text

    def do(self) -> None:
        path = Path(self.path)
        if path.exists() and not self.is_done():
            raise SetupError("A file is in the way", self.path, "move it away and try again")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path.resolve(), self.text, 0o644, to_disk=True)
        except OSError as error:
            raise SetupError(
                "A file could not be written", f"{path} ({error.strerror})", "make its folder writable"
            ) from None

    def undo(self, memory: Memory) -> str | None:
        found = _read(self.path)
        if found is None:
            return None
        if found != self.text:
            return f"{self.path} was changed since, so it stays: look at it and delete it if you do not need it"
        Path(self.path).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: somebody else's too
            for folder in memory.get("new_folders", []):
                Path(folder).rmdir()
        return None

    def is_undone(self, memory: Memory) -> bool:
        return _read(self.path) != self.text


@dataclass(frozen=True)
class FirefoxStep:
    """Two lines in a Firefox profile's ``user.js``, for desktops whose own settings Firefox does not follow."""

    kind: ClassVar[str] = "firefox"
    profile: str
    pac_url: str

    def describe(self) -> str:
        return f"Firefox asks {self.pac_url} which hosts go through klimaspor: two lines in {self.profile}/user.js"

    def describe_undo(self) -> str:
        return f"take the two lines that name {self.pac_url} out of user.js and prefs.js in {self.profile}"

    @property
    def _lines(self) -> tuple[str, str]:
        return (
            'user_pref("network.proxy.type", 2);',
            f'user_pref("network.proxy.autoconfig_url", "{self.pac_url}");',
        )

    def remember(self) -> Memory:
        return {"user_js_existed": Path(self.profile, "user.js").exists(), "before": self._read_own("prefs.js")}

    def is_done(self) -> bool:
        return set(self._lines) <= set((_read(f"{self.profile}/user.js") or "").splitlines())

    def do(self) -> None:
        self._refuse_if_running()
        path = Path(self.profile, "user.js")
        text = _read(str(path)) or ""
        if text and not text.endswith("\n"):
            text += "\n"
        write_whole(path.resolve(), text + "\n".join(self._lines) + "\n", 0o644, to_disk=True)

    def undo(self, memory: Memory) -> str | None:
        """Firefox copies user.js into prefs.js, so our lines go out of both and what was there before comes back."""
        if not Path(self.profile).is_dir():
            return None
        self._refuse_if_running()
        for name in ("user.js", "prefs.js"):
            path = Path(self.profile, name)
            text = _read(str(path))
            if text is None:
                continue
            ours = self._lines[1] in text.splitlines()
            kept = [line for line in text.splitlines() if line not in self._lines] if ours else text.splitlines()
            if ours and name == "prefs.js":
                kept += memory.get("before", [])
            if not kept and name == "user.js" and memory.get("user_js_existed") is False:
                path.unlink()
            elif ours:
                write_whole(path.resolve(), "".join(line + "\n" for line in kept), to_disk=True)
        return None

    def is_undone(self, memory: Memory) -> bool:
        return all(self._lines[1] not in (_read(f"{self.profile}/{name}") or "") for name in ("user.js", "prefs.js"))

    def _read_own(self, name: str) -> list[str]:
        """Return the profile's own proxy lines of these two kinds."""
        starts = tuple(line.partition(",")[0] for line in self._lines)
        return [line for line in (_read(f"{self.profile}/{name}") or "").splitlines() if line.startswith(starts)]

    def _refuse_if_running(self) -> None:
        from tracker.setup.window import is_firefox_running

        if is_firefox_running(Path(self.profile)):
            raise SetupError(
                "Firefox is running and would overwrite the change", self.profile, "close Firefox and try again"
            )


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
