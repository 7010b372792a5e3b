"""The context of every stage: folder, configuration, database, clock and display; and the record of runs."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.config.schema import Config
from digest.db.engine import Database
from digest.db.runs import finish_run, start_run
from digest.errors import CheckFailedError
from digest.periods import Period, parse_period
from digest.protocols import Clock, Fetcher, Model, Progress, Report, Transport

_LOG = logging.getLogger("digest")
_LOG.addHandler(logging.NullHandler())  # a library logs nothing until a handler is set


@dataclass(frozen=True)
class Context:
    """What a stage needs; `app` chooses the implementations. Stages that need one call `make_*`."""

    root: Path
    config: Config
    db: Database
    clock: Clock
    progress: Progress
    make_fetcher: Callable[[], Fetcher]
    make_transport: Callable[[], Transport]
    make_model: Callable[[], Model | None] = lambda: None
    model_summary: str = ""  # which engine, and why, in one line
    # Asks the workers of the database to take batches of a stage, given its name and argument.
    call_helpers: Callable[[str, str], None] = lambda stage, argument: None
    environ: Mapping[str, str] = field(default_factory=dict)  # secrets only come from here
    active_run_ids: list[int] = field(default_factory=list)  # of what is under way, the outermost first

    @property
    def now(self) -> datetime:
        return self.clock()

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.newsletter.timezone)

    @property
    def site_folder(self) -> Path:
        return self.root / "site"

    @property
    def template_folder(self) -> Path:
        return self.root / "templates"

    def parse_period(self, text: str) -> Period:
        """Read a period as the newsletter's time zone sees it."""
        return parse_period(text, self.now, self.zone)


@contextmanager
def record_run(context: Context, stage: str, period: str | None = None) -> Iterator[Report]:
    """Record a run of a stage: the block fills the report; an exception becomes the reason and is raised again."""
    with context.db.write(durable=False) as session:
        run_id = start_run(session, stage, period, context.now)
    context.active_run_ids.append(run_id)
    report = Report(stage=stage, line="", run_id=run_id)
    _LOG.info("begun", extra={"facts": {"run": run_id, "stage": stage, "period": period}})
    try:
        yield report
    except BaseException as error:
        _finish_run(context, report, _describe_end(error), str(error) or _describe_interruption(error))
        raise
    else:
        _finish_run(context, report, report.state, "; ".join(report.problems))
    finally:
        context.active_run_ids.remove(run_id)


def _describe_end(error: BaseException) -> str:
    if isinstance(error, CheckFailedError):
        return "refused"
    return "failed" if isinstance(error, Exception) else "interrupted"


def _describe_interruption(error: BaseException) -> str:
    return "stopped by hand" if isinstance(error, KeyboardInterrupt | CancelledError) else type(error).__name__


def _finish_run(context: Context, report: Report, state: str, reason: str) -> None:
    outcome = {"line": report.line, "numbers": report.numbers, "problems": list(report.problems)}
    level = logging.INFO if state == "done" else logging.WARNING if state == "partial" else logging.ERROR
    entry = {"run": report.run_id, "stage": report.stage, "state": state, "reason": reason, **outcome}
    _LOG.log(level, "ended", extra={"facts": entry})
    with context.db.write() as session:
        finish_run(session, report.run_id or 0, state, reason, outcome, context.now)
