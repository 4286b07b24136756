"""
How much the proxy is felt: ``python -m tests.bench [--rounds 5] [--only streams sockets requests large memory]``.
All that the documents tell, one after the other (half an hour on a quiet machine): ``python -m tests.bench all``.

By themselves: ``memory`` (of a fresh proxy), ``readers`` (each service), ``framings``, ``store``, ``footprint``,
``report`` (of very many records), ``startup`` (of each command), ``team`` (an organisation's week at full size),
``soak --minutes 60`` (steady use), ``faults --rounds 1000`` (a proxy killed again and again), ``locked`` (a database
that another tool locks for a minute).
With ``--save`` before the name, what it prints is kept in ``docs/measured``, which the documents' tables are built of.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tests.bench.measured import save

BENCHES = (
    "chat", "memory", "team", "report", "startup", "readers", "framings", "store", "footprint", "soak", "faults",
    "locked",
)  # fmt: skip
ALL = ("chat", "memory", "readers", "framings", "store", "footprint", "report", "startup")


def run(name: str, arguments: list[str]) -> None:
    import_module(f"tests.bench.{name}").main(arguments)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["all"]:
            for name in ALL:
                save(name, [], lambda name=name: run(name, []))
        case ["--save", name, *rest] if name in BENCHES:
            save(name, rest, lambda: run(name, rest))
        case [name, *rest] if name in BENCHES:
            run(name, rest)
        case _:
            run("chat", arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
