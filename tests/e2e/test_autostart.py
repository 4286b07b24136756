"""Starting with the session under a real systemd of a person's own, in a namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.browsing import missing_tools
from tests.rig import free_port

pytestmark = pytest.mark.browser

SYSTEMD = "/lib/systemd/systemd"
SESSION = f"""
mount -t tmpfs tmpfs /run/systemd && mkdir -p /run/systemd/system || exit 77
{SYSTEMD} --user --log-target=null &
manager=$!
for _ in $(seq 50); do systemctl --user is-active --quiet default.target && break; sleep 0.1; done
"$@"
code=$?
kill $manager
wait $manager
exit $code
"""
"""The folder in /run is how systemd's tools see that they may work here at all."""
STEPS = """
import subprocess, sys, time, urllib.request
from pathlib import Path
from tracker.setup.systemd import has_user_systemd
from tracker.setup.ledger import Ledger
from tracker.setup.plan import carry_out, make_plan
from tracker.setup.undoing import take_back

db, port = Path(sys.argv[1]), int(sys.argv[2])
assert has_user_systemd()

def show(prop, unit="klimaspor.service"):
    return subprocess.check_output(["systemctl", "--user", "show", "--value", "-p", prop, unit], text=True).strip()

def fetch():
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/proxy.pac", timeout=60).read()

plan = make_plan(db, port)
carry_out(plan, Ledger.open(db.parent), print)
assert all(step.is_done() for step in plan.all)
assert b"klimaspor" in fetch()
first = show("MainPID")
assert first != "0", "the first request started it"

subprocess.run(["kill", "-9", first], check=True)
assert b"klimaspor" in fetch(), "the port was held meanwhile: the request waited, it was not refused"
assert show("MainPID") not in {"0", first}

from tracker.setup.doctor import examine
from tracker.setup.past import Past
from click.testing import CliRunner
from tracker.cli.proxy import start, stop
said = CliRunner().invoke(stop, ["--db", str(db)])
assert said.exit_code == 0, said.output
assert "starts again when a browser asks" in said.output
said = CliRunner().invoke(start, ["--detach", "--port", str(port), "--db", str(db)])
assert said.exit_code == 0 and "The proxy runs" in said.output, said.output
assert CliRunner().invoke(stop, ["--db", str(db)]).exit_code == 0
states = {finding.check: finding.state for finding in examine(db, Past())}
assert states["proxy"] == states["pac"] == "good", states

carry_out(make_plan(db, port), Ledger.open(db.parent), lambda line: print(line) or line.startswith("was so") or 1 / 0)
assert take_back(Ledger.open(db.parent), db.parent, print) == []
assert show("ActiveState", "klimaspor.socket") == "inactive", show("ActiveState", "klimaspor.socket")
assert show("ActiveState") in {"inactive", "failed"}, show("ActiveState")
try:
    fetch()
    raise SystemExit("somebody still listens")
except OSError:
    print("gone")
assert not list(Path.home().glob(".config/systemd/user/**/klimaspor*"))
"""


def test_systemd_keeps_the_port_and_undo_gives_it_back(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0 or not Path(SYSTEMD).exists() or shutil.which("unshare") is None:
        pytest.skip("needs root, systemd and unshare, to make a namespace with a systemd of its own")
    assert missing_tools() == []
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    command = ["unshare", "-m", "sh", "-c", SESSION, "sh"]
    steps = [sys.executable, "-c", STEPS, home / 'Kåre\'s "50% $HOME" data\\x/klimaspor.db', str(free_port())]
    done = subprocess.run([*command, *steps], capture_output=True, text=True, timeout=200, check=False)
    if done.returncode == 77:
        pytest.skip("namespaces are forbidden here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("gone\n")
