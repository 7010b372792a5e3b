"""What every stage is given: the workspace's folder, configuration and store, a clock, a way to tell a person."""

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
_LOG.addHandler(logging.NullHandler())  # a library stays silent until it is asked to speak


_INTERRUPTION_REASONS: dict[type[BaseException], str] = {
    KeyboardInterrupt: "stopped by hand",
    CancelledError: "stopped by hand",
}


@dataclass(frozen=True)
class Context:
    """Values and ports only; `app` is where they are chosen. `make_*` are called by the stages that need them."""

    root: Path
    config: Config
    db: Database
    clock: Clock
    progress: Progress
    make_fetcher: Callable[[], Fetcher]
    make_transport: Callable[[], Transport]
    make_model: Callable[[], Model | None] = lambda: None
    model_summary: str = ""  # which engine, and why, in one line
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
    """Keep a run for the stage: the block fills the report; an exception is kept as the reason and goes on."""
    with context.db.write(durable=False) as session:
        run_id = start_run(session, stage, period, context.now)
    context.active_run_ids.append(run_id)
    report = Report(stage=stage, line="", run_id=run_id)
    _LOG.info("begun", extra={"facts": {"run": run_id, "stage": stage, "period": period}})
    try:
        yield report
    except BaseException as error:
        state = (
            "refused"
            if isinstance(error, CheckFailedError)
            else "failed"
            if isinstance(error, Exception)
            else "interrupted"
        )
        _record_end(
            context, run_id, state, str(error) or _INTERRUPTION_REASONS.get(type(error), type(error).__name__), report
        )
        raise
    else:
        _record_end(context, run_id, report.state, "; ".join(report.problems), report)
    finally:
        context.active_run_ids.remove(run_id)


def _record_end(context: Context, run_id: int, state: str, reason: str, report: Report) -> None:
    facts = {"line": report.line, "numbers": report.numbers, "problems": list(report.problems)}
    level = logging.INFO if state == "done" else logging.WARNING if state == "partial" else logging.ERROR
    told = {"run": run_id, "stage": report.stage, "state": state, "reason": reason, **facts}
    _LOG.log(level, "ended", extra={"facts": told})
    with context.db.write() as session:
        finish_run(session, run_id, state, reason, facts, context.now)
