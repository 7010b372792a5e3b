"""Clean an entry and give it its identity.

The order of identities follows the best feed readers: guid, else link, else title with date, else a hash. A date that
cannot be true is dropped and flagged, never guessed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from digest.config.schema import Source
from digest.sources.entries import UNTITLED_TITLE, Entry
from digest.text import hash_texts, normalise_line, strip_hidden
from digest.text.html import html_to_text
from digest.text.names import build_title_key, split_names
from digest.text.tex import convert_tex
from digest.urls import extract_doi, work_key
from digest.urls.arxiv import extract_arxiv_id
from digest.urls.canonical import canonicalise_url, extract_site, is_http_url

MENTION_SUMMARY_CAP = 600  # characters, enough to quote a mention
TITLE_CAP, SUMMARY_CAP, CONTENT_CAP, URL_CAP = 500, 20_000, 100_000, 2_000
AUTHORS_CAP, NAME_CAP, LISTED_CAP, GUID_CAP = 3_000, 200, 50, 500
NAMED_WORKS_CAP = 150
_EARLIEST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
# Without arXiv's RSS, which lacks comments, venues and the date of a version.
_AUTHORITY_KINDS = frozenset({"arxiv", "arxiv-oai"})
_PAPER_SITES = frozenset({"arxiv.org", "openreview.net", "aclanthology.org", "biorxiv.org", "medrxiv.org", "acm.org"})

# A tag between spaces is a word of the title, as in "How <s> and </s> tokens work".
_INLINE_TAG = re.compile(
    r"(?!(?<!\S)</?[a-z]\w*>\s)</?(?:a|abbr|b|big|br|code|del|em|font|h[1-6]|i|img|ins|mark|p|q|s|small|span|strong|sub|sup|tt|u|wbr|script|style)"
    r"(?:\s+[a-z:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))*\s*/?>",
    re.I,
)
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|[uo]l|li|h[1-6]|blockquote|table|a)(?:\s[^<>]*)?/?>", re.I)
_SCRIPT_ELEMENT = re.compile(r"(?is)<(script|style)\b(?:(?!<\1\b).)*?</\1\s*>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.I)
# An anchor that is a page of its own (`#/post/3`) or an entry of a changelog (`#2-1-238`), not a place in a page.
_ITEM_ANCHOR = re.compile(r"!?/.+|.*\d[-._]\d+.*|.+/.+")
_PAGE_ANCHOR = re.compile(r"(?::~:|page=|comment|more-|respond|disqus|fn|cite)", re.I)


@dataclass(frozen=True, slots=True)
class NamedWork:
    """A work that an item's text links to: its key and address, the link's words, and the sentence that holds it."""

    key: str
    url: str
    anchor: str
    text: str


@dataclass(slots=True)
class PreparedItem:
    """A clean entry with its identity. `aliases` are other keys of the work; datetimes are aware and in UTC."""

    source_id: str
    guid: str
    key: str
    kind: str  # paper | post
    title: str
    title_source: str | None
    title_key: str
    url: str
    first_seen: datetime
    authors: list[str] = field(default_factory=list)
    summary: str = ""
    content: str = ""
    venue: str | None = None
    comment: str | None = None
    categories: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    published: datetime | None = None
    updated: datetime | None = None
    announced: datetime | None = None
    date_flag: str | None = None  # missing | implausible | backlog: undated, and already there at the first fetch
    version: int | None = None
    withdrawn: bool = False
    digest: str = ""
    aliases: tuple[str, ...] = ()
    page_key: str = ""  # the key of the page that several entries of one document share, each an item of its own
    source_page_url: str = ""  # another page that shows it, e.g. Hugging Face's page of a paper
    is_authority: bool = False  # from arXiv: its title, authors and abstract replace those of others
    named_works: tuple[NamedWork, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values in order, which takes half the time of naming each field of each item."""
        return PreparedItem, _PREPARED_ITEM_VALUES(self)

    @property
    def arxiv_id(self) -> str | None:
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else None

    @property
    def withdrawn_at(self) -> datetime | None:
        """The date of the version that withdraws the paper; for a first version, the date it was seen."""
        if not self.withdrawn:
            return None
        return self.updated if self.updated and (self.version or 1) > 1 else self.first_seen

    @property
    def mention_url(self) -> str:
        """The URL at which this source shows the work."""
        return self.source_page_url or self.url

    @property
    def mention_digest(self) -> str:
        """The digest of the text, and for arXiv of the metadata, which change without a new version."""
        if not self.is_authority:
            return self.digest
        return hash_texts(self.digest, self.venue or "", self.comment or "", *self.categories)

    def build_metadata_columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("venue", "comment", "categories", "links")}

    def build_text_columns(self) -> dict[str, Any]:
        """Return the item columns that a revision replaces."""
        return {name: getattr(self, name) for name in _TEXT_COLUMNS} | self.build_metadata_columns()

    def build_item_columns(self) -> dict[str, Any]:
        """Return all columns of a new item for a bulk insert."""
        dates = {name: getattr(self, name) for name in ("published", "first_seen", "announced", "date_flag")}
        others = {"key": self.key, "withdrawn": self.withdrawn_at, "rewordings": 0, "merged_into": None}
        return self.build_text_columns() | dates | others

    def build_link_rows(self) -> list[dict[str, Any]]:
        """Return a row for each work that the text links to."""
        page = {"page_url": self.mention_url, "page_title": self.title, "at": self.published or self.first_seen}
        own = {"source_id": self.source_id, "guid": self.guid}
        return [own | page | {n: getattr(work, n) for n in NamedWork.__slots__} for work in self.named_works]

    def build_mention_columns(self) -> dict[str, Any]:
        """Return the columns of the mention but for `item_id`."""
        return {name: getattr(self, name) for name in ("source_id", "guid", "title", "published", "first_seen")} | {
            "url": self.mention_url,
            "digest": self.mention_digest,
            "own_key": self.key,
            "text": "" if self.is_authority else self.summary[:MENTION_SUMMARY_CAP],
        }


