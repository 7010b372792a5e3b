"""Commands of the editor's hour: the draft, its checks, the approval."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import DryRun, Json, MaxUsd, PeriodArg, Provider, app, exit_with_report, open_workspace


@app.command()
def draft(
    period: PeriodArg = "last",
    dry_run: DryRun = False,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    return_: Annotated[bool, typer.Option("--return", help="Only take the approval back; the sheet stays.")] = False,
    as_json: Json = False,
) -> None:
    """Write site/_drafts/PERIOD.md, or merge what is new into it; words changed by hand stay.

    Example: digest draft 2026-10
    """
    with open_workspace(provider) as workspace:
        report = (
            workspace.withdraw_approval(period)
            if return_
            else workspace.draft(period, dry_run=dry_run, max_usd=max_usd)
        )
        exit_with_report(report, as_json)


AcceptGaps = Annotated[bool, typer.Option("--accept-gaps", help="Go on although sources failed or fell silent.")]
CheckLinks = Annotated[
    bool, typer.Option("--links/--no-links", help="Ask the links (arXiv aside) whether they still lead to their works.")
]


@app.command()
def check(
    period: PeriodArg = "last", accept_gaps: AcceptGaps = False, links: CheckLinks = True, as_json: Json = False
) -> None:
    """Run the gates of a draft; exit 4 with each reason and the command that mends it.

    Example: digest check 2026-10
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.check(period, accept_gaps=accept_gaps, links=links), as_json)


@app.command()
def approve(
    period: PeriodArg = "last",
    sign: Annotated[bool, typer.Option("--sign", help="Answer for flagged text with your name.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who approves; the newsletter's author when not said.")] = "",
    accept_gaps: AcceptGaps = False,
    links: CheckLinks = True,
    as_json: Json = False,
) -> None:
    """Approve an issue for publication, after its gates.

    Example: digest approve 2026-10
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.approve(period, by=by, sign=sign, accept_gaps=accept_gaps, links=links), as_json)


@app.command()
def recap(
    period: Annotated[str, typer.Argument(metavar="YEAR", help="2025, 2025-Q3 or 2025-03..2025-07.")],
    by: Annotated[str, typer.Option("--by", help="category, month or both; else as it was, at first both.")] = "",
    max_usd: MaxUsd = None,
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Draft a year in review from the year's picks, by category, by month, or both.

    With a language model each month gets a sentence, cited to its picks; a sentence known is not asked for again.

    Example: digest recap 2025 --by both
    """
    with open_workspace(provider) as workspace:
        exit_with_report(workspace.recap(period, by, max_usd=max_usd), as_json)
