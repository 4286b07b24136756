"""Builds tracker/report/service_names.py from the services themselves; ``python -m tests.documents`` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tracker.report import service_names

PATH = Path(service_names.__file__)
HEAD = '''"""Services' own names, for a report knows no service; built by ``uv run python -m tests.documents``."""

from __future__ import annotations

'''


def build() -> str:
    """Return the module's text."""
    from addon.service import discover

    services = list(discover())
    titles = "".join(f'    "{one.name}": {json.dumps(one.title, ensure_ascii=False)},\n' for one in services)
    unverified = ", ".join(f'"{service.name}"' for service in services if service.grade == "inferred")
    return (
        f'{HEAD}TITLES = {{\n{titles}}}\n"""Names are names in every language."""\n\n'
        f'UNVERIFIED = frozenset({{{unverified}}})\n"""Services whose format is known from one source only."""\n'
    )