_TEXT_COLUMNS = (
    "kind", "title", "title_source", "title_key", "url", "authors", "summary", "content", "source_id",
    "updated", "version", "digest",
)  # fmt: skip
_PREPARED_ITEM_VALUES = attrgetter(*(each.name for each in fields(PreparedItem)))


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry that cannot be stored, and why."""

    reason: str
    title: str = ""
    url: str = ""


def normalize_entry(
    entry: Entry, source: Source, now: datetime, *, is_first_fetch: bool = False, is_plain_text: bool = False
) -> PreparedItem | RejectedEntry:
    """Return the entry as an item that can be stored, or why it cannot; never raises.

    On the first fetch of a source, undated entries are backlog, not news. `is_plain_text` says that the title is plain
    text, and the summary too unless it holds an HTML paragraph, list or link.
    """
    is_arxiv = source.kind.startswith("arxiv")
    content = _clean_body(entry.content, CONTENT_CAP, is_plain_text=False)
    is_plain_summary = is_arxiv or (is_plain_text and not _BLOCK_TAG.search(entry.summary))
    summary = _clean_body(entry.summary, SUMMARY_CAP, is_plain_text=is_plain_summary) or content[:SUMMARY_CAP]
    title = normalise_line(entry.title)[:TITLE_CAP] if is_plain_text else _clean_title(entry.title)
    is_empty = entry.title == UNTITLED_TITLE and not (entry.url or entry.summary or entry.content)
    original = "" if is_empty else title or _title_from_summary(summary)
    url, key = _identify_work(entry, source, original)
    if not original:
        original = _title_from_url(url) if url != source.url else ""
    if not url or not original:
        reason = "no web address" if original else "neither a web address nor words"
        return RejectedEntry(reason, original, entry.url)
    title = convert_tex(original)[:TITLE_CAP]
    authors = [normalise_line(name)[:NAME_CAP] for name in split_names(map(convert_tex, entry.authors[:AUTHORS_CAP]))]
    published, flag = _check_date(entry.published, entry.date_flag, now, is_first_fetch)
    links = list(entry.links.items())[:20]
    return PreparedItem(
        source_id=source.id,
        guid=_choose_guid(entry, key, original, summary),
        key=key,
        kind="paper" if _is_paper(key, url, is_arxiv) else "post",
        title=title,
        title_source=original if original != title else None,
        title_key=build_title_key(title),
        url=url,
        first_seen=now,
        authors=[name for name in authors if name],
        summary=summary,
        content="" if content == summary else content,
        venue=_clean_line(entry.venue),
        comment=_clean_line(entry.comment),
        categories=[normalise_line(name)[:NAME_CAP] for name in entry.categories[:LISTED_CAP] if name.strip()],
        links={normalise_line(name)[:40]: link for name, link in links if _is_usable_url(link)},
        published=published,
        updated=_drop_implausible(entry.updated, now),
        announced=_drop_implausible(entry.announced, now),
        date_flag=flag,
        # RSS repeats a version for days, so only the other kinds tell that a version is new.
        version=entry.version if source.kind != "arxiv-rss" else None,
        withdrawn=entry.withdrawn,
        digest=hash_texts(title, "\x1e".join(authors), summary, content),
        aliases=_find_aliases(entry, key),
        source_page_url=_find_source_page(entry, key),
        is_authority=source.kind in _AUTHORITY_KINDS and key.startswith("arxiv:"),
        named_works=_find_named_works(entry, source, title, url, key),
    )


def _find_named_works(entry: Entry, source: Source, title: str, url: str, key: str) -> tuple[NamedWork, ...]:
    """Find the works of others that an entry names, each by its first link; a link blog's entry names its own."""
    # Servers of one machine, which has a number and no name, are not one site.
    own_sites = {site for site in (extract_site(url), extract_site(source.url or "")) if not site[-1:].isdigit()}
    named: dict[str, NamedWork] = {}
    if entry.points_elsewhere:
        named[key] = NamedWork(key, url, title, html_to_text(entry.summary or entry.content)[:MENTION_SUMMARY_CAP])
    for link in entry.outbound_links:
        if _is_usable_url(link.url) and extract_site(link.url) not in own_sites:
            work = work_key(link.url)
            if work != key:
                named.setdefault(work, NamedWork(work, canonicalise_url(link.url), link.anchor, link.text))
    return tuple(named.values())[:NAMED_WORKS_CAP]


