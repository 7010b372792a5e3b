"""Render an issue for those who cite or process it: BibTeX, RIS, CSL-JSON, JSON and Markdown, and llms.txt.

The files are beside the issue's page. None states what the program thinks of a work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from digest.config.schema import Newsletter
from digest.markdown.escape import encode_link
from digest.protocols import Document
from digest.publishing.issue_view import IssueView, PickView
from digest.publishing.render.presentation import describe_issue, make_anchor, present_issue, sort_newest_first
from digest.publishing.render.templates import TemplateOverrides, render_template
from digest.text import normalise_line, strip_hidden

CITATION_FILES = {"BibTeX": "works.bib", "RIS": "works.ris", "CSL-JSON": "works.csl.json"}
COPY_FILES = {"Markdown": "issue.md", "JSON": "issue.json"}
# LaTeX gives these a meaning (https://ctan.org/pkg/comprehensive, table 1).
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}
_ARXIV_KEY = re.compile(r"arxiv:(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})")


def render_citations(
    views: Sequence[IssueView], newsletter: Newsletter, templates: TemplateOverrides | None = None
) -> list[Document]:
    """Render the files of each issue with picks, and llms.txt, which lists them."""
    documents = []
    cited = [view for view in sort_newest_first(views) if view.picks()]
    for view in cited:
        picks, folder = view.picks(), view.path.strip("/")
        bodies = {
            "works.bib": "\n".join(_format_bibtex(pick) for pick in picks),
            "works.ris": "".join(_format_ris(pick) for pick in picks),
            "works.csl.json": _dump([_build_csl(pick) for pick in picks]),
            "issue.json": _dump(_build_issue(view, newsletter)),
            "issue.md": _render_markdown(view, newsletter, templates),
        }
        documents += [Document(f"{folder}/{name}", strip_hidden(body).encode()) for name, body in bodies.items()]
    return [*documents, _render_llms(cited, newsletter)]


def _format_bibtex(pick: PickView) -> str:
    fields = {
        "title": f"{{{_escape_latex(pick.title)}}}",
        "author": " and ".join(f"{{{_escape_latex(name)}}}" for name in pick.authors),
        "year": f"{pick.published:%Y}" if pick.published else "",
        "month": f"{pick.published.month}" if pick.published else "",
        "howpublished": _escape_latex(pick.venue),
        "eprint": _find_arxiv_id(pick),
        "archiveprefix": "arXiv" if _find_arxiv_id(pick) else "",
        "url": encode_link(pick.url),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{make_anchor(pick.anchor)},\n{lines}}}\n"


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in normalise_line(text))


def _find_arxiv_id(pick: PickView) -> str:
    match = _ARXIV_KEY.fullmatch(pick.key)
    return match[1] if match else ""


def _format_ris(pick: PickView) -> str:
    """Format a record; RIS has a tag, two spaces, a hyphen and a space before each value."""
    rows = [("TY", "GEN"), ("ID", make_anchor(pick.anchor)), ("TI", normalise_line(pick.title))]
    rows += [("AU", normalise_line(name)) for name in pick.authors]
    if pick.published:
        rows += [("PY", f"{pick.published:%Y}"), ("DA", f"{pick.published:%Y/%m/%d}")]
    rows += [("PB", normalise_line(pick.venue)), ("UR", encode_link(pick.url))]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in rows if value) + "ER  - \r\n\r\n"


def _build_csl(pick: PickView) -> dict[str, Any]:
    """Build a record of the CSL-JSON schema 1.0; names stay whole, because only their order is known."""
    day = pick.published
    record = {
        "id": make_anchor(pick.anchor),
        "type": "article" if _find_arxiv_id(pick) else "webpage",
        "title": normalise_line(pick.title),
        "author": [{"literal": normalise_line(name)} for name in pick.authors],
        "issued": {"date-parts": [[day.year, day.month, day.day]]} if day else None,
        "publisher": normalise_line(pick.venue),
        "number": _find_arxiv_id(pick),
        "URL": encode_link(pick.url),
    }
    return {name: value for name, value in record.items() if value}


def _build_issue(view: IssueView, newsletter: Newsletter) -> dict[str, Any]:
    page = newsletter.address + view.path
    return {
        "title": normalise_line(view.title),
        "url": page,
        "period": view.period,
        "kind": view.kind,
        "published": view.published.isoformat(),
        "updated": view.updated.isoformat(),
        "author": newsletter.author,
        "language": newsletter.language,
        "introduction": view.intro,
        "sections": [
            {
                "title": section.title,
                "text": section.note,
                "works": [_build_work(pick, page) for pick in section.picks],
                "closing": section.closing,
            }
            for section in view.main_sections
        ],
        "closing": view.outro,
    }


def _build_work(pick: PickView, page: str) -> dict[str, Any]:
    return {
        "title": normalise_line(pick.title),
        "url": encode_link(pick.url),
        "link": f"{page}#{make_anchor(pick.anchor)}",
        "authors": pick.authors,
        "venue": pick.venue,
        "published": pick.published.isoformat() if pick.published else None,
        "text": pick.blurb,
        "written_by": pick.origin,
        "verdict": pick.verdict,
        "highlight": pick.highlight,
        "links": {name: link for name, url in pick.links.items() if (link := encode_link(url))},
    }


def _render_markdown(view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None) -> str:
    shown = present_issue(view, newsletter)
    body = render_template("twin.md.j2", templates or {}, view=view, shown=shown, newsletter=newsletter)
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def _render_llms(newest: Sequence[IssueView], newsletter: Newsletter) -> Document:
    """Render llms.txt (https://llmstxt.org): a title, a quotation, and a list of links to Markdown."""
    lines = [f"# {normalise_line(newsletter.title)}", ""]
    if newsletter.description:
        lines += [f"> {normalise_line(newsletter.description)}", ""]
    if newest:
        lines += ["## Issues", ""]
    for view in newest:
        name = re.sub(r"[\[\]]", "", normalise_line(view.title))
        lines.append(f"- [{name}]({newsletter.address}{view.path}issue.md): {describe_issue(view, newsletter)}")
    return Document("llms.txt", (strip_hidden("\n".join(lines)).rstrip() + "\n").encode())


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
