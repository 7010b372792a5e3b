"""arXiv over OAI-PMH (oaipmh.arxiv.org/oai, arXivRaw): papers whose metadata changed, with the date of each version.

Days are those of the last change, not of submission; the prefix arXiv is not used because its `created` is the current
version's date. Offsets drift when records change during a harvest, so each one starts days before the last one ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.arxiv.common import build_paper, split_arxiv_authors, split_arxiv_id
from digest.sources.dates import parse_date
from digest.sources.entries import Entry, Page
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.xml import parse_xml
from digest.text import normalise_line

OAI_URL = "https://oaipmh.arxiv.org/oai"
OAI_OVERLAP = timedelta(days=3)
_EARLIEST_DATESTAMP = datetime(2005, 9, 16, tzinfo=UTC)  # what Identify says; before it the server answers badArgument
_DEADLINE_SECONDS = 180.0  # a cold page takes up to 90 s
_NAMESPACES = {"o": "http://www.openarchives.org/OAI/2.0/", "r": "http://arxiv.org/OAI/arXivRaw/"}
# Archives that are groups of their own; all others belong to physics.
_GROUP_ARCHIVES = ("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat")
_RETRY_HINT = "ask for the same page again"


def build_oai_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for what changed since the day the last harvest ended, with an overlap; `source.days` back at first.

    Categories of one archive are harvested as one set and sorted out here; of several archives, without a set.
    """
    last = parse_date(str(cursor.get("until", "")))
    earliest = now - timedelta(days=source.days)
    return build_oai_window_request(source, (last or earliest + OAI_OVERLAP) - OAI_OVERLAP, now)


def build_oai_window_request(source: Source, start: datetime, end: datetime) -> Request:
    """Ask for the records changed between two days, both included."""
    query = {
        "verb": "ListRecords",
        "metadataPrefix": "arXivRaw",
        "from": f"{max(start.astimezone(UTC), _EARLIEST_DATESTAMP):%Y-%m-%d}",
        "until": f"{end.astimezone(UTC):%Y-%m-%d}",
    }
    if chosen := select_oai_set(source.categories):
        query["set"] = chosen
    return _build_request(source, source.url or OAI_URL, query)


def select_oai_set(categories: tuple[str, ...]) -> str:
    """Choose cs:cs:CL for cs.CL, cs:cs for several categories of cs, nothing for several archives."""
    specs = sorted({_build_set_spec(category) for category in categories})
    if len(specs) == 1:
        return specs[0]
    archives = {":".join(spec.split(":")[:2]) for spec in specs}
    return archives.pop() if len(archives) == 1 else ""


def _build_set_spec(category: str) -> str:
    archive, _, subject = category.partition(".")
    group = archive if archive in _GROUP_ARCHIVES else "physics"
    return ":".join(part for part in (group, archive, subject) if part)


def parse_oai_response(source: Source, response: Response) -> Page:
    """Read one page; `next` carries the resumption token, the last page the cursor. Raises ParseError.

    Only papers of the source's categories, cross-lists included, are returned; "no records" is an empty page.
    """
    root = _parse_oai_tree(response)
    page = Page()
    until = parse_date(root.findtext("o:responseDate", "", _NAMESPACES))
    if (error := root.find("o:error", _NAMESPACES)) is not None:
        _raise_oai_error(source, error)
    records = root.find("o:ListRecords", _NAMESPACES)
    if records is not None:
        papers = (_parse_record(record) for record in records.findall("o:record", _NAMESPACES))
        page.entries = [paper for paper in papers if paper and set(paper.categories) & set(source.categories)]
        if token := (records.findtext("o:resumptionToken", "", _NAMESPACES) or "").strip():
            page.next_request = _build_request(source, response.url, {"verb": "ListRecords", "resumptionToken": token})
            return page
    elif error is None:
        raise ParseError(f"{source.id}: the OAI answer has neither records nor an error", _RETRY_HINT)
    page.cursor = {"until": (_parse_until(response.url) or until or _EARLIEST_DATESTAMP).isoformat()}
    return page


def _build_request(source: Source, url: str, query: Mapping[str, str]) -> Request:
    address = urlunsplit(urlsplit(url)._replace(query=urlencode(query), fragment=""))
    return Request(url=address, deadline=_DEADLINE_SECONDS, max_bytes=60_000_000, allow_private=source.allow_private)


def _parse_until(url: str) -> datetime | None:
    """Parse the last day asked for from the address, or from its token, which repeats the arguments."""
    query = parse_qs(urlsplit(url).query)
    token = parse_qs(unquote((query.get("resumptionToken") or [""])[0]))
    return parse_date((query.get("until") or token.get("until") or [""])[0])


def _parse_oai_tree(response: Response) -> Any:
    try:
        root = parse_xml(transcode_to_utf8(response.body, response.headers))
    except ParseError as error:
        raise ParseError(f"arXiv's OAI answer is cut short or no XML: {error.message}", _RETRY_HINT) from error
    if root.tag != f"{{{_NAMESPACES['o']}}}OAI-PMH":
        raise ParseError(f"arXiv answered no OAI-PMH but <{root.tag}>", _RETRY_HINT)
    return root


def _raise_oai_error(source: Source, error: Any) -> None:
    """Raise ParseError for any error but "no records", which is an empty page. Errors come with status 200."""
    code = error.get("code", "")
    if code != "noRecordsMatch":
        hint = "start the harvest again" if code == "badResumptionToken" else "check the source's categories"
        raise ParseError(f"{source.id}: OAI error {code}: {normalise_line(error.text or '')}", hint)


def _parse_record(record: Any) -> Entry | None:
    """Read the paper of a record; None for a deleted one."""
    if (record.find("o:header", _NAMESPACES)).get("status") == "deleted":
        return None
    raw = record.find("o:metadata/r:arXivRaw", _NAMESPACES)
    arxiv_id, _ = split_arxiv_id(_find_text(raw, "id") if raw is not None else "")
    if not arxiv_id:
        raise ParseError("an OAI record without a paper's id", _RETRY_HINT)
    versions = sorted((_parse_version(v) for v in raw.findall("r:version", _NAMESPACES)), key=lambda v: v[0])
    if not versions or not versions[0][1]:
        raise ParseError(f"the OAI record of {arxiv_id} has no version with a date", _RETRY_HINT)
    number, updated, source_type = versions[-1]
    return build_paper(
        arxiv_id,
        number,
        _find_text(raw, "comments"),
        title=_find_text(raw, "title"),
        summary=_find_text(raw, "abstract"),
        authors=split_arxiv_authors(_find_text(raw, "authors")),
        published=versions[0][1],
        updated=updated,
        categories=_find_text(raw, "categories").split(),
        doi=next(iter(_find_text(raw, "doi").split()), None),
        venue=_find_text(raw, "journal-ref") or None,
        withdrawn="I" in source_type,
    )


def _parse_version(element: Any) -> tuple[int, datetime | None, str]:
    number = element.get("version", "").removeprefix("v")
    return (
        int(number) if number.isdigit() else 0,
        parse_date(_find_text(element, "date")),
        _find_text(element, "source_type"),
    )


def _find_text(element: Any, name: str) -> str:
    return normalise_line(element.findtext(f"r:{name}", "", _NAMESPACES) or "")