def _clean_title(text: str) -> str:
    """Return one readable line without inline tags and entities, because titles in feeds are often half HTML."""
    if "<" in text:
        text = _INLINE_TAG.sub("", _SCRIPT_ELEMENT.sub("", text))
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
        text = _INLINE_TAG.sub("", _SCRIPT_ELEMENT.sub("", text)) if "<" in text else text
    return normalise_line(text)[:TITLE_CAP].strip()


def _clean_body(text: str, cap: int, *, is_plain_text: bool) -> str:
    """Return capped plain text. `is_plain_text` keeps `a<b`, as in arXiv's abstracts."""
    if not text:
        return ""
    text = text[: cap * 4]
    plain = " ".join(strip_hidden(text).split()) if is_plain_text else html_to_text(text)
    return convert_tex(plain)[:cap].strip()


def _title_from_summary(summary: str, length: int = 100) -> str:
    """Return the beginning of the text as a title for a post without one."""
    line = summary.split("\n", 1)[0]
    return line if len(line) <= length else line[:length].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _title_from_url(url: str) -> str:
    """Return a title from the end of a URL: `/blog/small-models-win.html` is `small models win`."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
    return normalise_line(re.sub(r"[-_+]+|%20", " ", re.sub(r"\.\w{2,5}$", "", last)))


def _identify_work(entry: Entry, source: Source, title: str) -> tuple[str, str]:
    """Return the URL for readers and the key of the work, or ("", "") when there is nothing to link."""
    identifier = entry.arxiv_id and extract_arxiv_id(entry.arxiv_id)
    for address in (entry.url, entry.guid, *entry.links.values()):
        identifier = identifier or (extract_arxiv_id(address) if address == entry.url else None)
        if identifier:
            return f"https://arxiv.org/abs/{identifier}", f"arxiv:{identifier}"
        if _is_usable_url(address):
            anchor = _extract_item_anchor(address)
            return canonicalise_url(address) + anchor, work_key(address) + anchor
    if entry.doi and (name := extract_doi(entry.doi)):
        return f"https://doi.org/{name}", f"doi:{name}"
    if not source.url or not (entry.guid or title):
        return "", ""
    return source.url, f"{work_key(source.url)}#{hash_texts(entry.guid or title, str(entry.published or ''))[:16]}"


def _find_source_page(entry: Entry, key: str) -> str:
    """Return the page of an arXiv paper at another site, else ""."""
    is_elsewhere = key.startswith("arxiv:") and _is_usable_url(entry.url) and extract_site(entry.url) != "arxiv.org"
    return canonicalise_url(entry.url) if is_elsewhere else ""


def _is_usable_url(url: str) -> bool:
    return len(url) <= URL_CAP and is_http_url(url)


def _extract_item_anchor(url: str) -> str:
    """Return the fragment with its `#` if it distinguishes items of one page, else ""."""
    anchor = url.partition("#")[2]
    is_item = _ITEM_ANCHOR.fullmatch(anchor) and not _PAGE_ANCHOR.match(anchor)
    return canonicalise_url(f"#{anchor}") if is_item else ""


def _choose_guid(entry: Entry, key: str, title: str, summary: str) -> str:
    """Return the source's id of the entry, else a substitute. An arXiv guid holds the version, so the key replaces it."""
    guid = entry.guid.strip()
    if key.startswith("arxiv:") and (not guid or extract_arxiv_id(guid)):
        return key
    guid = guid or entry.url.strip() or hash_texts(title, str(entry.published or summary))
    return guid if len(guid) <= GUID_CAP and guid.isprintable() else hash_texts(guid)


