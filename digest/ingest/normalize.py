"""Clean an entry; give it identity: `PreparedItem`.

Clean what a source gave and say which work it is. Everything foreign is made harmless here, at the door.

The ladder of identities and the rules for dates follow what the best feed readers learned: guid, else link, else title
with date, else a hash; a date that cannot be true is dropped and flagged, never guessed.

The value that stands between what a source gave and what the store keeps: one cleaned item with its identity.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from digest.sources.entries import UNTITLED_TITLE, Entry, SourceLike
from digest.text import hash_texts, normalise_line, strip_hidden
from digest.text.html import html_to_text
from digest.text.names import build_title_key, split_names
from digest.text.tex import convert_tex
from digest.urls import extract_doi, work_key
from digest.urls.arxiv import extract_arxiv_id
from digest.urls.canonical import canonicalise_url, extract_site, is_http_url

MENTION_SUMMARY_CAP = 600  # letters of what a place says of a work; enough to quote it


@dataclass(slots=True)
class PreparedItem:
    """One found item, clean and capped. `aliases` are other keys of the same work; datetimes are aware and in UTC."""

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
    source_page_url: str = ""  # where the source shows it, when that is not `url`: Hugging Face's page of a paper
    is_authority: bool = False  # arXiv itself speaks: its title, authors and abstract go before others'

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process as arguments in order: half the work of naming each field of each item."""
        return PreparedItem, _PREPARED_ITEM_VALUES(self)

    @property
    def arxiv_id(self) -> str | None:
        """The arXiv id, if it has one."""
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else None

    @property
    def withdrawn_at(self) -> datetime | None:
        """The day of the version that says so; where the first one does, the day it was seen."""
        if not self.withdrawn:
            return None
        return self.updated if self.updated and (self.version or 1) > 1 else self.first_seen

    @property
    def mention_url(self) -> str:
        """The address at which this source shows the work."""
        return self.source_page_url or self.url

    @property
    def mention_digest(self) -> str:
        """What the mention is known by: its words, and of arXiv's the facts, which change without a new version."""
        return (
            hash_texts(self.digest, self.venue or "", self.comment or "", *self.categories)
            if self.is_authority
            else self.digest
        )

    def build_metadata_columns(self) -> dict[str, Any]:
        """The columns of what arXiv says of a paper beside its text."""
        return {"venue": self.venue, "comment": self.comment, "categories": self.categories, "links": self.links}

    def build_text_columns(self) -> dict[str, Any]:
        """The columns of the item that a revision replaces."""
        return {
            "kind": self.kind,
            "title": self.title,
            "title_source": self.title_source,
            "title_key": self.title_key,
            "url": self.url,
            "authors": self.authors,
            "summary": self.summary,
            "content": self.content,
            "source_id": self.source_id,
            **self.build_metadata_columns(),
            "updated": self.updated,
            "version": self.version,
            "digest": self.digest,
        }

    def build_item_columns(self) -> dict[str, Any]:
        """All columns of a new item, ready for a bulk insert."""
        return {
            "key": self.key,
            **self.build_text_columns(),
            "published": self.published,
            "first_seen": self.first_seen,
            "announced": self.announced,
            "date_flag": self.date_flag,
            "withdrawn": self.withdrawn_at,
            "rewordings": 0,
            "merged_into": None,
        }

    def build_mention_columns(self) -> dict[str, Any]:
        """The mention's columns but for `item_id`, which the store fills in from the item's key."""
        return {
            "source_id": self.source_id,
            "guid": self.guid,
            "url": self.mention_url,
            "title": self.title,
            "published": self.published,
            "first_seen": self.first_seen,
            "digest": self.mention_digest,
            "own_key": self.key,
            "text": "" if self.is_authority else self.summary[:MENTION_SUMMARY_CAP],
        }


_PREPARED_ITEM_VALUES = attrgetter(*(each.name for each in fields(PreparedItem)))


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """A found item that cannot be kept, and why."""

    reason: str
    title: str = ""
    url: str = ""


