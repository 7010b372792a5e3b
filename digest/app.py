"""The composition root and public API: a workspace with each stage as a method.

from digest import Workspace
with Workspace("my-newsletter") as workspace:
    print(workspace.fetch().line)
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from digest.aio import run_sync
from digest.config.loader import load_config
from digest.config.schema import Config
from digest.context import Context
from digest.db.engine import DATABASE_FILE, Database, uses_postgres
from digest.errors import StoreError
from digest.files import remove_abandoned_files
from digest.ops.backup import describe_lost_database
from digest.protocols import Clock, Fetcher, NullProgress, Progress, Report, Transport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.llm import ModelChoice
    from digest.models.items import Item
    from digest.ops.status import RunDetails, RunRow, Status
    from digest.ranking.types import Candidate


def read_system_clock() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class Workspace:
    """A folder with sources.yaml, templates/, site/ and digest.db. Periods are given as text: 2026-10, last, 2026."""

    def __init__(
        self,
        root: Path | str = ".",
        *,
        clock: Clock = read_system_clock,
        progress: Progress | None = None,
        provider: str = "",
    ) -> None:
        self.root = Path(root).resolve()
        self._clock = clock
        self._provider = provider
        self._progress: Progress = progress or NullProgress()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        if "db" in self.__dict__:
            self.db.close()

    @cached_property
    def config(self) -> Config:
        """sources.yaml, validated whole; raises ConfigError. Secrets of the workspace's .env are loaded first."""
        if (self.root / ".env").is_file():
            from dotenv import load_dotenv

            load_dotenv(self.root / ".env", override=False)
        config = load_config(self.root / "sources.yaml")
        if config.network.proxy:  # clients of models and mailing platforms read proxies from the environment only
            os.environ |= dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), config.network.proxy)
        return config

    @cached_property
    def db(self) -> Database:
        """The database, migrated to the newest schema."""
        _ = self.config  # a folder that is no workspace gets no database
        remove_abandoned_files(self.root)
        path = self.root / DATABASE_FILE
        if path.exists() and (loss := describe_lost_database(self.root)):
            raise StoreError(loss, f"run `digest backup --restore FILE`, or remove {DATABASE_FILE} to start empty")
        if not path.exists() and (loss := describe_lost_database(self.root)):
            restore = "restore the old one with `digest backup --restore FILE`"
            self._progress.print_line(f"digest: {loss}; a new database is made: {restore}")
        return Database(path)

    @cached_property
    def context(self) -> Context:
        """The context given to every stage."""
        return Context(
            root=self.root,
            config=self.config,
            db=self.db,
            clock=self._clock,
            progress=self._progress,
            make_fetcher=self._make_fetcher,
            make_transport=self._make_transport,
            make_model=self.model.create,
            model_summary=self.model.description,
            call_helpers=self._call_helpers,
            environ=os.environ,
        )

    def fetch(self, sources: Sequence[str] = (), *, force: bool = False) -> Report:
        """Fetch the sources that are due, or those named, and the works that several of them name."""
        from digest.ingest.radar import fetch_with_radar

        return fetch_with_radar(self.context, sources, force=force)

    def radar(self, period: str = "this", *, read: bool = True) -> tuple[Report, list[dict[str, Any]]]:
        """Read the works that several sources name in a period; return who named each, when and in which words."""
        from digest.ingest.radar import list_named_works, read_radar

        chosen = self.context.parse_period(period)
        report = read_radar(self.context, chosen, should_fetch=read)
        return report, list_named_works(self.context, chosen)

    def backfill(self, period: str, source: str = "") -> Report:
        """Fetch months of arXiv by date of first submission, from the last checkpoint on."""
        from digest.ingest.backfill import backfill_arxiv

        return run_sync(backfill_arxiv(self.context, self.context.parse_period(period), source))

    def add_url(
        self, url: str, source: str = "manual", *, note: str = "", category: str = "", pick: bool = False
    ) -> Report:
        """Add one work by its URL, with a note on why, and file it under a category; `pick` puts it in the issue."""
        from digest.ingest.add import add_url
        from digest.tagging.items import correct_category

        item, report = add_url(self.context, url, source, note=note, is_pick=pick)
        if category:
            correct_category(self.context, item.key, category)
        return report

    def add_jsonl(self, path: Path | str, source: str = "manual") -> Report:
        """Add every line of a file of JSON lines."""
        from digest.ingest.add import add_jsonl_file

        return add_jsonl_file(self.context, Path(path), source)

    def search(self, query: str, limit: int = 20) -> list[Item]:
        """Find the items that hold all the words, best first."""
        from digest.db.search import is_search_index_complete, search_items, update_search_index

        with self.db.read() as session:
            is_complete = is_search_index_complete(session)
        if not is_complete:
            with self.db.write() as session:
                update_search_index(session)
        with self.db.read() as session:
            return search_items(session, query, limit)

    def tag(self, *, again: bool = False) -> Report:
        """Sort new and changed items into categories, or everything `again`."""
        from digest.tagging.stage import tag_items

        return tag_items(self.context, retag=again)

    def rank(self, period: str = "last", *, learn: bool = False) -> Report:
        """Rank a period's candidates; with `learn`, learn from past picks first."""
        from digest.ranking.stage import learn_preferences, rank_period

        if learn:
            learn_preferences(self.context)
        return rank_period(self.context, self.context.parse_period(period))

    def judge(self, period: str = "last", *, limit: int | None = None, max_usd: float | None = None) -> Report:
        """Let the language model grade the best candidates; does nothing without one."""
        from digest.tagging.grade import grade_candidates

        return grade_candidates(self.context, self.context.parse_period(period), limit=limit, max_usd=max_usd)

    def estimate(self, period: str = "last", *, limit: int | None = None) -> Report:
        """Estimate what grading and writing would send and cost."""
        from digest.ops.estimate import estimate_costs

        return estimate_costs(self.context, self.context.parse_period(period), self.model.provider, limit=limit)

    def items(self, period: str = "last", limit: int = 50) -> list[Item]:
        """List a ranked period's items, best first."""
        from digest.db.predictions import load_ranking

        with self.db.read() as session:
            return [item for _, item in load_ranking(session, self.context.parse_period(period).name, limit)]

    def candidates(self, period: str = "last", limit: int | None = 50) -> list[Candidate]:
        """Return a ranked period's candidates with all that is stored on them, best first."""
        from digest.ranking.stage import load_ranked_candidates

        with self.db.read() as session:
            return load_ranked_candidates(session, self.context.parse_period(period).name, limit, self.config)

    def muted(self, period: str = "last") -> list[dict[str, str]]:
        """List the items of a period that are muted, with the phrase that mutes each."""
        from digest.ranking.stage import list_muted

        return list_muted(self.context, self.context.parse_period(period))

    def explain(self, period: str, item: str) -> dict[str, Any]:
        """Explain an item's score by its features."""
        from digest.ranking.stage import explain_ranking

        return explain_ranking(self.context, self.context.parse_period(period), item)

    def draft(
        self,
        period: str = "last",
        *,
        dry_run: bool = False,
        accept_gaps: bool = False,
        max_usd: float | None = None,
    ) -> Report:
        """Write the draft, or merge new material into it; a recap keeps its form.

        Raises CheckFailedError for a month read in part, unless `accept_gaps`.
        """
        from digest.drafts.recap import draft_recap
        from digest.drafts.stage import draft_issue

        chosen = self.context.parse_period(period)
        if chosen.kind != "monthly":
            return draft_recap(self.context, chosen, max_usd=max_usd, dry_run=dry_run)
        return draft_issue(self.context, chosen, dry_run=dry_run, accept_gaps=accept_gaps, max_usd=max_usd)

    def withdraw_approval(self, period: str = "last") -> Report:
        """Make an approved issue a draft again; raises CheckFailedError once it is published."""
        from digest.publishing.approve import revoke_approval

        return revoke_approval(self.context, self.context.parse_period(period))

    def check(self, period: str = "last", *, accept_gaps: bool = False, links: bool = False) -> Report:
        """Run the release checks; raises CheckFailedError with each reason. `links` requests each link again."""
        from digest.publishing.approve import check_issue

        return check_issue(
            self.context, self.context.parse_period(period), accept_gaps=accept_gaps, should_check_links=links
        )

    def approve(
        self, period: str = "last", *, by: str = "", sign: bool = False, accept_gaps: bool = False, links: bool = False
    ) -> Report:
        """Approve the draft as the issue; raises CheckFailedError when a check fails."""
        from digest.publishing.approve import approve_issue

        chosen = self.context.parse_period(period)
        return approve_issue(
            self.context, chosen, approver=by, sign=sign, accept_gaps=accept_gaps, should_check_links=links
        )

    def publish(self, period: str = "last", *, correct: str | None = None, dry_run: bool = False) -> Report:
        """Write post, feeds and site data; `correct` tells readers what was wrong in a published issue."""
        from digest.publishing.publish import publish_issue

        return publish_issue(self.context, self.context.parse_period(period), correction=correct, dry_run=dry_run)

    def refresh(self, names: Sequence[str] = (), *, ask: bool = True, apply: bool = False) -> Report:
        """Check published works again and propose errata; `apply` adds them, all or those of keys or periods."""
        from digest.publishing.refresh import refresh_issues

        return refresh_issues(self.context, names, should_fetch=ask, apply=apply)

    def recap(
        self,
        period: str,
        form: str = "",
        *,
        keep: int | None = None,
        published_only: bool | None = None,
        max_usd: float | None = None,
    ) -> Report:
        """Draft a year, quarter or range in review, by category, month or both; by default as before.

        `keep` is the number of favourites that have their text; 0 keeps all.
        """
        from digest.drafts.recap import RecapOptions, draft_recap

        options = RecapOptions(form, keep, published_only)
        return draft_recap(self.context, self.context.parse_period(period), options, max_usd=max_usd)

    def send(
        self, period: str = "last", *, yes: bool = False, expect: int | None = None, again: Sequence[str] = ()
    ) -> Report:
        """Mail a published issue; a dry run unless `yes`. `again` names failed or unknown deliveries."""
        from digest.mail.send import send_issue

        return send_issue(
            self.context,
            self.context.parse_period(period),
            is_confirmed=yes,
            expected_count=expect,
            retry_addresses=again,
        )

    def add_subscriber(self, address: str, *, confirmed: bool = False) -> None:
        """Add a subscriber, pending until confirmed."""
        from digest.mail.subscribers import subscribe_address

        subscribe_address(self.context, address, is_confirmed=confirmed)

    def run(self, period: str = "last", *, accept_gaps: bool = False, max_usd: float | None = None) -> Report:
        """Fetch, tag, rank and draft; raises CheckFailedError, without a draft, when the run is unhealthy."""
        from digest.ops.run import run_pipeline

        return run_pipeline(self.context, self.context.parse_period(period), accept_gaps=accept_gaps, max_usd=max_usd)

    def status(self) -> Status:
        """Describe sources, due jobs, issues and totals."""
        from digest.ops.status import load_status

        return load_status(self.context)

    def runs(self, limit: int = 20) -> list[RunRow]:
        """List the newest runs, newest first."""
        from digest.ops.status import load_run_rows

        return load_run_rows(self.context, limit)

    def explain_run(self, number: int) -> RunDetails:
        """Describe one run, its reason and its results by source; raises NotFoundError."""
        from digest.ops.status import explain_run

        return explain_run(self.context, number)

    def _call_helpers(self, stage: str, argument: str) -> None:
        if uses_postgres():
            from digest.db.queue import request_help

            request_help(self.root.name, stage, argument)

    def _make_fetcher(self) -> Fetcher:
        from digest.db.locks import DatabaseHostLock
        from digest.http.client import Client
        from digest.http.rate_limit import RateLimiter

        newsletter = self.config.newsletter
        contact = "; ".join(part for part in (newsletter.address, newsletter.email) if part)
        limiter = RateLimiter(host_lock=DatabaseHostLock(self.db))
        return Client(contact=contact, rate_limiter=limiter, network=self.config.network)

    def _make_transport(self) -> Transport:
        from digest.mail import create_transport

        return create_transport(self.config.mail, self.root)

    @cached_property
    def model(self) -> ModelChoice:
        """The language model in use, if any, and why."""
        from digest.llm import choose_model

        return choose_model(self.config.model, os.environ, self.root, self._provider)


def initialise(folder: Path | str) -> tuple[int, int]:
    """Make a workspace; return how many files were written and how many existed."""
    from digest.ops.workspace import create_workspace

    return create_workspace(Path(folder))
