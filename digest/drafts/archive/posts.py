"""Parse a post of an archive: an entry of a feed, Jekyll's Markdown, or a page, to HTML with title and date."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import PurePath

import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from digest.sources.feeds import parse_feed
from digest.text import normalise_line, strip_hidden

PAGE_SUFFIXES = (".html", ".htm", ".xhtml")
_YAML_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
# As Hugo writes it.
_TOML_FRONT_MATTER = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_DATED_FILE_NAME = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})-(.+)$")
# What kramdown and Liquid add to Markdown: attribute lists, a table of contents, tags.
_KRAMDOWN_ATTRIBUTES = re.compile(
    r"(?m)^[ \t]*(?:[-*+1.].*\n[ \t]*)?\{:[^}\n]*\}[ \t]*$|\{:[^}\n]*\}|[ \t]\{#[\w:-]+\}[ \t]*$"
)
_KRAMDOWN_CONTENTS = re.compile(r"(?m)^[ \t]*(?:[-*+]|1\.)[ \t].*\n[ \t]*\{:[ \t]*toc[^}\n]*\}[ \t]*$")
_LIQUID_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
# `[^1]: text`, and indented lines.
_FOOTNOTE = re.compile(r"(?m)^ {0,3}\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n+(?: {4}|\t).*)*)")


@dataclass(frozen=True, slots=True)
class ArchivePost:
    """A past post. `html` has its links as they were written; `url` is their base."""

    title: str
    html: str
    url: str = ""
    published: datetime | None = None


def parse_feed_posts(data: bytes, url: str, headers: Mapping[str, str]) -> list[ArchivePost]:
    """Parse the posts of a feed; raises ParseError."""
    feed = parse_feed(data, url=url, headers=headers, clean=_set_base_url)
    return [
        ArchivePost(entry.title, entry.content or entry.summary, entry.url, entry.published) for entry in feed.entries
    ]


def _set_base_url(fragment: str, base: str) -> str:
    """Keep a fragment as it is, with the footnotes' names and the empty links that cleaning removes.

    Only text and addresses are read from it, as from a file.
    """
    return f'<base href="{escape(base)}">{fragment}' if base.startswith("http") else fragment


def parse_archive_post(name: str, text: str) -> ArchivePost:
    """Parse a page or a Markdown file, by its name; either may have front matter."""
    text = strip_hidden(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    front_matter, body = split_front_matter(text)
    path = PurePath(name)
    if path.suffix.lower() in PAGE_SUFFIXES:
        post = _parse_page(body)
    else:
        heading = re.search(r"(?m)^#[ \t]+(.+)$", body)
        post = ArchivePost(normalise_line(heading[1].rstrip("#")) if heading else "", _render_markdown(body))
    dated_name = _DATED_FILE_NAME.match(path.stem)
    name_date = "-".join(dated_name.groups()[:3]) if dated_name else None
    title = normalise_line(str(front_matter.get("title") or "")) or post.title
    return ArchivePost(
        title or (dated_name[4] if dated_name else path.stem),
        post.html,
        post.url,
        _parse_date(front_matter.get("date")) or post.published or _parse_date(name_date),
    )


def split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """Split a post into its front matter, YAML or TOML, and its text."""
    if match := _TOML_FRONT_MATTER.match(text):
        try:
            return tomllib.loads(match[1]), text[match.end() :]
        except tomllib.TOMLDecodeError:
            return dict(re.findall(r"(?m)^(\w+)[ \t]*=[ \t]*[\"']?(.*?)[\"']?[ \t]*$", match[1])), text[match.end() :]
    match = _YAML_FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        front_matter = yaml.safe_load(match[1])
    # A title with a colon; ValueError: an impossible date.
    except (yaml.YAMLError, ValueError, RecursionError):
        front_matter = dict(re.findall(r"(?m)^(\w+):[ \t]*(.*)$", match[1]))
    return (front_matter if isinstance(front_matter, dict) else {}), text[match.end() :]


def _render_markdown(body: str) -> str:
    for pattern in (_LIQUID_TAG, _KRAMDOWN_CONTENTS, _KRAMDOWN_ATTRIBUTES):
        body = pattern.sub("", body)
    return str(MarkdownIt("commonmark").enable("table").render(_convert_footnotes(body)))


def _convert_footnotes(body: str) -> str:
    """Convert footnotes, which CommonMark does not have, to HTML."""
    notes = dict(_FOOTNOTE.findall(body))
    numbers = {label: number for number, label in enumerate(notes, 1)}

    def convert_reference(match: re.Match[str]) -> str:
        number = numbers.get(match[1])
        return f'<sup><a href="#fn:{number}">{number}</a></sup>' if number else match[0]

    if not notes:
        return body
    text = re.sub(r"\[\^([^\]\s]+)\]", convert_reference, _FOOTNOTE.sub("", body))
    return text + "".join(
        f'\n\n<div id="fn:{numbers[label]}">\n\n{note.strip()}\n\n</div>' for label, note in notes.items()
    )


def _parse_page(body: str) -> ArchivePost:
    soup = BeautifulSoup(body, "lxml")
    main = soup.find("article") or soup.find("main") or soup.body or soup
    heading = soup.find("h1") or soup.find("title")
    published = _select_attribute(soup, "time[datetime]", "datetime") or _select_attribute(
        soup, "meta[property='article:published_time']", "content"
    )
    title = normalise_line(heading.get_text()) if heading else ""
    return ArchivePost(title, str(main), _select_attribute(soup, "link[rel=canonical]", "href"), _parse_date(published))


def _select_attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    tag = soup.select_one(selector)
    return str(tag.get(name) or "") if tag else ""


def _parse_date(value: object) -> datetime | None:
    """Parse a date of YAML, of a file's name or of ISO 8601."""
    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", str(value or "").strip())
    try:
        return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None
    except ValueError:
        return None
