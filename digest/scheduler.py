"""Stays and drafts every month by the cadence in sources.yaml. What is due is computed here; APScheduler only waits."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from digest.errors import DigestError
from digest.periods import month_of

if TYPE_CHECKING:
    from digest.app import Workspace
    from digest.config import Cadence


def business_day(year: int, month: int, number: int) -> date:
    """The month's nth day from Monday to Friday; holidays are not known here."""
    day = date(year, month, 1)
    while True:
        number -= day.weekday() < 5
        if number == 0:
            return day
        day += timedelta(days=1)


def next_draft(cadence: Cadence, after: datetime) -> datetime:
    """The first moment later than `after` at which a month is drafted; `after` bears the newsletter's time zone."""
    month = month_of(after, after.tzinfo) if after.tzinfo else month_of(after)
    while True:
        day = business_day(*month.first, cadence.draft_business_day)
        moment = datetime.combine(day, time(cadence.draft_hour), after.tzinfo)
        if moment > after:
            return moment
        month = month_of(month.end(after.tzinfo), after.tzinfo) if after.tzinfo else month_of(month.end())


def stay(workspace: Workspace) -> None:
    """Run the monthly job until interrupted. A run that fails is told and tried again at the next date."""
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.date import DateTrigger

    context = workspace.context
    # APScheduler's default drops a job that is a second late; ours must run whenever the machine wakes.
    scheduler = BlockingScheduler(
        timezone=context.zone, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def plan() -> None:
        moment = next_draft(context.config.cadence, context.now.astimezone(context.zone))
        context.progress.say(f"schedule: the next draft is made at {moment:%Y-%m-%d %H:%M %Z}")
        scheduler.add_job(job, DateTrigger(moment), id="draft", replace_existing=True)

    def job() -> None:
        try:
            context.progress.say(f"run: {workspace.run('last').line}")
        except DigestError as error:
            context.progress.say(f"run: {error.message} ({error.hint})")
        plan()

    plan()
    try:
        scheduler.start()
    except KeyboardInterrupt:
        scheduler.shutdown(wait=False)
