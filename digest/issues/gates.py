"""What stands between an issue and its readers: each reason, and the command or the edit that mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from digest.issues.values import Sheet, SheetPick
from digest.text import slug as slug_of

_CITED = re.compile(r"\]\(/[^\s)#]*#([^\s)]+)\)")
CLIPPED = 102_400  # bytes of HTML after which Gmail hides the rest of a message


@dataclass(frozen=True, slots=True)
class GateProblem:
    """Why an issue may not go out, and what to do about it. `gate` is the name of the rule, `key` the pick's."""

    gate: str
    reason: str
    command: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link of the issue that did not answer, or that answered from another place (`moved_to`)."""

    url: str
    problem: str = ""
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """What the gates look at: the settled sheet, and what the store and the checks know of it."""

    sheet: Sheet
    signed: Collection[str] = ()  # keys whose flagged text a person has signed
    unread: Mapping[str, str] = field(default_factory=dict)  # typed addresses that lead to no work: why, by address
    links: Collection[DeadLink] = ()
    withdrawn: Mapping[str, date] = field(default_factory=dict)  # by key
    covered: Mapping[str, str] = field(default_factory=dict)  # the period that had the work before, by key
    gaps: Collection[str] = ()  # sources that failed or fell silent in the period, one sentence each
    categories: Collection[str] = ()  # slugs of the taxonomy as it is now; empty means any
    quotas: Mapping[str, int] = field(default_factory=dict)
    mail_bytes: int = 0  # of the message's HTML as it would be sent
    gaps_accepted: bool = False


def check(facts: IssueFacts) -> list[GateProblem]:
    """Every reason why the issue may not go out, in the order of the rules; empty when it may."""
    return [problem for rule in RULES for problem in rule(facts)]


def _no_picks(facts: IssueFacts) -> Iterator[GateProblem]:
    if not any(section.entries for section in facts.sheet.sections):
        yield GateProblem("picks", "there are no picks", "tick candidates in the shortlist with [x]")


def _no_intro(facts: IssueFacts) -> Iterator[GateProblem]:
    if not facts.sheet.intro.strip():
        yield GateProblem("intro", "there is no introduction", f"write it at the top of {_file(facts)}")


def _ungrounded(facts: IssueFacts) -> Iterator[GateProblem]:
    for pick in _picks(facts):
        if pick.flags and pick.origin != "editor" and pick.key not in facts.signed:
            words = ", ".join(f"“{flag}”" for flag in pick.flags)
            mend = f"rewrite the blurb, or `digest approve {facts.sheet.period} --sign`"
            yield GateProblem("grounding", f"{pick.title}: not in the source: {words}", mend, pick.key)


def _without_words(facts: IssueFacts) -> Iterator[GateProblem]:
    for pick in _picks(facts):
        if not pick.blurb.strip() and not pick.note:
            mend = "write it, or mark the pick with a line `> Also noted`"
            yield GateProblem("blurb", f"{pick.title}: has no blurb", mend, pick.key)


def _citations(facts: IssueFacts) -> Iterator[GateProblem]:
    """What a model said of a month and the editor left as it is stands on picks that are still there."""
    here = {slug_of(pick.key) for pick in _picks(facts)}
    for section in facts.sheet.sections:
        if section.engine and set(_CITED.findall(section.note)) - here:
            reason = f"the sentence on '{section.title}' cites a work that is not in this review any more"
            yield GateProblem("citation", reason, f"rewrite or delete it in {_file(facts)}")


def _unread(facts: IssueFacts) -> Iterator[GateProblem]:
    for url, why in facts.unread.items():
        mend = f"mend the address in {_file(facts)}, or `digest add --jsonl FILE` with its title"
        yield GateProblem("address", f"{url}, which the sheet adds, cannot be read: {why}", mend)


def _links(facts: IssueFacts) -> Iterator[GateProblem]:
    keys = {pick.url: pick.key for pick in _picks(facts)}
    for link in facts.links:
        key = keys.get(link.url, "")
        if link.moved_to:
            mend = f"write {link.moved_to} in its place if that is the work"
            yield GateProblem("links", f"{link.url} has moved to {link.moved_to}", mend, key)
        else:
            what = "write another link behind its title, or remove the pick" if key else "mend or remove the link"
            yield GateProblem("links", f"{link.url}: {link.problem or 'does not answer'}", what, key)


def _withdrawn(facts: IssueFacts) -> Iterator[GateProblem]:
    for pick in _picks(facts):
        if day := facts.withdrawn.get(pick.key):
            yield GateProblem(
                "withdrawn", f"{pick.title}: withdrawn on {day}", f"remove it from {_file(facts)}", pick.key
            )


def _covered(facts: IssueFacts) -> Iterator[GateProblem]:
    for pick in _picks(facts):
        before = facts.covered.get(pick.key) or pick.covered
        if before and pick.update_of is None:
            mend = f"write `> Update of {before}` under it, or remove it"
            yield GateProblem("covered", f"{pick.title}: already covered in {before}", mend, pick.key)


def _ledger(facts: IssueFacts) -> Iterator[GateProblem]:
    if not facts.gaps_accepted:
        for gap in facts.gaps:
            name = facts.sheet.period
            mend = f"`digest fetch`, then `digest draft {name}`; or `digest approve {name} --accept-gaps`"
            yield GateProblem("ledger", gap, mend)


def _empty(facts: IssueFacts) -> Iterator[GateProblem]:
    here = {section.slug: section for section in facts.sheet.sections}
    for slug, quota in facts.quotas.items():
        section = here.get(slug)
        if quota and section and not section.entries and not section.note.strip():
            mend = "pick something, write a line under the heading, or delete the heading"
            yield GateProblem("empty", f"the section '{section.title}' is empty", mend)


def _taxonomy(facts: IssueFacts) -> Iterator[GateProblem]:
    for section in facts.sheet.sections:
        if facts.categories and section.picks and section.slug not in facts.categories:
            known = ", ".join(facts.categories)
            mend = (
                f"give the heading one of the taxonomy's anchors, such as {{#{next(iter(facts.categories))}}}: {known}"
            )
            yield GateProblem("taxonomy", f"the picks of '{section.title}' have no category of the taxonomy", mend)


def _length(facts: IssueFacts) -> Iterator[GateProblem]:
    if facts.mail_bytes > CLIPPED:
        size = f"the e-mail has {facts.mail_bytes // 1000} kB; Gmail hides what comes after {CLIPPED // 1000} kB"
        yield GateProblem("length", size, "shorten blurbs, or mark picks with `> Also noted`")


def _conflicts(facts: IssueFacts) -> Iterator[GateProblem]:
    shown = [*facts.sheet.conflicts, *(conflict for pick in _picks(facts) for conflict in pick.conflicts)]
    if shown:
        mend = f"read the comments 'conflict' in {_file(facts)} and delete them"
        yield GateProblem("conflict", f"{len(shown)} of your texts have newer ones of the program beside them", mend)


def _picks(facts: IssueFacts) -> Iterator[SheetPick]:
    return (pick for _, pick in facts.sheet.picks())


def _file(facts: IssueFacts) -> str:
    return f"site/_drafts/{facts.sheet.period}.md"


RULES: tuple[Callable[[IssueFacts], Iterator[GateProblem]], ...] = (
    _no_picks,
    _no_intro,
    _ungrounded,
    _without_words,
    _citations,
    _covered,
    _withdrawn,
    _unread,
    _links,
    _ledger,
    _empty,
    _taxonomy,
    _length,
    _conflicts,
)
