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

from digest.text import one_line, strip_hidden

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)  # as Hugo writes it
_NAMED = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})-(.+)$")
# What kramdown and Liquid add to Markdown: attribute lists, a contents list, tags.
_KRAMDOWN = re.compile(
    r"(?m)^[ \t]*(?:[-*+1.][ \t]*.*\n)?[ \t]*\{:[^}\n]*\}[ \t]*$|\{:[^}\n]*\}|[ \t]\{#[\w:-]+\}[ \t]*$"
)
_CONTENTS = re.compile(r"(?m)^[ \t]*(?:[-*+]|1\.)[ \t].*\n[ \t]*\{:[ \t]*toc[^}\n]*\}[ \t]*$")
_LIQUID = re.compile(r"\{%.*?%\}", re.DOTALL)
_FOOTNOTE = re.compile(
    r"(?m)^ {0,3}\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n+(?: {4}|\t).*)*)"
)  # `[^1]: words`, and lines indented


@dataclass(frozen=True, slots=True)
class Post:
    """A past post. `html` is its content, links as they were written; `url` is their base."""

    title: str
    html: str
    url: str = ""
    published: datetime | None = None


def read_post(name: str, text: str) -> Post:
    """Read a file of an archive by its name: `.html` is a page, all else Markdown; either may have front matter."""
    text = strip_hidden(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    front, body = _split(text)
    page = PurePath(name).suffix.lower() in (".html", ".htm", ".xhtml")
    post = _page(body) if page else Post(_first_heading(body), _markdown(body))
    stem = _NAMED.match(PurePath(name).stem)
    title = one_line(str(front.get("title") or "")) or post.title or (stem[4] if stem else PurePath(name).stem)
    published = _moment(front.get("date")) or post.published or (_moment("-".join(stem.groups()[:3])) if stem else None)
    return Post(title, post.html, post.url, published)


def _split(text: str) -> tuple[dict[str, object], str]:
    if match := _TOML.match(text):
        try:
            return tomllib.loads(match[1]), text[match.end() :]
        except tomllib.TOMLDecodeError:
            return dict(re.findall(r"(?m)^(\w+)[ \t]*=[ \t]*[\"']?(.*?)[\"']?[ \t]*$", match[1])), text[match.end() :]
    match = _FRONT.match(text)
    if not match:
        return {}, text
    try:
        front = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that there is not
        front = dict(re.findall(r"(?m)^(\w+):[ \t]*(.*)$", match[1]))  # a title with a colon, say
    return (front if isinstance(front, dict) else {}), text[match.end() :]


def _markdown(body: str) -> str:
    body = _with_footnotes(_KRAMDOWN.sub("", _CONTENTS.sub("", _LIQUID.sub("", body))))
    return str(MarkdownIt("commonmark").enable("table").render(body))


def _with_footnotes(body: str) -> str:
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


def _first_heading(body: str) -> str:
    match = re.search(r"(?m)^#[ \t]+(.+?)[ \t]*#*$", body)
    return one_line(match[1]) if match else ""


def _page(body: str) -> Post:
    soup = BeautifulSoup(body, "lxml")
    main = soup.find("article") or soup.find("main") or soup.body or soup
    head = soup.find("h1") or soup.find("title")
    title = one_line(head.get_text()) if head else ""
    when = _attribute(soup, "time[datetime]", "datetime")
    when = when or _attribute(soup, "meta[property='article:published_time']", "content")
    return Post(title, str(main), _attribute(soup, "link[rel=canonical]", "href"), _moment(when))


def _attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    found = soup.select_one(selector)
    return str(found.get(name) or "") if found else ""


def _moment(value: object) -> datetime | None:
    """A date of YAML, of a file's name or of ISO 8601; None when it is none."""
    if value is None:
        return None
    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?))?", str(value).strip())
    try:
        return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None
    except ValueError:
        return None
