"""Certificate stores of the NSS kind (Chromium on Linux, Firefox everywhere), through their own tool certutil."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

from tracker.setup import SetupError

TRUST = "C,,"
"""A certificate authority for servers, and for nothing else."""

_PACKAGES = (
    ("apt-get", "sudo apt install libnss3-tools"),
    ("dnf", "sudo dnf install nss-tools"),
    ("zypper", "sudo zypper install mozilla-nss-tools"),
    ("pacman", "sudo pacman -S nss"),
    ("apk", "sudo apk add nss-tools"),
    ("brew", "brew install nss"),
)


def find_certutil() -> str:
    """Return the path of NSS's certutil; raise SetupError that names the package to install."""
    path = shutil.which("certutil")
    if path is None or path.lower().endswith("system32\\certutil.exe"):
        advice = next((command for tool, command in _PACKAGES if shutil.which(tool)), "install the NSS tools")
        raise SetupError("A browser's certificate store cannot be changed", "the tool certutil is missing", advice)
    return path


def make_store(folder: Path) -> None:
    """Make an empty store without a password, unless there is one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / "cert9.db").exists():
        _certutil(folder, "-N", "--empty-password")


def list_store(folder: Path) -> str:
    """Return the listing of names and trust flags, as certutil prints it."""
    return _certutil(folder, "-L")


def list_names(folder: Path, start: str) -> list[str]:
    """Return the names in the store that begin with ``start``, each once."""
    lines = [line.rstrip() for line in list_store(folder).splitlines()]
    names = [line.rpartition(" ")[0].strip() for line in lines if line.count(",") >= 2 and "SSL,S/MIME" not in line]
    return sorted({name for name in names if name.startswith(start)})


def trust(folder: Path, name: str, certificate: Path) -> None:
    """Trust a certificate authority in this store and see that it is there."""
    _certutil(folder, "-A", "-t", TRUST, "-n", name, "-i", str(certificate))
    if not is_trusted(folder, name, certificate):
        raise SetupError("The certificate was not kept", str(folder), "close the browser and try again")


def is_trusted(folder: Path, name: str, certificate: Path) -> bool:
    """Whether the store holds exactly this certificate under this name, with our trust flags."""
    if _der(certificate.read_text("ascii")) not in _find(folder, name):
        return False
    lines = [line.rstrip().rpartition(" ") for line in list_store(folder).splitlines()]
    return any(before.strip() == name and flags == TRUST for before, _, flags in lines)


def holds(folder: Path, name: str) -> bool:
    """Whether anything lies under this name."""
    return bool(_find(folder, name))


def is_empty(folder: Path) -> bool:
    """Whether the store holds neither certificates nor keys."""
    keys = _run(folder, "-K")
    none_found = keys.returncode != 0 and "no keys" in (keys.stderr + keys.stdout).lower()
    return none_found and not list_names(folder, "")


def distrust(folder: Path, name: str) -> None:
    """Take every certificate of this name out of the store, and see that none is left."""
    for _ in range(20):  # a reissued certificate shares its name with the older one
        if not _find(folder, name):
            return
        _certutil(folder, "-D", "-n", name)
    raise SetupError("Our certificate could not be removed", str(folder), "close the browser and try again")


def _find(folder: Path, name: str) -> list[bytes]:
    done = _run(folder, "-L", "-n", name, "-a")
    if done.returncode:
        return []
    ends = "-----END CERTIFICATE-----"
    return [_der(part + ends) for part in done.stdout.split(ends) if "-----BEGIN" in part]


def _der(pem: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN") :].replace("\r", ""))


def _certutil(folder: Path, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode == 0:
        return done.stdout
    if "password" in (done.stderr + done.stdout).lower():
        raise SetupError(
            "The certificate store is locked by a password of yours",
            str(folder),
            "import the certificate by hand in that browser's settings, under certificate authorities",
        )
    reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    raise SetupError(
        "The certificate store could not be changed", f"{folder} ({reason[0]})", "close the browser and try again"
    )


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [find_certutil(), "-d", f"sql:{folder}", *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False, timeout=60
        )
    except subprocess.TimeoutExpired:
        raise SetupError(
            "The certificate store did not answer", str(folder), "close the browser and try again"
        ) from None
