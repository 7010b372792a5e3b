"""A post of an archive as HTML with its title and date, whatever it was: a feed's entry, Jekyll's Markdown, a page."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from digest.text import normalise_line, strip_hidden

_YAML_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML_FRONT_MATTER = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)  # as Hugo writes it
_DATED_FILE_NAME = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})-(.+)$")
# What kramdown and Liquid add to Markdown: attribute lists, a contents list, tags.
_KRAMDOWN_ATTRIBUTES = re.compile(
    r"(?m)^[ \t]*(?:[-*+1.][ \t]*.*\n)?[ \t]*\{:[^}\n]*\}[ \t]*$|\{:[^}\n]*\}|[ \t]\{#[\w:-]+\}[ \t]*$"
)
_KRAMDOWN_CONTENTS = re.compile(r"(?m)^[ \t]*(?:[-*+]|1\.)[ \t].*\n[ \t]*\{:[ \t]*toc[^}\n]*\}[ \t]*$")
_LIQUID_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_FOOTNOTE = re.compile(
    r"(?m)^ {0,3}\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n+(?: {4}|\t).*)*)"
)  # `[^1]: words`, and lines indented


@dataclass(frozen=True, slots=True)
class ArchivePost:
    """A past post. `html` is its content, links as they were written; `url` is their base."""

    title: str
    html: str
    url: str = ""
    published: datetime | None = None


def parse_archive_post(name: str, text: str) -> ArchivePost:
    """Read a file of an archive by its name: `.html` is a page, all else Markdown; either may have front matter."""
    text = strip_hidden(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    front, body = _split_front_matter(text)
    page = PurePath(name).suffix.lower() in (".html", ".htm", ".xhtml")
    post = _parse_page(body) if page else ArchivePost(_find_first_heading(body), _render_markdown(body))
    stem = _DATED_FILE_NAME.match(PurePath(name).stem)
    title = normalise_line(str(front.get("title") or "")) or post.title or (stem[4] if stem else PurePath(name).stem)
    published = (
        _parse_date(front.get("date")) or post.published or (_parse_date("-".join(stem.groups()[:3])) if stem else None)
    )
    return ArchivePost(title, post.html, post.url, published)


def _split_front_matter(text: str) -> tuple[dict[str, object], str]:
    if match := _TOML_FRONT_MATTER.match(text):
        try:
            return tomllib.loads(match[1]), text[match.end() :]
        except tomllib.TOMLDecodeError:
            return dict(re.findall(r"(?m)^(\w+)[ \t]*=[ \t]*[\"']?(.*?)[\"']?[ \t]*$", match[1])), text[match.end() :]
    match = _YAML_FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        front = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that there is not
        front = dict(re.findall(r"(?m)^(\w+):[ \t]*(.*)$", match[1]))  # a title with a colon, say
    return (front if isinstance(front, dict) else {}), text[match.end() :]


def _render_markdown(body: str) -> str:
    body = _convert_footnotes(_KRAMDOWN_ATTRIBUTES.sub("", _KRAMDOWN_CONTENTS.sub("", _LIQUID_TAG.sub("", body))))
    return str(MarkdownIt("commonmark").enable("table").render(body))


def _convert_footnotes(body: str) -> str:
    """Markdown without footnotes of its own, which CommonMark has not: notes named and referred to as HTML does it."""
    notes = dict(_FOOTNOTE.findall(body))
    if not notes:
        return body
    names = {label: f"fn:{number}" for number, label in enumerate(notes, 1)}

    def reference(match: re.Match[str]) -> str:
        name = names.get(match[1])
        return f'<sup><a href="#{name}">{name[3:]}</a></sup>' if name else match[0]

    text = re.sub(r"\[\^([^\]\s]+)\]", reference, _FOOTNOTE.sub("", body))
    return text + "".join(
        f'\n\n<div id="{names[label]}">\n\n{words.strip()}\n\n</div>' for label, words in notes.items()
    )


def _find_first_heading(body: str) -> str:
    match = re.search(r"(?m)^#[ \t]+(.+?)[ \t]*#*$", body)
    return normalise_line(match[1]) if match else ""


def _parse_page(body: str) -> ArchivePost:
    soup = BeautifulSoup(body, "lxml")
    main = soup.find("article") or soup.find("main") or soup.body or soup
    head = soup.find("h1") or soup.find("title")
    title = normalise_line(head.get_text()) if head else ""
    when = _select_attribute(soup, "time[datetime]", "datetime")
    when = when or _select_attribute(soup, "meta[property='article:published_time']", "content")
    return ArchivePost(title, str(main), _select_attribute(soup, "link[rel=canonical]", "href"), _parse_date(when))


def _select_attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    found = soup.select_one(selector)
    return str(found.get(name) or "") if found else ""


def _parse_date(value: object) -> datetime | None:
    """A date of YAML, of a file's name or of ISO 8601; None when it is none."""
    if value is None:
        return None
    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?))?", str(value).strip())
    try:
        return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None
    except ValueError:
        return None
