"""The way of an approved issue to its readers: publish, test mail, send, export. The functions are the commands'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from digest.context import Context
from digest.db.deliveries import load_deliveries
from digest.db.issues import get_issue, load_issues_with_pick_counts
from digest.errors import ConfigError
from digest.mail.exporters import EXPORTERS, export_mail_draft
from digest.mail.send import send_issue, send_test_message
from digest.periods import Period
from digest.protocols import Report
from digest.publishing.publish import publish_issue
from digest.publishing.render.templates import render_template

Step = Callable[[Context, Period, Mapping[str, Any]], Report]
_NEEDS_CONFIRMATION = ("publish", "send", "export")


def render_issue_list(context: Context) -> str:
    """Render the page of all issues with their states."""
    with context.db.read() as session:
        rows = load_issues_with_pick_counts(session)
    issues = [{"period": issue.period, "state": issue.state, "picks": n, "title": issue.title} for issue, n in rows]
    return render_template("desk/issues.html.j2", {}, issues=issues[::-1], newsletter=context.config.newsletter)


def render_release_pane(context: Context, period: Period) -> str:
    """Render the steps that the state of the issue allows."""
    with context.db.read() as session:
        issue = get_issue(session, period.name)
        deliveries = [delivery.state for delivery, _ in load_deliveries(session, issue.id)]
    tally = {state: deliveries.count(state) for state in sorted(set(deliveries))}
    values = {"state": issue.state, "deliveries": tally, "platforms": sorted(EXPORTERS)}
    transport = context.config.mail.transport
    return render_template("desk/release.html.j2", {}, period=period.name, transport=transport, **values)


def run_release_step(context: Context, period: Period, body: Any) -> Report:
    """Run a step; what reaches readers needs `confirmed` as well. Raises ConfigError for another request."""
    step = body.get("step") if isinstance(body, dict) else None
    if step not in _STEPS:
        raise ConfigError(f"{step!r} is not a step of the release", "load the page again")
    if step in _NEEDS_CONFIRMATION and body.get("confirmed") is not True:
        raise ConfigError(f"{step} needs a second yes", "confirm it in the page")
    return _STEPS[step](context, period, body)


def _send(context: Context, period: Period, body: Mapping[str, Any]) -> Report:
    number = str(body.get("expect", "")).strip()
    if not number.isdigit():
        raise ConfigError("the number of subscribers is missing", "type the number that the page counted")
    return send_issue(context, period, is_confirmed=True, expected_count=int(number))


_STEPS: dict[str, Step] = {
    "plan": lambda context, period, body: publish_issue(context, period, dry_run=True),
    "publish": lambda context, period, body: publish_issue(context, period),
    "test": lambda context, period, body: send_test_message(context, period, str(body.get("address", ""))),
    "count": lambda context, period, body: send_issue(context, period),
    "send": _send,
    "export": lambda context, period, body: export_mail_draft(context, period, str(body.get("platform", ""))),
}
