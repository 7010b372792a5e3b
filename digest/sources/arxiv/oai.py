"""arXiv over OAI-PMH (oaipmh.arxiv.org/oai, arXivRaw): everything whose metadata changed, each version with its date.

Days are those of the last change, not of submission; the prefix arXiv is not used because its `created` is the current
version's date. Offsets drift when records change during a harvest, so each one starts days before the last one ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

from digest.errors import ParseError
from digest.ports import Found, Page, Request, Response, SourceLike
from digest.sources.arxiv.papers import abs_url, pdf_url, says_withdrawn, split_authors, split_id
from digest.sources.charset import to_utf8
from digest.sources.dates import parse_date
from digest.sources.xmltree import parse_xml
from digest.text import one_line

BASE = "https://oaipmh.arxiv.org/oai"
OVERLAP = timedelta(days=3)
_EARLIEST = datetime(2005, 9, 16, tzinfo=UTC)  # what Identify says; before it the server answers badArgument
_DEADLINE = 180.0  # a cold page takes up to 90 s
_NS = {"o": "http://www.openarchives.org/OAI/2.0/", "r": "http://arxiv.org/OAI/arXivRaw/"}
# Archives that are groups of their own; all others belong to physics.
_GROUPS = ("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat")
_RETRY = "ask for the same page again"


def request(source: SourceLike, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Everything changed since the day the last harvest ended, with an overlap; `source.days` back at first.

    Categories of one archive are harvested as one set and sorted out here; of several archives, without a set.
    """
    last = parse_date(str(cursor.get("until", "")))
    earliest = now - timedelta(days=source.days)
    return window_request(source, (last or earliest + OVERLAP) - OVERLAP, now)


def window_request(source: SourceLike, start: datetime, end: datetime) -> Request:
    """The first page of the records changed between two days, both included."""
    query = {
        "verb": "ListRecords",
        "metadataPrefix": "arXivRaw",
        "from": f"{max(start.astimezone(UTC), _EARLIEST):%Y-%m-%d}",
        "until": f"{end.astimezone(UTC):%Y-%m-%d}",
    }
    if chosen := set_of(source.categories):
        query["set"] = chosen
    return _ask(source, source.url or BASE, query)


def set_of(categories: tuple[str, ...]) -> str:
    """cs:cs:CL for cs.CL, cs:cs for several categories of cs, nothing for several archives."""
    specs = sorted({_spec(category) for category in categories})
    if len(specs) == 1:
        return specs[0]
    archives = {":".join(spec.split(":")[:2]) for spec in specs}
    return archives.pop() if len(archives) == 1 else ""


def _spec(category: str) -> str:
    archive, _, subject = category.partition(".")
    group = archive if archive in _GROUPS else "physics"
    return ":".join(part for part in (group, archive, subject) if part)


def parse(source: SourceLike, response: Response) -> Page:
    """Read one page; `next` carries the resumption token, the last page the cursor. Raises ParseError.

    Only papers of the source's categories, cross-lists included, are returned; "no records" is an empty page.
    """
    root = _tree(response)
    page = Page()
    until = parse_date(root.findtext("o:responseDate", "", _NS))
    if (error := root.find("o:error", _NS)) is not None:
        _accept(source, error)
    records = root.find("o:ListRecords", _NS)
    if records is not None:
        papers = (_paper(record) for record in records.findall("o:record", _NS))
        page.items = [paper for paper in papers if paper and set(paper.categories) & set(source.categories)]
        if token := (records.findtext("o:resumptionToken", "", _NS) or "").strip():
            page.next = _ask(source, response.url, {"verb": "ListRecords", "resumptionToken": token})
            return page
    elif error is None:
        raise ParseError(f"{source.id}: the OAI answer has neither records nor an error", _RETRY)
    page.cursor = {"until": (_asked_until(response.url) or until or _EARLIEST).isoformat()}
    return page


def _ask(source: SourceLike, url: str, query: Mapping[str, str]) -> Request:
    address = urlunsplit(urlsplit(url)._replace(query=urlencode(query), fragment=""))
    return Request(url=address, deadline=_DEADLINE, max_bytes=60_000_000, allow_private=source.allow_private)


def _asked_until(url: str) -> datetime | None:
    """The last day asked for, from the address itself or from the token in it, which repeats the arguments."""
    query = parse_qs(urlsplit(url).query)
    token = parse_qs(unquote((query.get("resumptionToken") or [""])[0]))
    return parse_date((query.get("until") or token.get("until") or [""])[0])


def _tree(response: Response) -> Any:
    try:
        root = parse_xml(to_utf8(response.body, response.headers))
    except ParseError as error:
        raise ParseError(f"arXiv's OAI answer is cut short or no XML: {error.message}", _RETRY) from error
    if root.tag != f"{{{_NS['o']}}}OAI-PMH":
        raise ParseError(f"arXiv answered no OAI-PMH but <{root.tag}>", _RETRY)
    return root


def _accept(source: SourceLike, error: Any) -> None:
    """An error is one, even with status 200; only "no records" means what it says."""
    code = error.get("code", "")
    if code != "noRecordsMatch":
        hint = "start the harvest anew" if code == "badResumptionToken" else "check the source's categories"
        raise ParseError(f"{source.id}: OAI error {code}: {one_line(error.text or '')}", hint)


def _paper(record: Any) -> Found | None:
    """A record's paper; None for one that was deleted, which says nothing but its id."""
    if (record.find("o:header", _NS)).get("status") == "deleted":
        return None
    raw = record.find("o:metadata/r:arXivRaw", _NS)
    arxiv_id, _ = split_id(_text(raw, "id") if raw is not None else "")
    if not arxiv_id:
        raise ParseError("an OAI record without a paper's id", _RETRY)
    versions = sorted((_version(v) for v in raw.findall("r:version", _NS)), key=lambda v: v[0])
    if not versions or not versions[0][1]:
        raise ParseError(f"the OAI record of {arxiv_id} has no version with a date", _RETRY)
    number, updated, source_type = versions[-1]
    comment = _text(raw, "comments")
    return Found(
        guid=f"oai:arXiv.org:{arxiv_id}",
        url=abs_url(arxiv_id),
        title=_text(raw, "title"),
        summary=_text(raw, "abstract"),
        authors=split_authors(_text(raw, "authors")),
        published=versions[0][1],
        updated=updated,
        categories=_text(raw, "categories").split(),
        links={"pdf": pdf_url(arxiv_id)},
        arxiv_id=arxiv_id,
        version=number,
        doi=next(iter(_text(raw, "doi").split()), None),
        venue=_text(raw, "journal-ref") or None,
        comment=comment or None,
        withdrawn="I" in source_type or says_withdrawn(comment),
    )


def _version(element: Any) -> tuple[int, datetime | None, str]:
    number = element.get("version", "").removeprefix("v")
    return int(number) if number.isdigit() else 0, parse_date(_text(element, "date")), _text(element, "source_type")


def _text(element: Any, name: str) -> str:
    return one_line(element.findtext(f"r:{name}", "", _NS) or "")
