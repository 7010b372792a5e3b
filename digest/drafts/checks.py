"""Release checks: the reasons why an issue may not go out, each with the command or the edit that fixes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from digest.drafts.model import Draft, DraftPick
from digest.text import slugify

_CITED_ANCHOR = re.compile(r"\]\(/[^\s)#]*#([^\s)]+)\)")
GMAIL_CLIP_BYTES = 102_400  # bytes of HTML after which Gmail hides the rest of a message


@dataclass(frozen=True, slots=True)
class CheckProblem:
    """Why an issue may not go out, and what to do about it; `rule` names the check, `key` the pick."""

    rule: str
    reason: str
    command: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link of the issue that does not answer, or that answers from another URL (`moved_to`)."""

    url: str
    problem: str = ""
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What the checks read: the draft with its marks applied, and what is known of it."""

    draft: Draft
    signed_keys: Collection[str] = ()  # picks whose flagged text a person has signed
    unreadable_urls: Mapping[str, str] = field(default_factory=dict)  # added URLs without an item, and the reason
    dead_links: Collection[DeadLink] = ()
    withdrawn: Mapping[str, date] = field(default_factory=dict)  # by key
    covered_in: Mapping[str, str] = field(default_factory=dict)  # the period that had the item before, by key
    gaps: Collection[str] = ()  # sources that failed or became stale in the period, one sentence each
    categories: Collection[str] = ()  # slugs of the taxonomy as it is now; empty means any
    quotas: Mapping[str, int] = field(default_factory=dict)
    mail_bytes: int = 0  # of the message's HTML as it would be sent
    gaps_accepted: bool = False

    @property
    def file(self) -> str:
        return f"site/_drafts/{self.draft.period}.md"

    @property
    def picks(self) -> list[DraftPick]:
        return [pick for _, pick in self.draft.iter_picks()]


def check_draft(facts: ReleaseFacts) -> list[CheckProblem]:
    """List every reason why the issue may not go out, in the order of the checks; empty when it may."""
    return [problem for check in RELEASE_CHECKS for problem in check(facts)]


def _check_has_picks(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    """Check that there is a pick, or prose that links works, as in a review published before."""
    if not any(section.entries or "](http" in section.intro for section in facts.draft.sections):
        yield CheckProblem("picks", "there are no picks", "tick candidates in the shortlist with [x]")


def _check_has_intro(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if not facts.draft.intro.strip():
        yield CheckProblem("intro", "there is no introduction", f"write it at the top of {facts.file}")


def _check_grounding(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in facts.picks:
        if pick.flags and pick.origin != "editor" and pick.key not in facts.signed_keys:
            flags = ", ".join(f"“{flag}”" for flag in pick.flags)
            fix = f"rewrite the blurb, or `digest approve {facts.draft.period} --sign`"
            yield CheckProblem("grounding", f"{pick.title}: not in the source: {flags}", fix, pick.key)


def _check_verdicts(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    """Check that the editor signed or struck each verdict that a model proposed."""
    unsigned = [pick for pick in facts.picks if pick.proposed_verdict]
    if unsigned:
        count = "1 verdict is" if len(unsigned) == 1 else f"{len(unsigned)} verdicts are"
        titles = "; ".join(pick.title for pick in unsigned[:3]) + ("; …" if len(unsigned) > 3 else "")
        fix = (
            f"in {facts.file}, delete `(sign or strike)` to sign, or the line to strike; "
            f"`digest approve {facts.draft.period} --sign` signs all"
        )
        yield CheckProblem("verdict", f"{count} proposed by a model and not signed: {titles}", fix, unsigned[0].key)


def _check_has_blurbs(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in facts.picks:
        if not pick.blurb.strip() and not pick.note:
            fix = "write it, or mark the pick with a line `> Also noted`"
            yield CheckProblem("blurb", f"{pick.title}: has no blurb", fix, pick.key)


def _check_citations(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    """Check that a model's sentence on a month cites picks that are still in the review."""
    anchors = {slugify(pick.key) for pick in facts.picks}
    for section in facts.draft.sections:
        if section.engine and set(_CITED_ANCHOR.findall(section.intro)) - anchors:
            reason = f"the sentence on '{section.title}' cites a work that is not in this review any more"
            yield CheckProblem("citation", reason, f"rewrite or delete it in {facts.file}")


def _check_covered(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in facts.picks:
        period = facts.covered_in.get(pick.key) or pick.covered
        if period and pick.update_of is None:
            fix = f"write `> Update of {period}` under it, or remove it"
            yield CheckProblem("covered", f"{pick.title}: already covered in {period}", fix, pick.key)


def _check_withdrawn(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for pick in facts.picks:
        if day := facts.withdrawn.get(pick.key):
            reason = f"{pick.title}: withdrawn on {day}"
            yield CheckProblem("withdrawn", reason, f"remove it from {facts.file}", pick.key)


def _check_added_urls(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for url, error in facts.unreadable_urls.items():
        fix = f"correct the address in {facts.file}, or `digest add --jsonl FILE` with its title"
        yield CheckProblem("address", f"{url}, which the draft adds, cannot be read: {error}", fix)


def _check_dead_links(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    keys = {pick.url: pick.key for pick in facts.picks}
    for link in facts.dead_links:
        key = keys.get(link.url, "")
        reason = f"{link.url}: {link.problem or 'does not answer'}"
        fix = "replace the link in its heading, or remove the pick" if key else "correct or remove the link"
        if link.moved_to:
            reason = f"{link.url} has moved to {link.moved_to}"
            fix = f"replace it by {link.moved_to} if that is the work"
        yield CheckProblem("links", reason, fix, key)


def _check_source_gaps(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    period = facts.draft.period
    fix = f"`digest fetch`, then `digest draft {period}`; or `digest approve {period} --accept-gaps`"
    yield from (CheckProblem("ledger", gap, fix) for gap in facts.gaps if not facts.gaps_accepted)


def _check_empty_sections(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    for slug, quota in facts.quotas.items():
        section = facts.draft.find_section(slug)
        if quota and section and not section.entries and not section.intro.strip():
            fix = "pick something, write a line under the heading, or delete the heading"
            yield CheckProblem("empty", f"the section '{section.title}' is empty", fix)


def _check_taxonomy(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    slugs = list(facts.categories)
    for section in facts.draft.sections:
        if slugs and section.picks and section.slug not in slugs:
            fix = f"give the heading one of the taxonomy's anchors, such as {{#{slugs[0]}}}: {', '.join(slugs)}"
            yield CheckProblem("taxonomy", f"the picks of '{section.title}' have no category of the taxonomy", fix)


def _check_mail_length(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    if facts.mail_bytes > GMAIL_CLIP_BYTES:
        size, limit = facts.mail_bytes // 1000, GMAIL_CLIP_BYTES // 1000
        reason = f"the e-mail has {size} kB; Gmail hides what comes after {limit} kB"
        yield CheckProblem("length", reason, "shorten blurbs, or mark picks with `> Also noted`")


def _check_conflicts(facts: ReleaseFacts) -> Iterator[CheckProblem]:
    conflicts = [*facts.draft.conflicts, *(conflict for pick in facts.picks for conflict in pick.conflicts)]
    if conflicts:
        fix = f"read the comments 'conflict' in {facts.file} and delete them"
        yield CheckProblem("conflict", f"{len(conflicts)} of your texts have newer generated ones beside them", fix)


RELEASE_CHECKS: tuple[Callable[[ReleaseFacts], Iterator[CheckProblem]], ...] = (
    _check_has_picks,
    _check_has_intro,
    _check_grounding,
    _check_verdicts,
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
