"""Clean what a source gave and say which work it is. Everything foreign is made harmless here, at the door.

The ladder of identities and the rules for dates follow what the best feed readers learned: guid, else link, else title
with date, else a hash; a date that cannot be true is dropped and flagged, never guessed.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from digest.intake.prepared import Prepared, Rejected
from digest.ports import UNTITLED, Found, SourceLike
from digest.text import from_html, hexdigest, one_line, strip_hidden
from digest.text.names import split_names, title_key
from digest.text.tex import readable
from digest.urls import arxiv_id, canonical, doi, is_http, site, work_key

TITLE_CAP, SUMMARY_CAP, CONTENT_CAP, URL_CAP = 500, 20_000, 100_000, 2_000
AUTHORS_CAP, NAME_CAP, LISTED_CAP, GUID_CAP = 3_000, 200, 50, 500
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AUTHORITIES = frozenset({"arxiv", "arxiv-oai"})  # its RSS lacks comments and venues, and stamps no date of a version
_PAPER_SITES = frozenset({"arxiv.org", "openreview.net", "aclanthology.org", "biorxiv.org", "medrxiv.org", "acm.org"})

_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|code|del|em|font|h[1-6]|i|img|ins|mark|p|q|s|small|span|strong|sub|sup|tt|u|wbr|script|style)"
    r"(?:\s+[a-z:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))*\s*/?>",
    re.I,
)
_MARKUP = re.compile(r"</?(?:p|div|br|[uo]l|li|h[1-6]|blockquote|table|a)(?:\s[^<>]*)?/?>", re.I)
_SCRIPT = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.I)
# An anchor that is a page of its own (`#/post/3`) or an entry of a changelog (`#2-1-238`), not a place in a page.
_OWN_ANCHOR = re.compile(r"!?/.+|.*\d[-._]\d+.*|.+/.+")
_NO_ANCHOR = re.compile(r"(?::~:|page=|comment|more-|respond|disqus|fn|cite)", re.I)


def prepare(
    found: Found, source: SourceLike, now: datetime, *, first_fetch: bool = False, plain: bool = False
) -> Prepared | Rejected:
    """The found item as the store may keep it, or why it may not; never raises.

    `first_fetch` says that the source was never read before: what has no date there is backlog, not news.
    `plain` says that the title is plain text, and the summary too unless it holds an HTML paragraph, list or link.
    """
    from_arxiv = source.kind.startswith("arxiv")
    content = _body(found.content, CONTENT_CAP, plain=False)
    as_text = from_arxiv or (plain and not _MARKUP.search(found.summary))
    summary = _body(found.summary, SUMMARY_CAP, plain=as_text) or content[:SUMMARY_CAP]
    title = one_line(found.title)[:TITLE_CAP] if plain else _title(found.title)
    original = "" if _says_nothing(found) else title or _first_words(summary)
    url, key = _place(found, source, original)
    if not original:
        original = _from_address(url) if url != source.url else ""
    if not url or not original:
        return Rejected("neither a web address nor words" if not original else "no web address", original, found.url)
    title = readable(original)[:TITLE_CAP]
    authors = [one_line(name)[:NAME_CAP] for name in split_names(map(readable, found.authors[:AUTHORS_CAP]))]
    published, flag = _date(found.published, found.date_flag, now, first_fetch)
    return Prepared(
        source_id=source.id,
        guid=_guid(found, key, original, summary),
        key=key,
        kind="paper" if _is_paper(key, url, from_arxiv) else "post",
        title=title,
        title_source=original if original != title else None,
        title_key=title_key(title),
        url=url,
        first_seen=now,
        authors=[name for name in authors if name],
        summary=summary,
        content="" if content == summary else content,
        venue=_line(found.venue),
        comment=_line(found.comment),
        categories=[one_line(name)[:NAME_CAP] for name in found.categories[:LISTED_CAP] if name.strip()],
        links={one_line(name)[:40]: link for name, link in list(found.links.items())[:20] if _may_show(link)},
        published=published,
        updated=_believable(found.updated, now),
        announced=_believable(found.announced, now),
        date_flag=flag,
        version=found.version if source.kind != "arxiv-rss" else None,  # asked for days; what is new is OAI's to say
        withdrawn=found.withdrawn,
        digest=hexdigest(title, "\x1e".join(authors), summary, content),
        aliases=_aliases(found, key),
        page=_page(found, key),
        authority=source.kind in _AUTHORITIES and key.startswith("arxiv:"),
    )


def _says_nothing(found: Found) -> bool:
    return found.title == UNTITLED and not (found.url or found.summary or found.content)


def _title(text: str) -> str:
    """One readable line; inline tags and entities resolved, since titles in feeds are often half HTML."""
    if "<" in text:
        text = _INLINE_TAG.sub("", _SCRIPT.sub("", text))
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
        text = _INLINE_TAG.sub("", _SCRIPT.sub("", text)) if "<" in text else text
    return one_line(text)[:TITLE_CAP].strip()


def _body(text: str, cap: int, *, plain: bool) -> str:
    """Plain text, capped; arXiv's abstracts are not HTML, so that `a<b` stays."""
    if not text:
        return ""
    text = text[: cap * 4]
    words = " ".join(strip_hidden(text).split()) if plain else from_html(text)
    return readable(words)[:cap].strip()


