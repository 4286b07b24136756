"""Protocol buffers without their descriptions: fields by number, as far as a reader needs them."""

from __future__ import annotations

Fields = dict[int, list[bytes | int]]


def read_fields(data: object) -> Fields:
    """Return the fields of a protocol buffer by number: whole numbers, or bytes (text or another buffer)."""
    fields: Fields = {}
    if not isinstance(data, bytes):
        return fields
    at = 0
    while at < len(data):
        key, at = _read_number(data, at)
        match key & 7:
            case 2:
                size, at = _read_number(data, at)
                fields.setdefault(key >> 3, []).append(data[at : at + size])
                at += size
            case 0:
                value, at = _read_number(data, at)
                fields.setdefault(key >> 3, []).append(value)
            case 1 | 5 as kind:
                at += 8 if kind == 1 else 4
            case _:
                return fields
    return fields


def dig_fields(fields: Fields, *path: int) -> list[bytes | int]:
    """Return all values at a path of field numbers."""
    found = fields.get(path[0], [])
    if len(path) == 1:
        return found
    return [value for inner in found for value in dig_fields(read_fields(inner), *path[1:])]


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1  # as most: keys, and sizes of what is short
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at


def text_in(fields: Fields, *path: int) -> str | None:
    """Return the last text at a path of field numbers, or None if it is empty or no text."""
    found = dig_fields(fields, *path)
    value = found[-1] if found else None
    return value.decode("utf-8", "replace") or None if isinstance(value, bytes) else None


def number_in(fields: Fields, *path: int) -> int:
    """Return the last number at a path of field numbers; 0, which is never sent, if there is none."""
    found = dig_fields(fields, *path)
    return found[-1] if found and isinstance(found[-1], int) else 0


def fields_in(fields: Fields, *path: int) -> Fields:
    """Return the fields of the last buffer at a path; none if there is none."""
    found = dig_fields(fields, *path)
    return read_fields(found[-1]) if found else {}
