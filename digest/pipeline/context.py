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

from digest.config import Config
from digest.errors import Refused
from digest.periods import Period, parse
from digest.ports import Clock, Fetcher, Model, Progress, Report, Transport
from digest.store import runs
from digest.store.database import Database

_LOG = logging.getLogger("digest")
_LOG.addHandler(logging.NullHandler())  # a library stays silent until it is asked to speak


_UNSAID: dict[type[BaseException], str] = {KeyboardInterrupt: "stopped by hand", CancelledError: "stopped by hand"}


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
    model_line: str = ""  # which engine, and why, in one line
    environ: Mapping[str, str] = field(default_factory=dict)  # secrets only come from here
    run_ids: list[int] = field(default_factory=list)  # of what is under way, the outermost first

    @property
    def now(self) -> datetime:
        return self.clock()

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.newsletter.timezone)

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def templates(self) -> Path:
        return self.root / "templates"

    def period(self, text: str) -> Period:
        """Read a period as the newsletter's time zone sees it."""
        return parse(text, self.now, self.zone)


@contextmanager
def recorded(context: Context, stage: str, period: str | None = None) -> Iterator[Report]:
    """Keep a run for the stage: the block fills the report; an exception is kept as the reason and goes on."""
    with context.db.write(lasting=False) as session:
        run_id = runs.start(session, stage, period, context.now)
    context.run_ids.append(run_id)
    report = Report(stage=stage, line="", run_id=run_id)
    _LOG.info("begun", extra={"facts": {"run": run_id, "stage": stage, "period": period}})
    try:
        yield report
    except BaseException as error:
        state = "refused" if isinstance(error, Refused) else "failed" if isinstance(error, Exception) else "interrupted"
        _finish(context, run_id, state, str(error) or _UNSAID.get(type(error), type(error).__name__), report)
        raise
    else:
        _finish(context, run_id, report.state, "; ".join(report.problems), report)
    finally:
        context.run_ids.remove(run_id)


def _finish(context: Context, run_id: int, state: str, reason: str, report: Report) -> None:
    facts = {"line": report.line, "numbers": report.numbers, "problems": list(report.problems)}
    level = logging.INFO if state == "done" else logging.WARNING if state == "partial" else logging.ERROR
    told = {"run": run_id, "stage": report.stage, "state": state, "reason": reason, **facts}
    _LOG.log(level, "ended", extra={"facts": told})
    with context.db.write() as session:
        runs.finish(session, run_id, state, reason, facts, context.now)