def _first_words(summary: str, length: int = 100) -> str:
    """A title for a post that has none: how its text begins."""
    line = summary.split("\n", 1)[0]
    return line if len(line) <= length else line[:length].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _from_address(url: str) -> str:
    """A title from the last words of an address: `/blog/small-models-win.html` is `small models win`."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
    return one_line(re.sub(r"[-_+]+|%20", " ", re.sub(r"\.\w{2,5}$", "", last)))


def _place(found: Found, source: SourceLike, title: str) -> tuple[str, str]:
    """Where readers are sent, and the key of the work; ("", "") when nothing can be linked."""
    identifier = found.arxiv_id and arxiv_id(found.arxiv_id)
    for address in (found.url, found.guid, *found.links.values()):
        identifier = identifier or (arxiv_id(address) if address == found.url else None)
        if identifier:
            return f"https://arxiv.org/abs/{identifier}", f"arxiv:{identifier}"
        if _may_show(address):
            anchor = _anchor(address)
            return canonical(address) + anchor, work_key(address) + anchor
    if found.doi and (name := doi(found.doi)):
        return f"https://doi.org/{name}", f"doi:{name}"
    if not source.url or not (found.guid or title):
        return "", ""
    return source.url, f"{work_key(source.url)}#{hexdigest(found.guid or title, str(found.published or ''))[:16]}"


def _page(found: Found, key: str) -> str:
    """The page of a paper that is not arXiv's own, else ""."""
    elsewhere = key.startswith("arxiv:") and _may_show(found.url) and site(found.url) != "arxiv.org"
    return canonical(found.url) if elsewhere else ""


def _may_show(address: str) -> bool:
    return len(address) <= URL_CAP and is_http(address)


def _anchor(address: str) -> str:
    """The fragment with its sign where it tells items of one page apart, else ""."""
    _, sign, anchor = address.partition("#")
    own = sign and _OWN_ANCHOR.fullmatch(anchor) and not _NO_ANCHOR.match(anchor)
    return canonical(f"#{anchor}") if own else ""


def _guid(found: Found, key: str, title: str, summary: str) -> str:
    """The source's own id, else what stands for it. arXiv's holds the version, which is not identity."""
    guid = found.guid.strip()
    if key.startswith("arxiv:") and (not guid or arxiv_id(guid)):
        return key
    guid = guid or found.url.strip()
    if not guid:
        guid = hexdigest(title, str(found.published or summary))
    return guid if len(guid) <= GUID_CAP and guid.isprintable() else hexdigest(guid)


def _aliases(found: Found, key: str) -> tuple[str, ...]:
    """Other keys under which the same work may be seen: its DOI, the address behind an arXiv id."""
    name = doi(found.doi) if found.doi else None
    other = work_key(found.url) if found.url and key.startswith("arxiv:") else key
    known = [f"doi:{name}"] if name and not arxiv_id(name) else []
    known += [other] if other != key and _may_show(found.url) else []
    return tuple(alias for alias in dict.fromkeys(known) if alias != key)


def _is_paper(key: str, url: str, from_arxiv: bool) -> bool:
    if from_arxiv or key.startswith(("arxiv:", "doi:")):
        return True
    return any(name in url for name in _PAPER_SITES) and site(url) in _PAPER_SITES  # the name is seen at a glance


def _date(
    published: datetime | None, given_flag: str | None, now: datetime, first_fetch: bool
) -> tuple[datetime | None, str | None]:
    """The date if it can be true, and a flag where there is none."""
    believed = _believable(published, now)
    if believed is not None:
        return believed, None
    if published is not None or given_flag == "implausible":
        return None, "implausible"
    return None, "backlog" if first_fetch else "missing"


def _believable(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment when it lies between 1990 and tomorrow, in UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if _EARLIEST <= aware <= now + timedelta(days=1) else None


def _line(text: str | None) -> str | None:
    return readable(one_line(text))[:TITLE_CAP] or None if text else None