def _find_aliases(entry: Entry, key: str) -> tuple[str, ...]:
    """Return other keys of the same work: its DOI, and the URL of an entry that has an arXiv id."""
    name = extract_doi(entry.doi) if entry.doi else None
    other = work_key(entry.url) if entry.url and key.startswith("arxiv:") else key
    aliases = [f"doi:{name}"] if name and not extract_arxiv_id(name) else []
    aliases += [other] if other != key and _is_usable_url(entry.url) else []
    return tuple(alias for alias in dict.fromkeys(aliases) if alias != key)


def _is_paper(key: str, url: str, is_arxiv: bool) -> bool:
    if is_arxiv or key.startswith(("arxiv:", "doi:")):
        return True
    # The substring test spares most URLs the parsing.
    return any(name in url for name in _PAPER_SITES) and extract_site(url) in _PAPER_SITES


def _check_date(
    published: datetime | None, given_flag: str | None, now: datetime, is_first_fetch: bool
) -> tuple[datetime | None, str | None]:
    """Return the date if it is plausible, else a flag."""
    plausible = _drop_implausible(published, now)
    if plausible is not None:
        return plausible, None
    if published is not None or given_flag == "implausible":
        return None, "implausible"
    return None, "backlog" if is_first_fetch else "missing"


def _drop_implausible(moment: datetime | None, now: datetime) -> datetime | None:
    """Return the moment if it is between 1990 and tomorrow, else None; a naive one is UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if _EARLIEST_DATE <= aware <= now + timedelta(days=1) else None


def _clean_line(text: str | None) -> str | None:
    return convert_tex(normalise_line(text))[:TITLE_CAP] or None if text else None
