"""The configuration of the organisation's NATS servers: one node, or three that each keep all of it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROUTES_ABOVE = 2000
"""The nodes of a cluster talk to each other on this many ports above the one for devices: 4222 and 6222."""


def nats_configurations(folder: Path, nodes: Sequence[tuple[str, int]], users: Sequence[str]) -> dict[str, str]:
    """Return the text of each configuration file by its name; ``nodes`` are (host, port)."""
    if len(nodes) == 1:
        return {"nats.conf": _node(folder, nodes[0][1], "jetstream", users)}
    return {
        f"nats-{number}.conf": _node(folder, port, f"jetstream-{number}", users) + _cluster(folder, nodes, number)
        for number, (_, port) in enumerate(nodes, start=1)
    }


def _node(folder: Path, port: int, store: str, users: Sequence[str]) -> str:
    """Return what every node has; an acknowledged message is on the disk (``sync_interval: always``)."""
    where = folder.resolve()
    return f"""# Made by `klimaspor team init`. For three nodes see docs/organisation.md.
port: {port}
max_payload: 1MB
jetstream {{ store_dir: "{where / store}", sync_interval: always }}
tls {{
{_certificates(folder)}
  verify_and_map: true
}}
authorization {{
  users: [
    {"\n    ".join(users)}
  ]
}}
"""


def _cluster(folder: Path, nodes: Sequence[tuple[str, int]], number: int) -> str:
    port = nodes[number - 1][1] + ROUTES_ABOVE
    routes = ", ".join(f'"tls://{host}:{port + ROUTES_ABOVE}"' for host, port in nodes)
    return f"""server_name: klimaspor-{number}
cluster {{
  name: klimaspor
  listen: "0.0.0.0:{port}"
  routes: [{routes}]
  tls {{
{_certificates(folder)}
    verify: true
  }}
}}
"""


def _certificates(folder: Path) -> str:
    where = folder.resolve()
    return f"""  ca_file: "{where / "ca.pem"}"
  cert_file: "{where / "server.pem"}"
  key_file: "{where / "server.key"}\""""
