"""Text of sources, servers and models is shown on a terminal, and cannot steer it."""

from __future__ import annotations

import json
import logging

import pytest
import typer

from digest import cli
from digest.cli.output import JsonLogFormatter, QuietProgress, exit_with_report, print_json, print_table
from digest.errors import DigestError
from digest.protocols import Report

EVIL = "a\x1b[2J\x1b]0;title\x07b\x9b31mc\u202egnp.exe\rd\x7f"
SEEN = "a[2J]0;titleb31mcgnp.exe d"


def test_a_report_its_problems_and_a_table_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        exit_with_report(Report("fetch", EVIL, problems=[EVIL]))
    print_table(["title"], [[EVIL]])
    QuietProgress().print_line(EVIL)
    told = capsys.readouterr()
    assert told.out == f"fetch: {SEEN}\ntitle\n{SEEN}\n"
    assert told.err == f"  ! {SEEN}\n{SEEN}\n"


def test_an_error_holds_none_either(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(prog_name: str) -> None:
        raise DigestError(EVIL, f"{EVIL}\nnext line")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit):
        cli.run_cli()
    assert capsys.readouterr().err == f"digest: {SEEN}\n  → {SEEN}\nnext line\n"


def test_json_for_machines_and_logs_keep_every_character_as_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": EVIL, "words": "naïve \U000e0041"})
    told = capsys.readouterr().out
    record = logging.LogRecord("digest", logging.INFO, "", 0, EVIL, (), None)
    for line in (told.replace("\n", ""), JsonLogFormatter({}).format(record)):
        assert line.isprintable()
    assert json.loads(told) == {"title": EVIL, "words": "naïve \U000e0041"}
    assert "naïve" in told
