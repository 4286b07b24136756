"""
How much the proxy is felt: ``python -m tests.bench [--rounds 5] [--only streams sockets requests large memory]``.
An organisation's week at full size: ``python -m tests.bench team``.
A report of very many records: ``python -m tests.bench report``; each start: ``python -m tests.bench startup``.
How fast each service is read: ``python -m tests.bench readers``.
An hour of steady use: ``python -m tests.bench soak --minutes 60``.
A proxy killed again and again: ``python -m tests.bench faults --rounds 1000``.
A database that another tool locks for a minute: ``python -m tests.bench locked``.
"""

from __future__ import annotations

import sys
from importlib import import_module

BENCHES = ("team", "report", "startup", "readers", "soak", "faults", "locked")

if __name__ == "__main__":
    name, arguments = sys.argv[1:2], sys.argv[2:]
    if name and name[0] in BENCHES:
        sys.exit(import_module(f"tests.bench.{name[0]}").main(arguments))
    import_module("tests.bench.chat").main(sys.argv[1:])
