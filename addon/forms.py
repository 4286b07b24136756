"""What must be true of a form before it may change anything (pure)."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl

from mitmproxy import http

LARGEST_FORM = 4096
MOST_FIELDS = 12


def is_small(request: http.Request) -> bool:
    """Whether the body is of known and modest length, so that it may be kept."""
    length = request.headers.get("content-length", "0")
    return "transfer-encoding" not in request.headers and length.isdecimal() and int(length[:20] or 0) <= LARGEST_FORM


def comes_from(request: http.Request, origin: str) -> bool:
    """
    Whether a request to change something was sent by our own page.

    Browsers say so in ``Sec-Fetch-Site``, which no page can set; since our pages send no referrer, ``Origin`` is then
    ``null``. Without it, as from older browsers and other programs, ``Origin`` itself has to be ours.
    """
    told = request.headers.get("origin")
    match request.headers.get("sec-fetch-site"):
        case "same-origin":
            return told in {None, "null", origin}
        case None:
            return told == origin
    return False


def read_form(request: http.Request, secret: str) -> dict[str, str] | None:
    """Return the fields of a form that holds our secret; None for anything else. The secret is left out."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    try:
        body = (request.raw_content or b"").decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:  # not ASCII, or too many fields
        return None
    fields = dict(pairs)
    told = fields.pop("token", "").encode("utf-8", "replace")
    if len(fields) + 1 != len(pairs) or not hmac.compare_digest(told, secret.encode()):
        return None
    return fields
