"""A browser window of its own, whose listed hosts go through the proxy and which alone trusts our certificate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tracker.setup import SetupError, nss, settings_folder
from tracker.setup.browsers import Browser

Trust = Literal["store", "pin"]

_USER_FOLDERS = {"DOWNLOAD": "Downloads", "DOCUMENTS": "Documents", "PICTURES": "Pictures", "DESKTOP": "Desktop"}

_FIREFOX_PREFERENCES: dict[str, str | int | bool] = {
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.firstRunURL": "",
    "network.proxy.type": 2,
    "security.enterprise_roots.enabled": False,
    "startup.homepage_welcome_url": "",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the window is to trust: a certificate file, the name it goes by, and the pin of its public key."""

    path: Path
    name: str
    public_key_pin: str


def trust_of(browser: Browser) -> Trust:
    """
    Return how a window of this browser trusts our certificate.

    ``store``: a certificate store that only this profile uses, where the name constraints hold. ``pin``: the public
    key as a command line argument, which switches the constraints off, so the authority must live for this window only.
    """
    if browser.family == "firefox":
        return "store"
    return "store" if sys.platform.startswith("linux") and browser.packaging == "plain" else "pin"


def open_window(
    browser: Browser, profile: Path, certificate: Certificate, pac_url: str, page: str
) -> subprocess.Popen[bytes]:
    """
    Open the window and return its process, which ends when the window is closed.

    Nothing outside ``profile`` is changed. Raises SetupError if the profile is in use or the browser cannot start.
    """
    _refuse_if_in_use(browser, profile)
    try:
        profile.mkdir(parents=True, exist_ok=True, mode=0o700)
        if browser.family == "firefox":
            arguments, environment = _prepare_firefox(profile, certificate, pac_url)
        else:
            arguments, environment = _prepare_chromium(trust_of(browser), profile, certificate, pac_url)
    except OSError as error:
        raise SetupError(
            "The profile could not be made", f"{profile} ({error.strerror})", "free some space or rights"
        ) from None
    command = [*browser.command, *arguments, page]
    try:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise SetupError(
            f"{browser.title} did not start", f"{browser.command[0]} ({error.strerror})", "start it once by itself"
        ) from None


def _prepare_chromium(
    trust: Trust, profile: Path, certificate: Certificate, pac_url: str
) -> tuple[list[str], dict[str, str]]:
    arguments = [
        f"--user-data-dir={profile / 'data'}",
        f"--proxy-pac-url={pac_url}",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-mode",
    ]
    environment = _clean_environment()
    if trust == "pin":
        return [*arguments, f"--ignore-certificate-errors-spki-list={certificate.public_key_pin}"], environment
    home = profile / "home"
    _trust_only(home / ".pki" / "nssdb", certificate)
    return arguments, environment | _settle_home(home)


def _prepare_firefox(profile: Path, certificate: Certificate, pac_url: str) -> tuple[list[str], dict[str, str]]:
    _trust_only(profile, certificate)
    preferences = _FIREFOX_PREFERENCES | {"network.proxy.autoconfig_url": pac_url}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in sorted(preferences.items())]
    (profile / "user.js").write_text("".join(lines), "utf-8")
    return ["-no-remote", "-profile", str(profile)], _clean_environment()


def _trust_only(store: Path, certificate: Certificate) -> None:
    """Trust this certificate in a store of ours, and none that an earlier window trusted."""
    nss.make_store(store)
    if not nss.is_trusted(store, certificate.name, certificate.path):
        for old in nss.list_names(store, "klimaspor on "):
            nss.distrust(store, old)
        nss.trust(store, certificate.name, certificate.path)


def _settle_home(home: Path) -> dict[str, str]:
    """
    Make a home in which Chromium finds our certificate store and nothing else changes for the person.

    Downloads and documents go where they always go; the screen's key and the settings folders are the real ones.
    """
    real = Path.home()
    settings = home / ".config"
    settings.mkdir(parents=True, exist_ok=True, mode=0o700)
    (settings / "user-dirs.dirs").write_text(_list_user_folders(real), "utf-8")
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(settings), "XDG_CACHE_HOME": str(home / ".cache")}
    if "XAUTHORITY" not in os.environ and (real / ".Xauthority").exists():
        environment["XAUTHORITY"] = str(real / ".Xauthority")
    return environment


def _list_user_folders(real: Path) -> str:
    """Return the person's ``user-dirs.dirs`` (Downloads may be called Nedlastinger) with whole paths."""
    source = settings_folder() / "user-dirs.dirs"
    if source.is_file():
        return source.read_text("utf-8", "replace").replace("$HOME", str(real))
    folders = {name: real / folder for name, folder in _USER_FOLDERS.items() if (real / folder).is_dir()}
    return "".join(f'XDG_{name}_DIR="{folder}"\n' for name, folder in folders.items())


def _clean_environment() -> dict[str, str]:
    """Return our environment without proxy variables: the PAC already knows them."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def is_firefox_running(profile: Path) -> bool:
    """Whether a running Firefox holds this profile."""
    return _is_held(profile / "lock")


def _refuse_if_in_use(browser: Browser, profile: Path) -> None:
    """Refuse a profile that a running window holds: the browser would hand over to it and end at once."""
    lock = profile / "lock" if browser.family == "firefox" else profile / "data" / "SingletonLock"
    if _is_held(lock):
        raise SetupError(
            "A window is open already", f"{browser.title} with this profile", "use that window, or close it first"
        )


def _is_held(lock: Path) -> bool:
    """Whether the process is alive whose number stands in this link: ``host-123`` or ``127.0.1.1:+123``."""
    try:
        target = str(lock.readlink())
    except OSError:  # no such link, or a system without them
        return False
    number = target.rpartition("+" if "+" in target else "-")[2]
    return number.isdigit() and _is_alive(int(number))


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def close_window(process: subprocess.Popen[bytes], wait_seconds: float = 10) -> None:
    """Ask the browser to close and see that it is gone."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(wait_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
