"""The proxy's process does not pause, for its garbage or the thread beside it, gives back memory, and logs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import gc, time
import mitmproxy.addons
from addon.hardening import shorten_pauses

def seconds():
    started = time.process_time()
    gc.collect()
    return time.process_time() - started

before = min(seconds() for _ in range(3))
shorten_pauses()
print(before / min(seconds() for _ in range(3)))
"""


def test_a_full_collection_takes_a_tenth_of_the_time_at_most() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert float(told) > 10


CROWDED = """
import threading, time
from addon.hardening import shorten_pauses

def count():
    while True:
        sum(range(1000))

def late():
    waits = []
    for _ in range(60):
        started = time.monotonic()
        time.sleep(0.001)
        waits.append(time.monotonic() - started)
    return sorted(waits)[30]

threading.Thread(target=count, daemon=True).start()
before = late()
shorten_pauses()
print(before, late())
"""


def test_a_busy_thread_lets_the_loop_go_first_sooner() -> None:
    told = subprocess.run([sys.executable, "-c", CROWDED], capture_output=True, text=True, check=True).stdout
    before, after = map(float, told.split())
    assert after < before * 0.7


LITTERED = """
import gc
from addon.hardening import memory_megabytes, return_memory, shorten_pauses

class Connection:
    def __init__(self):
        self.itself, self.buffer = self, bytes(1000)

shorten_pauses()
gc.disable()  # else what is left for it differs from one Python to the next
for _ in range(100_000):
    Connection()
left = memory_megabytes()
return_memory(is_quiet=False)
busy = memory_megabytes()
return_memory(is_quiet=True)
print(left, busy, memory_megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is not asked to take memory back")
def test_what_ended_connections_leave_is_given_back_in_the_first_quiet_minute_and_not_beside_many_answers() -> None:
    told = subprocess.run([sys.executable, "-c", LITTERED], capture_output=True, text=True, check=True).stdout
    left, busy, quiet = map(int, told.split())
    assert left > 100
    assert busy > left - 10
    assert quiet < left / 2


@pytest.mark.parametrize("name", ["mitmproxy.proxy.server", "asyncio", "hpack", "wsproto", "h2.connection"])
def test_what_the_parts_below_us_log_is_on_no_terminal(name: str) -> None:
    program = (
        f"import logging\nfrom addon.hardening import hush\nhush()\nlogging.getLogger({name!r}).error('what was said')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")