TITLE_CAP, SUMMARY_CAP, CONTENT_CAP, URL_CAP = 500, 20_000, 100_000, 2_000
AUTHORS_CAP, NAME_CAP, LISTED_CAP, GUID_CAP = 3_000, 200, 50, 500
_EARLIEST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
_AUTHORITY_KINDS = frozenset(
    {"arxiv", "arxiv-oai"}
)  # its RSS lacks comments and venues, and stamps no date of a version
_PAPER_SITES = frozenset({"arxiv.org", "openreview.net", "aclanthology.org", "biorxiv.org", "medrxiv.org", "acm.org"})

_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|code|del|em|font|h[1-6]|i|img|ins|mark|p|q|s|small|span|strong|sub|sup|tt|u|wbr|script|style)"
    r"(?:\s+[a-z:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))*\s*/?>",
    re.I,
)
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|[uo]l|li|h[1-6]|blockquote|table|a)(?:\s[^<>]*)?/?>", re.I)
_SCRIPT_ELEMENT = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.I)
# An anchor that is a page of its own (`#/post/3`) or an entry of a changelog (`#2-1-238`), not a place in a page.
_ITEM_ANCHOR = re.compile(r"!?/.+|.*\d[-._]\d+.*|.+/.+")
_PAGE_ANCHOR = re.compile(r"(?::~:|page=|comment|more-|respond|disqus|fn|cite)", re.I)


def normalize_entry(
    entry: Entry, source: SourceLike, now: datetime, *, is_first_fetch: bool = False, is_plain_text: bool = False
) -> PreparedItem | RejectedEntry:
    """The found item as the store may keep it, or why it may not; never raises.

    `first_fetch` says that the source was never read before: what has no date there is backlog, not news.
    `plain` says that the title is plain text, and the summary too unless it holds an HTML paragraph, list or link.
    """
    from_arxiv = source.kind.startswith("arxiv")
    content = _clean_body(entry.content, CONTENT_CAP, is_plain_text=False)
    as_text = from_arxiv or (is_plain_text and not _BLOCK_TAG.search(entry.summary))
    summary = _clean_body(entry.summary, SUMMARY_CAP, is_plain_text=as_text) or content[:SUMMARY_CAP]
    title = normalise_line(entry.title)[:TITLE_CAP] if is_plain_text else _clean_title(entry.title)
    original = "" if _is_empty_entry(entry) else title or _title_from_summary(summary)
    url, key = _identify_work(entry, source, original)
    if not original:
        original = _title_from_url(url) if url != source.url else ""
    if not url or not original:
        return RejectedEntry(
            "neither a web address nor words" if not original else "no web address", original, entry.url
        )
    title = convert_tex(original)[:TITLE_CAP]
    authors = [normalise_line(name)[:NAME_CAP] for name in split_names(map(convert_tex, entry.authors[:AUTHORS_CAP]))]
    published, flag = _check_date(entry.published, entry.date_flag, now, is_first_fetch)
    return PreparedItem(
        source_id=source.id,
        guid=_choose_guid(entry, key, original, summary),
        key=key,
        kind="paper" if _is_paper(key, url, from_arxiv) else "post",
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
        links={
            normalise_line(name)[:40]: link for name, link in list(entry.links.items())[:20] if _is_usable_url(link)
        },
        published=published,
        updated=_drop_implausible(entry.updated, now),
        announced=_drop_implausible(entry.announced, now),
        date_flag=flag,
        version=entry.version if source.kind != "arxiv-rss" else None,  # asked for days; what is new is OAI's to say
        withdrawn=entry.withdrawn,
        digest=hash_texts(title, "\x1e".join(authors), summary, content),
        aliases=_find_aliases(entry, key),
        source_page_url=_find_source_page(entry, key),
        is_authority=source.kind in _AUTHORITY_KINDS and key.startswith("arxiv:"),
    )


def _is_empty_entry(entry: Entry) -> bool:
    return entry.title == UNTITLED_TITLE and not (entry.url or entry.summary or entry.content)


