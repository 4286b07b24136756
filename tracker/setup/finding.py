"""One thing that the doctor looked at, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; whatever is not good ends in a command to paste."""

    check: str
    state: State
    what: str
    do: str | None = None


def judge(findings: Sequence[Finding]) -> str:
    """Return the verdict in one line."""
    wrong = sum(finding.state == "wrong" for finding in findings)
    if any(finding.check == "proxy" and finding.state == "wrong" for finding in findings):
        return "Nothing is being recorded: the proxy does not run."
    if wrong:
        runs = any(finding.check == "proxy" and finding.state == "good" for finding in findings)
        what = "It records, but" if runs else "The proxy does not run, and"
        return f"{what} {wrong} thing{'s need' if wrong > 1 else ' needs'} your attention."
    if any(finding.check == "set-up" and finding.state == "note" for finding in findings):
        return "Well. This computer as a whole is not set up: only windows and commands of klimaspor are recorded."
    return "All is well."
