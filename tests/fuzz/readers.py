"""Every function that reads foreign text, as a call with one string; and strings that are known to make readers slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_string
from itertools import product

from digest.blurbs.extract import extract_quote
from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.blurbs.grounding.claims import find_names, find_numbers
from digest.config.schema import Source
from digest.drafts.archive.posts import parse_archive_post
from digest.drafts.parser import parse_draft
from digest.errors import DigestError
from digest.ingest.add import parse_jsonl_items
from digest.ingest.matching.features import RecordFeatures
from digest.ingest.matching.terms import find_coined_names
from digest.ingest.normalize import normalize_entry
from digest.llm.injection import find_injection, is_suspicious
from digest.llm.json_reply import parse_json_reply
from digest.llm.sanitize import clean_model_text, sanitise_for_prompt
from digest.mail.bounces import parse_report
from digest.mail.subscriber_csv import parse_subscriber_csv
from digest.markdown.escape import encode_link, escape_markdown, unescape_markdown
from digest.markdown.lint import lint_markdown
from digest.markdown.render import render_html, render_text, rewrite_markdown
from digest.ranking.tokens import extract_tokens
from digest.ranking.types import RankerInput
from digest.sources.dates import parse_date
from digest.sources.entries import Entry
from digest.sources.feeds import parse_feed
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.html.article import parse_article
from digest.sources.html.discovery import discover_feeds
from digest.sources.html.listing import parse_listing
from digest.sources.html.sitemap import is_sitemap, parse_sitemap
from digest.sources.opml import parse_opml
from digest.sources.sanitize import clean_html, clean_title, derive_title, flatten_html
from digest.text import normalise_line, slugify
from digest.text.html import html_to_text
from digest.text.names import build_title_key, extract_surname, fold_text, split_names
from digest.text.sentences import split_sentences
from digest.text.tex import convert_tex
from digest.text.venues import extract_venue
from digest.urls import extract_doi, work_key
from digest.urls.arxiv import extract_arxiv_id, find_arxiv_ids, find_superseding_work
from digest.urls.canonical import canonicalise_url

NOW = datetime(2026, 3, 4, 8, tzinfo=UTC)
URL = "https://example.org/blog/"
SOURCE = Source(id="s", kind="feed", url=URL)
GROUNDING_SOURCE = prepare_grounding_source("A model", "We train 3 models of 7 billion parameters on GPQA.")

SEEDS = (
    "<", "<a href=\"", "<!--", "<![CDATA[", "</p>", "<b>", "&", "&amp;", "&#", "(", ")", "[", "](", "*", "_", "`", "{", "$", "\\",
    " ", "\n", "\t", ",", ".", "-", "'", "\"", "http://", "#", "a", "A. ", "1", "é", "@", "|", ":", ";", "%", " and ", "<!-- digest:",
)  # fmt: skip

READERS: dict[str, Callable[[str], object]] = {
    "split_names": lambda text: split_names([text]),
    "fold_text": fold_text,
    "extract_surname": extract_surname,
    "build_title_key": build_title_key,
    "normalise_line": normalise_line,
    "slugify": slugify,
    "html_to_text": html_to_text,
    "split_sentences": split_sentences,
    "convert_tex": convert_tex,
    "extract_venue": extract_venue,
    "work_key": work_key,
    "canonicalise_url": canonicalise_url,
    "work_key of a URL": lambda text: work_key(URL + text),
    "extract_doi": extract_doi,
    "extract_arxiv_id": extract_arxiv_id,
    "find_arxiv_ids": find_arxiv_ids,
    "find_superseding_work": find_superseding_work,
    "parse_date": parse_date,
    "clean_html": lambda text: clean_html(text, URL),
    "flatten_html": lambda text: flatten_html(text, URL),
    "clean_title": clean_title,
    "derive_title": derive_title,
    "transcode_to_utf8": lambda text: transcode_to_utf8(text.encode(), {}),
    "parse_feed": lambda text: parse_feed(text.encode(), url=URL, headers={}, now=NOW),
    "parse_feed with a title": lambda text: parse_feed(
        f"<rss><channel><item><title>{text}</title></item></channel></rss>".encode(), url=URL, headers={}, now=NOW
    ),
    "parse_article": lambda text: parse_article(f"<title>t</title><p>{text}".encode(), URL, now=NOW),
    "parse_listing": lambda text: parse_listing(text.encode(), URL, SOURCE.selectors),
    "discover_feeds": lambda text: discover_feeds(text.encode(), URL),
    "is_sitemap": lambda text: is_sitemap(text.encode()),
    "parse_sitemap": lambda text: parse_sitemap(text.encode(), URL),
    "parse_opml": lambda text: parse_opml(text.encode()),
    "normalize_entry of a title": lambda text: normalize_entry(Entry(title=text, url=URL), SOURCE, NOW),
    "normalize_entry of a summary": lambda text: normalize_entry(Entry(title="t", url=URL, summary=text), SOURCE, NOW),
    "normalize_entry of plain text": lambda text: normalize_entry(
        Entry(title=text, url=URL, summary=text), SOURCE, NOW, is_plain_text=True
    ),
    "normalize_entry of authors": lambda text: normalize_entry(Entry(title="t", url=URL, authors=[text]), SOURCE, NOW),
    "normalize_entry of links": lambda text: normalize_entry(
        Entry(title="t", url=URL + text, guid=text, comment=text, doi=text), SOURCE, NOW
    ),
    "parse_jsonl_items": lambda text: parse_jsonl_items([("1", text)], {}, SOURCE, NOW),
    "find_coined_names": find_coined_names,
    "RecordFeatures": lambda text: [
        (record.coined_names, record.tokens, record.text_words, record.referenced_keys, record.name_tokens)
        for record in [RecordFeatures("1", title=text[:500], text=text)]
    ],
    "find_injection": find_injection,
    "is_suspicious": lambda text: is_suspicious(sanitise_for_prompt(text)),
    "parse_json_reply": parse_json_reply,
    "clean_model_text": clean_model_text,
    "sanitise_for_prompt": sanitise_for_prompt,
    "extract_quote": lambda text: extract_quote("A title", text),
    "check_grounding": lambda text: check_grounding(text, GROUNDING_SOURCE),
    "prepare_grounding_source": lambda text: prepare_grounding_source("A title", text),
    "find_names": lambda text: list(find_names(text)),
    "find_numbers": lambda text: list(find_numbers(text)),
    "extract_tokens": lambda text: extract_tokens(RankerInput("k", text[:500], text)),
    "parse_draft": parse_draft,
    "parse_archive_post": lambda text: parse_archive_post("2026-01-01-post.md", text),
    "parse_archive_post of a page": lambda text: parse_archive_post("post.html", text),
    "escape_markdown": escape_markdown,
    "unescape_markdown": unescape_markdown,
    "encode_link": lambda text: encode_link(URL + text),
    "lint_markdown": lint_markdown,
    "render_html": render_html,
    "render_text": render_text,
    "rewrite_markdown": rewrite_markdown,
    "parse_report": lambda text: list(parse_report(message_from_string(text))),
    "parse_subscriber_csv": lambda text: parse_subscriber_csv(f"address\n{text}".encode()),
}


def call(reader: Callable[[str], object], text: str) -> None:
    """Call a reader; to refuse the text is as good as to read it."""
    with suppress(DigestError, ValueError):
        reader(text)


def hostile_patterns() -> Iterator[str]:
    """Yield the seeds, and every pair of different seeds."""
    yield from SEEDS
    yield from (first + second for first, second in product(SEEDS, SEEDS) if first != second)


def grow(pattern: str, size: int) -> str:
    return (pattern * (size // len(pattern) + 1))[:size]
