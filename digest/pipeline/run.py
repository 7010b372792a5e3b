"""`run`: from fetch to draft in one go. A person approves; nothing is published or sent here."""

from __future__ import annotations

import asyncio

from digest.errors import Refused
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.draft import draft
from digest.pipeline.fetch import fetch
from digest.pipeline.judge import judge
from digest.pipeline.rank import rank
from digest.pipeline.tag import tag
from digest.pipeline.taste import learn
from digest.ports import Report


def run(context: Context, period: Period) -> Report:
    """Fetch what is due, tag, learn from past picks, rank, judge with a model if there is one, and draft the period.

    Partial when a source failed; refused, with nothing drafted, when none could be read.
    """
    fetched = asyncio.run(fetch(context))
    stages = [fetched, tag(context)]
    if fetched.state == "failed":
        raise Refused(
            f"no source could be read: {'; '.join(fetched.problems[:3])}",
            "look at the network and at `digest status`, then run it again; nothing was drafted",
        )
    learn(context)
    stages.append(rank(context, period))
    judged = judge(context, period)
    stages.append(judged)
    if judged.numbers:
        stages.append(rank(context, period))
    stages.append(draft(context, period))
    worst = max((stage.state for stage in stages), key=("done", "partial", "failed").index)
    return Report(
        stage="run",
        line="; ".join(stage.line for stage in stages),
        state=worst,
        numbers={stage.stage: stage.numbers for stage in stages},
        problems=[problem for stage in stages for problem in stage.problems],
        run_id=stages[-1].run_id,
    )
