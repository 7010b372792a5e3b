"""Load what the release checks need, and run them on a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.context import Context
from digest.db.issues import find_issue, load_covered_in, load_picks
from digest.db.items import load_items_by_key
from digest.db.link_checks import load_link_checks
from digest.db.sources import load_source_states
from digest.drafts.checks import CheckProblem, ReleaseFacts, check_draft
from digest.drafts.lint import lint_draft
from digest.drafts.model import Draft, DraftPick
from digest.drafts.storage import build_pick_rows, copy_issue_with_draft, get_draft_path
from digest.embeddings import load_embeddings
from digest.errors import CheckFailedError
from digest.files import load_template_overrides
from digest.ingest.staleness import find_sources_stale_at_end
from digest.models.issues import Issue
from digest.models.items import Item
from digest.periods import Period
from digest.publishing.corrections import PUBLISHED_STATES
from digest.publishing.links import LinkReport, build_link_report, check_links, collect_draft_links
from digest.publishing.pictures import find_picture_problems
from digest.publishing.render.email import format_size_warning, measure_html_size, render_email
from digest.publishing.view import build_issue_view


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """The problems that prevent a release, and the warnings that do not."""

    problems: list[CheckProblem]
    warnings: list[str]


def check_release(context: Context, period: Period, draft: Draft, **options: Any) -> ReleaseCheck:
    """Run the release checks in a session of their own."""
    with context.db.read() as session:
        return run_release_checks(context, session, period, draft, **options)


def run_release_checks(
    context: Context,
    session: Session,
    period: Period,
    draft: Draft,
    *,
    text: str = "",
    sign: bool = False,
    accept_gaps: bool = False,
    links: LinkReport | None = None,
    unreadable_urls: Mapping[str, str] | None = None,
) -> ReleaseCheck:
    """Run the release checks; `text` is the draft's file, whose prose is linted.

    `links` replaces the stored results of link checks. `unreadable_urls` are added URLs that could not be fetched, with
    the reasons. A published issue may be corrected whatever happened to its works, links and sources since.
    """
    taxonomy = context.config.taxonomy
    keys = [pick.key for _, pick in draft.iter_picks()]
    stale = find_sources_stale_at_end(context, session, period)
    items = load_items_by_key(session, keys)
    issue = find_issue(session, period.name)
    is_published = issue is not None and issue.state in PUBLISHED_STATES
    # A recap shows works withdrawn since as such, because they were published.
    is_new = period.kind == "monthly" and not is_published
    covered_in = load_covered_in(session, period.name) if is_new else {}
    if links is None and not is_published:
        urls = collect_draft_links(context, draft, items)
        links = build_link_report(urls, load_link_checks(session, urls))
    size = _measure_mail_size(context, session, issue, period, draft, items) if issue else 0
    facts = ReleaseFacts(
        draft=_recheck_grounding(draft, items) if is_new else draft,
        unreadable_urls=unreadable_urls or {},
        covered_in={key: covered_in[item.id] for key, item in items.items() if item.id in covered_in},
        signed_keys=keys if sign else _list_signed_keys(session, issue, draft),
        withdrawn={key: item.withdrawn.date() for key, item in items.items() if item.withdrawn and is_new},
        gaps=[*_list_failing_sources(context, session), *_format_stale_sources(context, stale)],
        categories=taxonomy.slugs if period.kind == "monthly" else (),
        quotas={category.slug: category.quota for category in taxonomy.categories},
        mail_bytes=size,
        gaps_accepted=accept_gaps or not is_new,
        dead_links=links.dead_links if links and not is_published else (),
    )
    path = get_draft_path(context, period).relative_to(context.root).as_posix()
    warnings = [f"{path}, line {remark.line}: {remark.message}" for remark in (lint_draft(text) if text else ())]
    prose = [draft.intro, draft.outro, *(text for s in draft.sections for text in (s.intro, s.closing))]
    prose += [pick.blurb for _, pick in draft.iter_picks() if pick.origin == "editor"]
    warnings += find_picture_problems(context, prose)
    return ReleaseCheck(check_draft(facts), [*filter(None, [format_size_warning(size)]), *warnings])


def require_passing(period: Period, check: ReleaseCheck, target_state: str = "approved") -> None:
    """Raise CheckFailedError with every problem and its fix, and with the warnings."""
    if check.problems:
        lines = [f"{problem.reason}\n    → {problem.command}" for problem in check.problems]
        lines += [f"(no obstacle) {warning}" for warning in check.warnings]
        message = f"{period} cannot be {target_state} yet:\n  " + "\n  ".join(lines)
        raise CheckFailedError(message, "fix these problems and run the command again")


def check_draft_links(context: Context, draft: Draft) -> LinkReport:
    """Check the links of a draft whose stored result is missing or old."""
    with context.db.read() as session:
        items = load_items_by_key(session, [pick.key for _, pick in draft.iter_picks()])
    return check_links(context, collect_draft_links(context, draft, items))


def _measure_mail_size(
    context: Context, session: Session, issue: Issue, period: Period, draft: Draft, items: Mapping[str, Item]
) -> int:
    """Measure the HTML of the draft as mail; a recap is mailed as its highlights and a link."""
    rows = [(row, items[pick.key]) for pick, row in build_pick_rows(draft, items)]
    view = build_issue_view(session, context.config, copy_issue_with_draft(issue, draft), period, context.now, rows)
    templates = load_template_overrides(context.template_folder)
    return measure_html_size(render_email(view, context.config.newsletter, templates=templates).html)


def _recheck_grounding(draft: Draft, items: Mapping[str, Item]) -> Draft:
    """Check a model's blurbs against their sources again, because flags can be deleted from the file."""

    def recheck(pick: DraftPick) -> DraftPick:
        if pick.origin != "model" or pick.flags or pick.key not in items:
            return pick
        item = items[pick.key]
        source = prepare_grounding_source(item.title, item.summary, item.content)
        flags = check_grounding(pick.blurb, source, embeddings=load_embeddings())
        return replace(pick, flags=tuple(map(str, flags)))

    return draft.map_picks(recheck)


def _list_signed_keys(session: Session, issue: Issue | None, draft: Draft) -> set[str]:
    """List the picks whose flagged text a person signed and nobody changed since."""
    blurbs = {pick.key: pick.blurb for _, pick in draft.iter_picks()}
    rows = load_picks(session, issue.id) if issue else []
    return {item.key for pick, item in rows if pick.signed_by and blurbs.get(item.key) == pick.blurb}


def _list_failing_sources(context: Context, session: Session) -> list[str]:
    enabled = [source for source in context.config.sources if source.enabled]
    states = load_source_states(session, [source.id for source in enabled])
    return [
        f"{source.label} could not be read: {state.last_error}"
        for source in enabled
        if (state := states.get(source.id)) is not None and state.errors and state.last_error
    ]


def _format_stale_sources(context: Context, stale: Mapping[str, timedelta]) -> list[str]:
    labels = {source.id: source.label for source in context.config.sources}
    return [f"{labels[name]} has published nothing for {age.days} days" for name, age in stale.items()]
