"""An installed outside package adds a source, a model, an exporter and a renderer; a broken one is named and left out."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app import Workspace
from digest.config.schema import MailConfig
from digest.errors import ConfigError
from digest.llm import choose_model
from digest.mail.exporters import export_mail_draft, find_exporter
from digest.plugins import find_broken_plugins, list_plugins
from digest.protocols import Report
from digest.publishing.publish import write_site
from tests.http.server import answer, serving
from tests.mail.kill_send import PERIOD, publish
from tests.mail.kill_send import opened as open_published
from tests.ops.workspace import configure, made

EXAMPLE = Path(__file__).with_name("example")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the example on the path, as an installed package would be."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    sys.modules.pop("digest_changelog", None)


async def test_a_kind_of_source_from_outside_is_fetched_in_the_parser_process(tmp_path: Path) -> None:
    rows = [{"title": "Tools 2.0 calls agents", "url": "https://tools.example/2", "text": "Agents can be called."}]
    folder = made(tmp_path / "news")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLE), *sys.path])}
    async with serving() as server:
        server.otherwise = answer(200, [("content-type", "application/json")], json.dumps(rows).encode())
        source = {"id": "tools", "kind": "changelog", "url": server.url("/changes"), "options": {"product": "tools"}}
        configure(folder, sources=[source | {"allow_private": True}])
        fetch = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "digest", "fetch", cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await fetch.communicate()
    assert b"1 new" in printed, printed.decode()


def test_an_unknown_kind_is_reported_with_the_kinds_of_plugins(tmp_path: Path) -> None:
    folder = made(tmp_path / "news")
    configure(folder, sources=[{"id": "tools", "kind": "changelogs", "url": "https://tools.example"}])
    with pytest.raises(ConfigError, match="changelog"):
        _ = Workspace(folder).config


def test_a_model_from_outside_is_chosen_by_its_name(tmp_path: Path) -> None:
    configuration = Workspace(made(tmp_path / "news")).config
    model = choose_model(configuration.model, {}, tmp_path, provider="oracle").create()
    assert model is not None
    assert model.name == "oracle"


def test_an_exporter_from_outside_gets_the_issue(tmp_path: Path) -> None:
    publish(tmp_path, 0)
    context = open_published(tmp_path, MailConfig(exporters={"intranet": {"folder": str(tmp_path)}}))
    report = export_mail_draft(context, PERIOD, "intranet")
    assert (tmp_path / f"{PERIOD}.html").read_text(encoding="utf-8").lstrip().startswith("<h2>")
    assert str(tmp_path) in report.line


def test_a_renderer_from_outside_writes_its_files_below_the_site(tmp_path: Path) -> None:
    made(tmp_path)
    publish(tmp_path, 0)
    configure(tmp_path, site={"renderers": ["gemtext"]})
    with Workspace(tmp_path) as workspace:
        report = Report("publish", "")
        write_site(workspace.context, report, PERIOD.name)
    assert (tmp_path / "site" / "gemtext" / f"{PERIOD}.gmi").read_text(encoding="utf-8").startswith("# ")


def test_a_broken_plugin_is_named_with_its_package_and_affects_nothing_else(tmp_path: Path) -> None:
    assert list_plugins("digest.sources") == ["broken", "changelog"]
    assert [problem for problem in find_broken_plugins() if "digest-changelog" in problem and "'broken'" in problem]
    assert find_exporter("intranet") is not None
    folder = made(tmp_path / "news")
    configure(folder, sources=[{"id": "tools", "kind": "broken", "url": "https://tools.example"}])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLE), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "digest", "doctor"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "digest-changelog" in done.stdout