def _clean_title(text: str) -> str:
    """One readable line; inline tags and entities resolved, since titles in feeds are often half HTML."""
    if "<" in text:
        text = _INLINE_TAG.sub("", _SCRIPT_ELEMENT.sub("", text))
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
        text = _INLINE_TAG.sub("", _SCRIPT_ELEMENT.sub("", text)) if "<" in text else text
    return normalise_line(text)[:TITLE_CAP].strip()


def _clean_body(text: str, cap: int, *, is_plain_text: bool) -> str:
    """Plain text, capped; arXiv's abstracts are not HTML, so that `a<b` stays."""
    if not text:
        return ""
    text = text[: cap * 4]
    words = " ".join(strip_hidden(text).split()) if is_plain_text else html_to_text(text)
    return convert_tex(words)[:cap].strip()


def _title_from_summary(summary: str, length: int = 100) -> str:
    """A title for a post that has none: how its text begins."""
    line = summary.split("\n", 1)[0]
    return line if len(line) <= length else line[:length].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _title_from_url(url: str) -> str:
    """A title from the last words of an address: `/blog/small-models-win.html` is `small models win`."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
    return normalise_line(re.sub(r"[-_+]+|%20", " ", re.sub(r"\.\w{2,5}$", "", last)))


def _identify_work(entry: Entry, source: SourceLike, title: str) -> tuple[str, str]:
    """Where readers are sent, and the key of the work; ("", "") when nothing can be linked."""
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
    """The page of a paper that is not arXiv's own, else ""."""
    elsewhere = key.startswith("arxiv:") and _is_usable_url(entry.url) and extract_site(entry.url) != "arxiv.org"
    return canonicalise_url(entry.url) if elsewhere else ""


def _is_usable_url(url: str) -> bool:
    return len(url) <= URL_CAP and is_http_url(url)


def _extract_item_anchor(url: str) -> str:
    """The fragment with its sign where it tells items of one page apart, else ""."""
    _, sign, anchor = url.partition("#")
    own = sign and _ITEM_ANCHOR.fullmatch(anchor) and not _PAGE_ANCHOR.match(anchor)
    return canonicalise_url(f"#{anchor}") if own else ""


def _choose_guid(entry: Entry, key: str, title: str, summary: str) -> str:
    """The source's own id, else what stands for it. arXiv's holds the version, which is not identity."""
    guid = entry.guid.strip()
    if key.startswith("arxiv:") and (not guid or extract_arxiv_id(guid)):
        return key
    guid = guid or entry.url.strip()
    if not guid:
        guid = hash_texts(title, str(entry.published or summary))
    return guid if len(guid) <= GUID_CAP and guid.isprintable() else hash_texts(guid)


def _find_aliases(entry: Entry, key: str) -> tuple[str, ...]:
    """Other keys under which the same work may be seen: its DOI, the address behind an arXiv id."""
    name = extract_doi(entry.doi) if entry.doi else None
    other = work_key(entry.url) if entry.url and key.startswith("arxiv:") else key
    known = [f"doi:{name}"] if name and not extract_arxiv_id(name) else []
    known += [other] if other != key and _is_usable_url(entry.url) else []
    return tuple(alias for alias in dict.fromkeys(known) if alias != key)


def _is_paper(key: str, url: str, from_arxiv: bool) -> bool:
    if from_arxiv or key.startswith(("arxiv:", "doi:")):
        return True
    return (
        any(name in url for name in _PAPER_SITES) and extract_site(url) in _PAPER_SITES
    )  # the name is seen at a glance


def _check_date(
    published: datetime | None, given_flag: str | None, now: datetime, is_first_fetch: bool
) -> tuple[datetime | None, str | None]:
    """The date if it can be true, and a flag where there is none."""
    believed = _drop_implausible(published, now)
    if believed is not None:
        return believed, None
    if published is not None or given_flag == "implausible":
        return None, "implausible"
    return None, "backlog" if is_first_fetch else "missing"


def _drop_implausible(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment when it lies between 1990 and tomorrow, in UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if _EARLIEST_DATE <= aware <= now + timedelta(days=1) else None


def _clean_line(text: str | None) -> str | None:
    return convert_tex(normalise_line(text))[:TITLE_CAP] or None if text else None
