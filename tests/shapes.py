"""The part of JSON Schema that docs/report.schema.json uses, checked strictly: an unknown keyword is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
SILENT = {"$schema", "$id", "$defs", "title", "description"}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, path: str = "$") -> Iterator[str]:
    """Yield where the value differs from the schema."""
    root = root or schema
    for keyword, rule in schema.items():
        match keyword:
            case "$ref":
                yield from faults(value, root["$defs"][rule.rpartition("/")[2]], root, path)
            case "type":
                names = [rule] if isinstance(rule, str) else rule
                if not any(_is(value, name) for name in names):
                    yield f"{path}: {type(value).__name__} is not {rule}"
            case "const":
                if value != rule:
                    yield f"{path}: {value!r} is not {rule!r}"
            case "enum":
                if value not in rule:
                    yield f"{path}: {value!r} is none of {rule}"
            case "required":
                yield from (
                    f"{path}: {name} is missing" for name in rule if isinstance(value, dict) and name not in value
                )
            case "properties":
                for name, inner in rule.items():
                    if isinstance(value, dict) and name in value:
                        yield from faults(value[name], inner, root, f"{path}.{name}")
            case "items":
                for number, item in enumerate(value if isinstance(value, list) else []):
                    yield from faults(item, rule, root, f"{path}[{number}]")
            case "oneOf":
                if not any(not list(faults(value, one, root, path)) for one in rule):
                    yield f"{path}: fits none of the alternatives"
            case "allOf":
                for one in rule:
                    yield from faults(value, one, root, path)
            case _ if keyword not in SILENT:
                yield f"{path}: the check does not know {keyword}"


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])
