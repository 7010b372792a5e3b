"""Stage `recap`: draft a year, quarter or range in review from its published picks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast, get_args

from sqlmodel import Session

from digest.blurbs.generate import BlurbResults
from digest.context import Context, record_run
from digest.db.issues import find_issue, load_covered_in, load_predictions
from digest.db.items import count_sources_of_popular_items, load_items_by_id, load_items_by_key
from digest.drafts.archive import load_review
from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.model import DraftCandidate, DraftPrediction
from digest.drafts.propose import DraftProposal, format_item_facts
from digest.drafts.recap.build import (
    RecapForm,
    build_carried_draft,
    build_recap_draft,
    compute_figures,
    find_missed_works,
)
from digest.drafts.recap.favourites import select_favourites
from digest.drafts.recap.month_chapters import MonthChapter, load_month_chapters, mark_introduced_picks
from digest.drafts.recap.month_summary import MonthSummaries, generate_month_summaries
from digest.drafts.recap.picks import PastPick, deduplicate_picks, find_months_to_rank, load_past_picks
from digest.drafts.stage import count_read_by_source, require_draftable, write_draft
from digest.errors import CheckFailedError, ConfigError
from digest.i18n import load_translations
from digest.models.issues import Issue
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.stage import rank_period

RECAP_FORMS: tuple[str, ...] = get_args(RecapForm)
# Sources, including a work's own, that must name a work before a recap lists it as missed.
_MISSED_MIN_MENTIONS = 3


@dataclass(frozen=True, slots=True)
class RecapOptions:
    """How a recap is made; what is empty or None is as it was drafted before."""

    form: str = ""  # category, month or both; at first both
    keep: int | None = None  # the number of favourites that have their text; 0 keeps all
    published_only: bool | None = None

    def complete(self, issue: Issue | None, review: ArchiveReview | None) -> RecapOptions:
        """Fill in what the last draft, or the imported review, was made with."""
        numbers = issue.numbers if issue else {}
        form = self.form or (issue.form if issue else review.form if review else "both")
        keep = self.keep if self.keep is not None else int(numbers.get("keep") or 0)
        published_only = self.published_only if self.published_only is not None else numbers.get("published_only")
        return RecapOptions(form, keep, bool(published_only))


@dataclass(frozen=True, slots=True)
class _RecapInputs:
    """The rows from which a recap is built."""

    # The review as the author published it, where it was imported.
    carried: ArchiveReview | None
    picks: list[PastPick]
    items: Mapping[str, Item]
    missed: list[DraftCandidate]
    predictions: list[DraftPrediction]
    read_by_month: Mapping[str, int]
    chapters: Mapping[str, MonthChapter]

    def get_chapter(self, month: str) -> MonthChapter:
        return self.chapters.get(month, MonthChapter())


def draft_recap(
    context: Context,
    period: Period,
    options: RecapOptions | None = None,
    *,
    max_usd: float | None = None,
    dry_run: bool = False,
) -> Report:
    """Draft the review of a period longer than a month, and merge it like any other draft.

    Published months bring the editor's text; on the others a model writes a sentence, for `max_usd` at most.
    """
    options = options or RecapOptions()
    if period.kind == "monthly":
        raise ConfigError(f"{period} is one month", "a recap takes 2025, 2025-Q3 or 2025-03..2025-07")
    if options.form and options.form not in RECAP_FORMS:
        raise ConfigError(f"--by {options.form!r} is unknown", f"allowed: {', '.join(RECAP_FORMS)}")
    with record_run(context, "recap", period.name) as report:
        with context.db.read() as session:
            require_draftable(session, period)
            issue = find_issue(session, period.name)
            review = load_review(session, period.name)
            options = options.complete(issue, review)
            carried = review if review and review.form == options.form and not options.keep else None
            unranked = [] if carried or options.published_only else find_months_to_rank(session, period)
        ranked = [month.name for month in unranked if rank_period(context, month).numbers["candidates"]]
        with context.db.read() as session:
            inputs = _load_inputs(context, session, period, options, carried)
        summaries = MonthSummaries()
        if options.form != "category" and not dry_run and not carried:
            open_picks = [past for past in inputs.picks if not inputs.get_chapter(past.month).text]
            summaries = generate_month_summaries(context, period, open_picks, inputs.items, report.run_id, max_usd)
        proposal = _build_proposal(context, period, options, inputs, summaries)
        write_draft(context, period, proposal, report, max_usd=max_usd, dry_run=dry_run)
        months = {} if carried else proposal.figures["months"]
        empty = [name for name, figures in months.items() if not figures["kept"]]
        for text, months in (
            ("never published, taken from the ranking: ", proposal.figures.get("unpublished", ())),
            ("ranked for it just now: ", ranked),
            ("with the text of ", sorted(inputs.chapters) if options.form != "category" and not carried else []),
            ("no work of ", empty),
        ):
            report.line += f"; {text}{', '.join(months)}" if months else ""
        report.line += f"; {options.keep} kept in full, the rest in one line each" if options.keep else ""
        report.line += f"; {summaries.message}" if summaries.message else ""
        report.line += f"; the text of “{carried.title}”, as you published it" if carried else ""
        report.problems = [*report.problems, *summaries.problems]
        if summaries.is_model_unavailable:
            report.state = "partial"
    return report


def _load_inputs(
    context: Context, session: Session, period: Period, options: RecapOptions, carried: ArchiveReview | None
) -> _RecapInputs:
    picks = load_past_picks(context, session, period, published_only=bool(options.published_only))
    if not picks and carried is None:
        raise CheckFailedError(
            f"nothing of {period} was published, imported or ranked",
            "publish or import its months, or `digest rank` them",
        )
    keys = [past.pick.key for past in picks]
    predictions = load_predictions(session, period.last[0]) if period.kind == "yearly" else []
    chapters = load_month_chapters(context.config, session, period.months())
    return _RecapInputs(
        carried,
        mark_introduced_picks(picks, chapters),
        load_items_by_key(session, keys),
        _load_missed(context, session, period, keys),
        [DraftPrediction(row.id, row.text, cast(Any, row.outcome)) for row in predictions],
        {month.name: sum(count_read_by_source(context, session, month).values()) for month in period.months()},
        chapters,
    )


def _load_missed(context: Context, session: Session, period: Period, picked_keys: list[str]) -> list[DraftCandidate]:
    """Load works that several sources named and no issue has, all ticked for the editor to decide."""
    start, end = period.start(context.zone), period.end(context.zone)
    mentions = count_sources_of_popular_items(session, start, end, _MISSED_MIN_MENTIONS)
    covered = load_items_by_id(session, load_covered_in(session, period.name)).values()
    covered_keys = [*picked_keys, *(item.key for item in covered)]
    keys = find_missed_works(mentions, covered_keys, min_mentions=_MISSED_MIN_MENTIONS)
    items = load_items_by_key(session, keys)
    candidates = []
    for item in (items[key] for key in keys):
        byline = format_item_facts(context.config, item, None)
        candidates.append(DraftCandidate(item.key, item.title, item.url, byline, mentions=mentions[item.key], mark="x"))
    return candidates


def _build_proposal(
    context: Context, period: Period, options: RecapOptions, inputs: _RecapInputs, summaries: MonthSummaries
) -> DraftProposal:
    config = context.config
    translations = load_translations(config.newsletter.language)
    title = translations("in_review", period=translations.period(period.name))
    format_month = translations.month_name if period.kind == "yearly" else translations.period
    if inputs.carried:
        draft = build_carried_draft(
            period.name, period.end(context.zone), inputs.carried, form=cast(RecapForm, options.form)
        )
        draft = replace(draft, predictions=tuple(inputs.predictions), missed=tuple(inputs.missed))
        return DraftProposal(draft, BlurbResults())
    draft = build_recap_draft(
        period.name,
        f"{config.newsletter.title}: {title}",
        period.end(context.zone),
        inputs.picks,
        {category.slug: category.title for category in config.taxonomy.categories},
        {month.name: format_month(month.name) for month in period.months()},
        translations,
        form=cast(RecapForm, options.form),
        month_summaries=summaries.by_month,
        missed=inputs.missed,
        predictions=inputs.predictions,
        chapters=inputs.chapters,
        favourites=select_favourites(deduplicate_picks(inputs.picks), options.keep) if options.keep else None,
    )
    figures = asdict(compute_figures(inputs.picks, inputs.read_by_month))
    return DraftProposal(
        draft, BlurbResults(), figures | {"keep": options.keep, "published_only": options.published_only}
    )
