"""Answers of the proxy's own port: all of them private, unframed, and without a way to anything outside."""

from __future__ import annotations

import re
from typing import Any

from mitmproxy import http

TRY_AGAIN = "This could not be done at present. Try again in a moment; `klimaspor doctor` says what is wrong."
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def show(text: str, *, forms: str = "'none'", status: int = 200) -> http.Response:
    """Return a page under the policy of its one style sheet; ``forms`` says where its forms may lead."""
    response = respond(status, text, "text/html")
    style = re.search(r"style-src ('sha256-[A-Za-z0-9+/=]+')", text)
    response.headers["content-security-policy"] = (
        f"default-src 'none'; style-src {style[1] if style else "'none'"}; base-uri 'none'; "
        f"form-action {forms}; frame-ancestors 'none'"
    )
    return response


def excuse(answer: dict[str, Any]) -> http.Response:
    response = plain(503, str(answer.get("trouble", TRY_AGAIN)))
    response.headers["retry-after"] = "5"
    return response


def nothing() -> http.Response:
    return plain(404, "Not found.")


def plain(status: int, text: str) -> http.Response:
    return respond(status, text + "\n", "text/plain")


def respond(status: int, text: str, kind: str) -> http.Response:
    return http.Response.make(status, text, {"content-type": f"{kind}; charset=utf-8", **SAFE})
