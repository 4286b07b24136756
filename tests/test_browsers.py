"""Browsers are found however they are packaged; where there is none, one sentence says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker.cli import main
from tracker.setup import SetupError
from tracker.setup.browsers import Browser, choose_browser, find_browsers
from tracker.setup.window import trust_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="how Linux packages browsers")


def install(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_the_chromium_family_comes_first(programs: Path) -> None:
    for name in ("firefox-esr", "brave-browser", "google-chrome-stable", "microsoft-edge"):
        install(programs, name)
    assert [browser.key for browser in find_browsers()] == ["chrome", "brave", "edge", "firefox"]
    assert choose_browser(None).key == "chrome"
    assert choose_browser("firefox").command == (str(programs / "firefox-esr"),)


def test_the_wrapper_of_a_snap_is_a_snap_and_keeps_its_profile_where_a_snap_may_write(
    programs: Path, home: Path
) -> None:
    install(programs, "chromium-browser", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    chosen = choose_browser("chromium")
    assert (chosen.packaging, chosen.package) == ("snap", "chromium")
    assert chosen.profile_folder(Path("/data")) == home / "snap/chromium/common/klimaspor"
    assert trust_of(chosen) == "pin"


def test_a_flatpak_keeps_its_profile_in_its_own_folder(programs: Path, home: Path) -> None:
    flatpak = install(programs, "flatpak")
    (home / ".local/share/flatpak/app/org.mozilla.firefox").mkdir(parents=True)
    chosen = choose_browser(None)
    assert chosen.command == (str(flatpak), "run", "org.mozilla.firefox")
    assert chosen.profile_folder(Path("/data")) == home / ".var/app/org.mozilla.firefox/klimaspor"
    assert trust_of(chosen) == "store"


def test_a_plain_chromium_uses_a_store_of_its_own_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Browser("chrome", "Google Chrome", "chromium", ("chrome",))
    assert trust_of(plain) == "store"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert trust_of(plain) == "pin"


def test_no_browser_is_one_sentence(programs: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["browser", "--db", str(tmp_path / "k.db")])
    assert done.exit_code == 1
    assert done.output.strip().count("\n") == 0
    assert "No browser was found" in done.output
    assert "klimaspor import FILE.har" in done.output
    assert not (tmp_path / "k.db").exists()


def test_a_browser_that_is_not_here_names_those_that_are(programs: Path) -> None:
    install(programs, "chromium")
    with pytest.raises(SetupError, match="take one that is here: chromium"):
        choose_browser("edge")


def test_a_missing_certutil_says_what_to_install(programs: Path, tmp_path: Path) -> None:
    from tracker.setup.nss import make_store

    install(programs, "apt-get")
    with pytest.raises(SetupError, match="sudo apt install libnss3-tools"):
        make_store(tmp_path / "store")
