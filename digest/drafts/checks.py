"""What stands between an issue and its readers: each reason, and the command or the edit that mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from digest.drafts.model import Draft, DraftPick
from digest.text import slugify as slug_of

_CITED_ANCHOR = re.compile(r"\]\(/[^\s)#]*#([^\s)]+)\)")
GMAIL_CLIP_BYTES = 102_400  # bytes of HTML after which Gmail hides the rest of a message


@dataclass(frozen=True, slots=True)
class CheckProblem:
    """Why an issue may not go out, and what to do about it. `gate` is the name of the rule, `key` the pick's."""

    rule: str
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
class ReleaseFacts:
    """What the gates look at: the settled sheet, and what the store and the checks know of it."""

    draft: Draft
    signed_keys: Collection[str] = ()  # keys whose flagged text a person has signed
    unreadable_urls: Mapping[str, str] = field(
        default_factory=dict
    )  # typed addresses that lead to no work: why, by address
    dead_links: Collection[DeadLink] = ()
    withdrawn: Mapping[str, date] = field(default_factory=dict)  # by key
    covered_in: Mapping[str, str] = field(default_factory=dict)  # the period that had the work before, by key
    gaps: Collection[str] = ()  # sources that failed or fell silent in the period, one sentence each
    categories: Collection[str] = ()  # slugs of the taxonomy as it is now; empty means any
    quotas: Mapping[str, int] = field(default_factory=dict)
    mail_bytes: int = 0  # of the message's HTML as it would be sent
    gaps_accepted: bool = False


def check_draft(facts: ReleaseFacts) -> list[CheckProblem]:
    """Every reason why the issue may not go out, in the order of the rules; empty when it may."""
    return [problem for rule in RELEASE_CHECKS for problem in rule(facts)]


def _check_has_picks(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if not any(section.entries for section in facts.draft.sections):
        yield CheckProblem("picks", "there are no picks", "tick candidates in the shortlist with [x]")


def _check_has_intro(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if not facts.draft.intro.strip():
        yield CheckProblem("intro", "there is no introduction", f"write it at the top of {_draft_file(facts)}")


def _check_grounding(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in _iter_picks(facts):
        if pick.flags and pick.origin != "editor" and pick.key not in facts.signed_keys:
            words = ", ".join(f"“{flag}”" for flag in pick.flags)
            mend = f"rewrite the blurb, or `digest approve {facts.draft.period} --sign`"
            yield CheckProblem("grounding", f"{pick.title}: not in the source: {words}", mend, pick.key)


def _check_has_blurbs(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in _iter_picks(facts):
        if not pick.blurb.strip() and not pick.note:
            mend = "write it, or mark the pick with a line `> Also noted`"
            yield CheckProblem("blurb", f"{pick.title}: has no blurb", mend, pick.key)


def _check_citations(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    """What a model said of a month and the editor left as it is stands on picks that are still there."""
    here = {slug_of(pick.key) for pick in _iter_picks(facts)}
    for section in facts.draft.sections:
        if section.engine and set(_CITED_ANCHOR.findall(section.intro)) - here:
            reason = f"the sentence on '{section.title}' cites a work that is not in this review any more"
            yield CheckProblem("citation", reason, f"rewrite or delete it in {_draft_file(facts)}")


def _check_added_urls(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for url, why in facts.unreadable_urls.items():
        mend = f"mend the address in {_draft_file(facts)}, or `digest add --jsonl FILE` with its title"
        yield CheckProblem("address", f"{url}, which the sheet adds, cannot be read: {why}", mend)


def _check_dead_links(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    keys = {pick.url: pick.key for pick in _iter_picks(facts)}
    for link in facts.dead_links:
        key = keys.get(link.url, "")
        if link.moved_to:
            mend = f"write {link.moved_to} in its place if that is the work"
            yield CheckProblem("links", f"{link.url} has moved to {link.moved_to}", mend, key)
        else:
            what = "write another link behind its title, or remove the pick" if key else "mend or remove the link"
            yield CheckProblem("links", f"{link.url}: {link.problem or 'does not answer'}", what, key)


def _check_withdrawn(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in _iter_picks(facts):
        if day := facts.withdrawn.get(pick.key):
            yield CheckProblem(
                "withdrawn", f"{pick.title}: withdrawn on {day}", f"remove it from {_draft_file(facts)}", pick.key
            )


def _check_covered(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in _iter_picks(facts):
        before = facts.covered_in.get(pick.key) or pick.covered
        if before and pick.update_of is None:
            mend = f"write `> Update of {before}` under it, or remove it"
            yield CheckProblem("covered", f"{pick.title}: already covered in {before}", mend, pick.key)


def _check_source_gaps(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if not facts.gaps_accepted:
        for gap in facts.gaps:
            name = facts.draft.period
            mend = f"`digest fetch`, then `digest draft {name}`; or `digest approve {name} --accept-gaps`"
            yield CheckProblem("ledger", gap, mend)


def _check_empty_sections(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    here = {section.slug: section for section in facts.draft.sections}
    for slug, quota in facts.quotas.items():
        section = here.get(slug)
        if quota and section and not section.entries and not section.intro.strip():
            mend = "pick something, write a line under the heading, or delete the heading"
            yield CheckProblem("empty", f"the section '{section.title}' is empty", mend)


def _check_taxonomy(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for section in facts.draft.sections:
        if facts.categories and section.picks and section.slug not in facts.categories:
            known = ", ".join(facts.categories)
            mend = (
                f"give the heading one of the taxonomy's anchors, such as {{#{next(iter(facts.categories))}}}: {known}"
            )
            yield CheckProblem("taxonomy", f"the picks of '{section.title}' have no category of the taxonomy", mend)


def _check_mail_length(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if facts.mail_bytes > GMAIL_CLIP_BYTES:
        size = (
            f"the e-mail has {facts.mail_bytes // 1000} kB; Gmail hides what comes after {GMAIL_CLIP_BYTES // 1000} kB"
        )
        yield CheckProblem("length", size, "shorten blurbs, or mark picks with `> Also noted`")


def _check_conflicts(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    shown = [*facts.draft.conflicts, *(conflict for pick in _iter_picks(facts) for conflict in pick.conflicts)]
    if shown:
        mend = f"read the comments 'conflict' in {_draft_file(facts)} and delete them"
        yield CheckProblem("conflict", f"{len(shown)} of your texts have newer ones of the program beside them", mend)


def _iter_picks(facts: ReleaseFacts) -> Iterator[DraftPick]:
    return (pick for _, pick in facts.draft.iter_picks())


def _draft_file(facts: ReleaseFacts) -> str:
    return f"site/_drafts/{facts.draft.period}.md"


RELEASE_CHECKS: tuple[Callable[[ReleaseFacts], Iterator[CheckProblem]], ...] = (
    _check_has_picks,
    _check_has_intro,
    _check_grounding,
    _check_has_blurbs,
    _check_citations,
    _check_covered,
    _check_withdrawn,
    _check_added_urls,
    _check_dead_links,
    _check_source_gaps,
    _check_empty_sections,
    _check_taxonomy,
    _check_mail_length,
    _check_conflicts,
)
