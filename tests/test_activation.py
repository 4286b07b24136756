"""systemd may hold the proxy's port: then it is ours from the first moment on, and nobody else's while we restart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from addon.state import ask_status

LAUNCH = """
import os, socket, sys
held = socket.create_server(("127.0.0.1", 0))
os.dup2(os.dup(held.fileno()), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "PORT": str(held.getsockname()[1])}
print(held.getsockname()[1], flush=True)
os.execv(sys.executable, [sys.executable, "-c", "from tracker.cli import main; main()", "start", "--db", sys.argv[1]])
"""


@pytest.mark.skipif(os.name != "posix", reason="systemd's way of handing over a socket")
def test_the_proxy_takes_the_socket_it_is_given(tmp_path: Path) -> None:
    db = tmp_path / "data/klimaspor.db"
    with subprocess.Popen([sys.executable, "-c", LAUNCH, str(db)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        started = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/proxy.pac", timeout=40) as answer:
            pac = answer.read().decode()  # asked before the proxy runs: it waits in the socket, it is not refused
        assert f"PROXY 127.0.0.1:{port}" in pac
        assert time.monotonic() - started < 40
        found = ask_status(db.parent)
        assert found is not None
        assert (found[0].pid, found[0].port) == (process.pid, port)
        process.terminate()
        assert process.wait(30) == 0


def test_variables_meant_for_another_process_are_not_ours(tmp_path: Path) -> None:
    script = (
        "import os; os.environ |= {'LISTEN_PID': '1', 'LISTEN_FDS': '1'}\n"
        "from addon.activation import adopt_socket\n"
        "print(adopt_socket(), 'LISTEN_FDS' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]
