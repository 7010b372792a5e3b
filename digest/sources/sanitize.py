"""Sanitise foreign markup: clean fragments, absolute links, plain titles."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import nh3

from digest.text import normalise_line
from digest.text.html import html_to_text

HtmlCleaner = Callable[[str, str], str]  # a foreign fragment and the address its links start from, made harmless

MAX_FIELD_LENGTH = 500_000  # characters of one field; what is longer is no post
_TAG = re.compile(r"<[A-Za-z/!?]")
_MARKUP = re.compile(r"<[A-Za-z/!?]|&#?\w{1,40};")
# Elements that occur in titles, and whatever has an attribute: any other <word> there is text, as in "Vec<T>", and so is
# a tag between spaces, as in "How <s> and </s> tokens work", but for line breaks.
_TITLE_TAG = re.compile(
    r"(?!(?<!\S)</?(?!br\b|p\b|hr\b)[a-z]\w*>\s)(?:<[a-z][\w-]*\s+[\w:-]+\s*=[^<>]*>|"
    r"</?(?:a|abbr|acronym|applet|b|bdi|big|blink|blockquote|br|cite|code|del|"
    r"dfn|div|em|font|frame|frameset|h[1-6]|hr|i|img|input|ins|kbd|label|li|mark|marquee|nobr|ol|p|pre|q|"
    r"s|samp|script|small|span|strike|strong|style|sub|sup|svg|table|tbody|td|textarea|th|tr|tt|u|ul|"
    r"var|wbr|iframe|object|embed|math|mi|mo|mn|mrow|msub|msup)(?=[\s/>])[^<>]*>)",
    re.I,
)
_ALL_BUT_BRACKETS = bytes(code for code in range(256) if code not in b"<>")
_BREAKS = re.compile(r"[\t\r\n]")
_ABSOLUTE_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:[/?#][!-~]*)?")  # an address that needs no resolving
_INVALID_HOST = re.compile(r"""[\s<>"'{}|\\^`]""")
# An element without its end is a word of the title: "The <script> tag considered harmful".
_RAW_TEXT = re.compile(
    r"(?is)<(script|style|template|iframe|noscript)\b[^<>]*>(?:(?!<\1\b).)*?</\1\s*>|<!--.*?(?:-->|\Z)"
)
_UNCLOSED_RAW_TAG = re.compile(r"<(/?(?:script|style|template|iframe|noscript))>", re.I)
_BLOCK = (
    "(?:address|article|aside|blockquote|center|details|dialog|dir|div|dl|fieldset|fig|footer|form|header|hgroup|"
    "main|menu|nav|ol|pre|r[pt]|search|section|summary|ul)"
)
_BLOCK_START = re.compile(f"<{_BLOCK}", re.I)
_BLOCK_TAG = re.compile(f"<(/?){_BLOCK}", re.I)
_MAX_DEPTH = 500  # nh3 0.3 takes 3 s for 20,000 nested <div>; no post nests like that


def resolve_url(url: str, base: str) -> str:
    """Resolve an http(s) address with its fragment; empty when there is none."""
    if _ABSOLUTE_URL.fullmatch(url):
        return url
    url = _BREAKS.sub("", url).strip()
    if not url or _ABSOLUTE_URL.fullmatch(url):
        return url
    try:
        full = urljoin(base, url)
        parts = urlsplit(full)
    except ValueError:
        return ""
    sound = parts.scheme.lower() in ("http", "https") and parts.netloc and not _INVALID_HOST.search(parts.netloc)
    return full.replace(" ", "%20") if sound else ""


def clean_html(fragment: str, base: str) -> str:
    """Remove active content and make links absolute; text without markup is returned unchanged."""
    fragment = fragment.strip()[:MAX_FIELD_LENGTH]
    if not _has_markup(fragment):
        return fragment
    if _is_nested_too_deep(fragment):
        return html_to_text(fragment)
    return _build_cleaner(base).clean(fragment).strip()


def flatten_html(fragment: str, base: str) -> str:
    """Reduce a fragment to its escaped text, in a fifth of the time that cleaning takes.

    Signs that do not pair up may stand in attributes, and are left to a parser.
    """
    fragment = fragment.strip()[:MAX_FIELD_LENGTH]
    if not _has_markup(fragment):
        return fragment
    if not _has_paired_brackets(fragment):
        fragment = clean_html(fragment, base)
    return escape_plain_text(html_to_text(fragment))


def escape_plain_text(text: str) -> str:
    """Escape plain text, so that reading it as markup returns it."""
    text = text.strip()[:MAX_FIELD_LENGTH]
    return html.escape(text, quote=False) if _has_markup(text) else text


def clean_title(title: str, *, is_markup: bool = True) -> str:
    """Reduce a title to one line of plain text. Without `is_markup` it keeps its angle brackets."""
    if is_markup and ("<" in title or "&" in title):
        if "<" not in title and "&lt;" in title:
            return normalise_line(html.unescape(title))
        title = _UNCLOSED_RAW_TAG.sub(r"&lt;\1&gt;", _RAW_TEXT.sub(" ", title)) if _TAG.search(title) else title
        title = html.unescape(_TITLE_TAG.sub("", title))
    return normalise_line(title)[:1000]


def derive_title(fragment: str, limit: int = 80) -> str:
    """Derive a title from the first words of a fragment."""
    text = normalise_line(html_to_text(fragment[:4000]))
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + "…"


def _has_markup(text: str) -> bool:
    """Whether a text holds tags or entities."""
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def _has_paired_brackets(text: str) -> bool:
    """Whether < and > alternate, from a < to a >."""
    signs = text.encode("utf-8", "surrogatepass").translate(None, _ALL_BUT_BRACKETS)
    return signs == b"<>" * (len(signs) // 2)


def _is_nested_too_deep(fragment: str) -> bool:
    if fragment.count("<") < _MAX_DEPTH or len(_BLOCK_START.findall(fragment)) < _MAX_DEPTH:
        return False
    depth = deepest = 0
    for match in _BLOCK_TAG.finditer(fragment):
        depth = max(depth - 1, 0) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest > _MAX_DEPTH


@lru_cache(maxsize=64)
def _build_cleaner(base: str) -> nh3.Cleaner:
    schemes = {"http", "https", "mailto"}
    try:
        return nh3.Cleaner(url_schemes=schemes, url_relative=("rewrite_with_base", base), link_rel=None)
    except ValueError:  # no base, or none that the URL standard accepts
        return nh3.Cleaner(url_schemes=schemes, url_relative="deny", link_rel=None)
