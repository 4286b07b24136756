"""
Model servers on this computer. They have no host name of their own, so each goes by one under ``.localhost``, a name
that can never be on the internet: the proxy's ``--local ollama=11434`` and a HAR's ``localhost:11434`` both become
``ollama.localhost``.
"""

from __future__ import annotations

OTHER = "local-server"
"""The program's name where the port tells nothing: a gateway, vLLM, anything that speaks a known dialect."""
PORTS = {
    11434: "ollama", 1234: "lm-studio", 8080: "llama-cpp", 3000: "open-webui", 7860: "automatic1111", 8188: "comfyui",
}  # fmt: skip
"""The port that each program listens on unless it is told otherwise."""
CLOSED = (
    "It runs on this computer and is heard through a port of its own, not through the browser's proxy: "
    "klimaspor start --local NAME=PORT"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "host.docker.internal"})  # noqa: S104 - compared, not bound


def name_host(program: str) -> str:
    """Return the host name under which a local program's exchanges are read, such as ``ollama.localhost``."""
    return f"{program}.localhost"


def resolve_host(host: str, port: int | None) -> str:
    """Return the host to read an exchange under: a loopback address becomes the program's name."""
    return name_host(PORTS.get(port or 0, OTHER)) if host.lower() in _LOOPBACK else host.lower()
