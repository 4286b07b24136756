"""The papers an organisation needs before it starts, generated from the settings that are really in force."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tracker.private import write_whole
from tracker.report.language import Language, language
from tracker.report.names import mark
from tracker.report.render import page
from tracker.team import TeamError
from tracker.team.policy import Policy
from tracker.team.week import KEYS, SUMS

Section = tuple[str, tuple[str, ...]]

NOTICE: tuple[Section, ...] = (
    (mark("What this is"), (
        mark("{organisation} wants to know what the use of AI chatbots takes in energy, gas and water, and which are used. "
             "Taking part is a program on your computer that counts, and keeps the counts there."),
    )),
    (mark("What leaves your computer"), (
        mark("Once a week, sums by service, model and kind of use: how many answers, how many tokens, how many files."),
        mark("No questions, no answers, no titles, no file names, no times of day, no names. Your computer shows you the exact "
             "rows before it sends the first."),
    )),
    (mark("What is seen"), (
        mark("Figures of groups of at least {least_people} people. Nobody, not even an administrator of the reports, can "
             "look at one person."),
    )),
    (mark("What you can do"), (
        mark("See your own full report, pause, forget, and leave at any time with one command. What your computer sent is "
             "then dropped."),
        mark("Read who looked at the reports: klimaspor team access-log."),
    )),
)  # fmt: skip

COUNCIL: tuple[Section, ...] = (
    (mark("Why a works council can say yes"), (
        mark("The pseudonym is drawn on the computer; no list that leads back to a person exists anywhere."),
        mark("No cell has fewer than {least_people} people, one person makes no more than half of any, two no more than three "
             "quarters."),
        mark("Each week has one report on a fixed grid. There are no free queries, hence no questions about one person."),
        mark("A unit whose membership changed by fewer than {least_people} people is shown with its parent."),
        mark("There is no ranking of people, no individual figure in any format, no blocking."),
    )),
    (mark("What can be checked"), (
        mark("Every look at a report is logged by the database itself; all staff may read the log."),
        mark("The list of fields below is complete; a test of the program holds the wire and the database to it."),
        mark("{fields}"),
    )),
    (mark("What to agree on"), (
        mark("Who runs the database; that codes are handed out blind; that performance and conduct are no purpose of this."),
    )),
)  # fmt: skip

DPIA: tuple[Section, ...] = (
    (mark("Processing and purpose"), (
        mark("Weekly sums of AI use under pseudonyms, to report energy, greenhouse gas and water of the organisation, and "
             "the use of services that are not approved, as totals."),
    )),
    (mark("Data"), (mark("{fields}"),)),
    (mark("Retention"), (
        mark("Pseudonymous sums: {raw_days} days. Cells of groups: {cell_months} months. Backups and the database's "
             "write-ahead log: as long as your administrator keeps them; write the number here: ____ days."),
    )),
    (mark("Necessity and proportionality"), (
        mark("Footprint needs sums, not events; so only sums are sent. Content never leaves the computer and is not stored "
             "there either."),
    )),
    (mark("Risks and what stands against them"), (
        mark("Looking at one person: groups of {least_people} and more, dominance rules, fixed grid, rounding to fives."),
        mark("Subtracting two reports: every published figure is a sum of the same safe cells; changed units wait."),
        mark("Re-identification by who holds which code: codes are handed out blind and are not stored with the sums."),
        mark("A stolen loader key: it reads pseudonymous sums of {raw_days} days and no content."),
        mark("What remains: who administers the database can read pseudonymous weekly sums. Choose that person with care."),
    )),
    (mark("Rights of the people concerned"), (
        mark("Information: the notice. Access: their own computer shows all. Erasure: klimaspor team erase, at once."),
    )),
    (mark("Decision"), (mark("Name, date, signature: ____"),)),
)  # fmt: skip

REMINDER: Section = (mark("A reminder, for those who want one"), (
    mark("Whoever asks for it (klimaspor team remind) is told on their own screen, and there alone, when they used a service "
         "that {organisation} has not approved. It blocks nothing, and nothing of it is sent."),
))  # fmt: skip
"""In every paper of an organisation whose policy offers it."""

PAPERS: dict[str, tuple[str, tuple[Section, ...]]] = {
    "notice": (mark("AI chatbots and the climate: a notice for staff"), NOTICE),
    "works-council": (mark("AI use in sums: a sheet for the works council"), COUNCIL),
    "dpia": (mark("AI use in sums: data protection impact assessment, template"), DPIA),
}


def write_papers(folder: Path, policy: Policy, lang: str) -> list[Path]:
    """
    Write the three papers as pages that print; return their paths.

    Raises ``TeamError`` if the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in PAPERS:
            path = folder / f"{name}-{lang}.html"
            write_whole(path, make_paper(name, policy, lang), 0o644)
            written.append(path)
    except OSError as error:
        raise TeamError(f"The papers cannot be written ({error.strerror}) · {folder} · choose another folder") from None
    return written


def make_paper(name: str, policy: Policy, lang: str) -> str:
    """Return one paper with the settings filled in."""
    words: Language = language(lang)
    title, sections = PAPERS[name]
    if policy.reminder:
        sections = (*sections, REMINDER)
    values = policy.tell() | {
        "organisation": policy.organisation or words.t("The organisation"),
        "fields": ", ".join(("week", "unit", "pseudonym", "revision", "coverage", *KEYS, *SUMS)),
    }
    view = {
        "version": version("klimaspor"),
        "title": words.t(title),
        "organisation": policy.organisation or words.t("The organisation"),
        "sections": [
            {"heading": words.t(heading), "sentences": [words.t(sentence, **values) for sentence in sentences]}
            for heading, sentences in sections
        ],
    }
    return page("paper.html.jinja", lang, view=view)
