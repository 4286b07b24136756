"""The proxy's process does not pause: neither a garbage collection nor the thread beside it holds up a chat."""

from __future__ import annotations

import subprocess
import sys

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
