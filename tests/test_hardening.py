"""The proxy's process does not pause: a full garbage collection under way would hold up every chat."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc, time
import mitmproxy.addons
from addon.hardening import shorten_collections

def seconds():
    started = time.process_time()
    gc.collect()
    return time.process_time() - started

before = min(seconds() for _ in range(3))
shorten_collections()
print(before / min(seconds() for _ in range(3)))
"""


def test_a_full_collection_takes_a_tenth_of_the_time_at_most() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert float(told) > 10
