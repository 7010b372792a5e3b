"""An example of a package of plug-ins: a kind of source, a model, an exporter and a renderer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.config.schema import ModelConfig, Newsletter, Source
from digest.errors import ParseError
from digest.mail.exporters import ExportedIssue
from digest.protocols import Completion, Document, Prompt, Request, Response, Usage
from digest.publishing.issue_view import IssueView
from digest.sources import SourceKind
from digest.sources.entries import Entry, Page


def build_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for the changes of the product that the options name."""
    return Request(url=f"{source.url}?product={source.options['product']}", allow_private=source.allow_private)


def parse_response(source: Source, response: Response) -> Page:
    """Read a JSON list of {title, url, text}."""
    try:
        rows = json.loads(response.body)
    except ValueError as error:
        raise ParseError(f"{source.id}: the changes are no JSON") from error
    return Page(entries=[Entry(title=row["title"], url=row["url"], summary=row["text"]) for row in rows])


KIND = SourceKind(build_request, parse_response)


class Oracle:
    """A model that grades everything alike."""

    name = "oracle"

    async def complete(self, prompt: Prompt) -> Completion:
        """Grade every item as relevant."""
        row = {"reason": "It says so.", "category": "agents", "secondary": "none", "relevance": 4, "novelty": 2}
        items = [{"id": item["id"], **row} for item in json.loads(prompt.user)["items"]]
        return Completion("{}", {"items": items}, Usage(10, 10), self.name, "oracle-1")

    async def close(self) -> None:
        """Close nothing."""


def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> Oracle:
    """Create the model of a run."""
    return Oracle()


def export(issue: ExportedIssue, settings: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Write the issue into a file of the intranet."""
    path = Path(settings["folder"]) / f"{issue.name}.html"
    path.write_text(issue.fragment, encoding="utf-8")
    return str(path)


def render(issue: IssueView, newsletter: Newsletter) -> list[Document]:
    """Render the issue as a list of links."""
    links = [f"=> {pick.url} {pick.title}" for section in issue.sections for pick in section.picks]
    text = "\n".join([f"# {issue.title}", *links, ""])
    return [Document(f"gemtext/{issue.period}.gmi", text.encode())]
