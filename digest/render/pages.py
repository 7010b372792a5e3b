"""What the site needs beside posts and feeds: its configuration, the data its layouts read, category pages, the search
index and the pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from digest.config import Newsletter, Site, Taxonomy
from digest.markdown import link, to_words
from digest.ports import Document, IssueView, PickView
from digest.render.cards import card, card_path
from digest.render.chartimages import chart_path, chart_png
from digest.render.present import anchor, describe, local_day, newest_first, short_title, shortened
from digest.render.words import words
from digest.text import by_line, one_line

_SEARCHED = 240  # characters of a blurb in the search index
_LEADS = 5  # picks the front page names

_CONFIG = """\
# Written by digest from sources.yaml (newsletter, site); change it there.
title: {title}
description: {description}
url: {url}
baseurl: {baseurl}
lang: {lang}
author: {author}
look: {look}
email: {email}
repository_url: {repository}
mark: {mark}
image: {image}

theme: null # GitHub Pages would add one of its own
timezone: UTC
future: true
permalink: /:year/:month/:title/
excerpt_separator: ""
plugins: []
exclude: [README.md, Gemfile, Gemfile.lock, vendor]
markdown: kramdown
kramdown: # text as it was written: no typographic quotes, dashes or ellipses, which change titles
  input: GFM
  auto_ids: false
  smart_quotes: [apos, apos, quot, quot]
  typographic_symbols:
    {{hellip: "...", mdash: "---", ndash: "--", laquo: "<<", raquo: ">>", laquo_space: "<< ", raquo_space: " >>"}}
"""


def site_config(newsletter: Newsletter, site: Site) -> Document:
    """Jekyll's _config.yml, read alike by 3.10 and 4.3."""
    values = {
        "image": "/" + card_path(*_own_card(newsletter)),
        "title": newsletter.title,
        "description": newsletter.description,
        "url": newsletter.url.rstrip("/"),
        "baseurl": newsletter.base_path,
        "lang": newsletter.language,
        "author": newsletter.author,
        "look": site.look,
        "email": newsletter.email,
        "repository": site.repository,
        "mark": site.logo_text or newsletter.title,
    }
    quoted = {name: json.dumps(one_line(value), ensure_ascii=False) for name, value in values.items()}
    return Document("_config.yml", _CONFIG.format(**quoted).encode())


def site_files(
    views: Sequence[IssueView],
    newsletter: Newsletter,
    site: Site,
    taxonomy: Taxonomy,
    have: Collection[str] = (),
) -> list[Document]:
    """Configuration, data, category pages, search index and pictures, for all published issues.

    Pictures whose paths are in `have` are left out: their names change with what they show.
    """
    newest = newest_first(views)
    picks = _picks_by_category(newest)
    categories = [
        {"slug": c.slug, "title": c.title, "description": c.description, "count": len(picks.get(c.slug, []))}
        for c in taxonomy.categories
    ]
    return [
        site_config(newsletter, site),
        _data("words", dict(words(newsletter.language))),
        _data("issues", _years(newest, newsletter)),
        _data("categories", categories),
        _data("picks", {slug: [_row(v, p, newsletter) for v, p in rows] for slug, rows in picks.items()}),
        *[_category_page(category) for category in categories],
        Document("search.json", _json(_index(newest, newsletter), indent=None)),
        *_pictures(newest, newsletter, frozenset(have)),
    ]


def picture_paths(views: Sequence[IssueView], newsletter: Newsletter) -> list[str]:
    """Where the cards and the charts' pictures stand, drawn already or not."""
    return list(_drawings(views, newsletter))


def _pictures(views: Sequence[IssueView], newsletter: Newsletter, have: frozenset[str]) -> list[Document]:
    wanted = _drawings(views, newsletter)
    return [Document(path, draw()) for path, draw in wanted.items() if path not in have]


def _drawings(views: Sequence[IssueView], newsletter: Newsletter) -> dict[str, Callable[[], bytes]]:
    """Every picture's path and how it is drawn."""
    w = words(newsletter.language)
    out: dict[str, Callable[[], bytes]] = {}
    for texts in _card_texts(views, newsletter):
        out[card_path(*texts)] = partial(card, *texts)
    for view, chart in ((one, chart) for one in views for chart in one.charts):
        out[chart_path(view, chart, w)] = partial(chart_png, chart, w)
    return out


def _card_texts(views: Sequence[IssueView], newsletter: Newsletter) -> list[tuple[str, str, str]]:
    return [(view.title, newsletter.title, view.period) for view in views] + [_own_card(newsletter)]


def _own_card(newsletter: Newsletter) -> tuple[str, str, str]:
    return newsletter.title, newsletter.description, ""


def _years(newest: Sequence[IssueView], newsletter: Newsletter) -> list[dict[str, Any]]:
    issues = [(view.period[:4], _issue(view, newsletter)) for view in newest]
    years = groupby(sorted(issues, key=lambda pair: pair[0], reverse=True), key=lambda pair: pair[0])
    return [{"year": year, "issues": [issue for _, issue in rows]} for year, rows in years]


def _issue(view: IssueView, newsletter: Newsletter) -> dict[str, Any]:
    w = words(newsletter.language)
    leads = view.highlights or [section.picks[0] for section in view.sections if section.picks]
    return {
        "title": short_title(view.title, newsletter),
        "path": view.path,
        "period": view.period,
        "kind": view.kind,
        "date": w.full_day(local_day(view.published, newsletter)),
        "count": w.picks(len(view.picks())),
        "description": describe(view, newsletter),
        "highlights": [
            {
                "title": one_line(pick.title),
                "anchor": anchor(pick.anchor),
                "why": to_words(pick.highlight or "") or by_line(pick.authors) or pick.venue,
            }
            for pick in leads[:_LEADS]
        ],
        "sections": [
            {"title": one_line(section.title), "anchor": anchor(section.anchor), "count": len(section.picks)}
            for section in view.sections
            if section.picks
        ],
    }


def _picks_by_category(newest: Sequence[IssueView]) -> dict[str, list[tuple[IssueView, PickView]]]:
    """The monthly issues' picks, newest issue first; a recap only repeats them."""
    found: dict[str, list[tuple[IssueView, PickView]]] = {}
    for view in newest:
        if view.kind == "monthly":
            for pick in view.picks():
                found.setdefault(pick.category, []).append((view, pick))
    return found


def _row(view: IssueView, pick: PickView, newsletter: Newsletter) -> dict[str, str]:
    w = words(newsletter.language)
    return {
        "title": one_line(pick.title),
        "url": link(pick.url),
        "by": one_line(by_line(pick.authors) or pick.venue),
        "issue": w.period(view.period),
        "path": f"{view.path}#{anchor(pick.anchor)}",
    }


def _index(newest: Sequence[IssueView], newsletter: Newsletter) -> list[dict[str, str]]:
    titles = {section.slug: one_line(section.title) for view in newest for section in view.sections}
    return [
        _row(view, pick, newsletter) | {"category": titles.get(pick.category, pick.category), "text": _short(pick)}
        for view in newest
        if view.kind == "monthly"
        for pick in view.picks()
    ]


def _short(pick: PickView) -> str:
    text = to_words(pick.blurb) if pick.origin == "editor" else one_line(pick.blurb)
    return shortened(text, _SEARCHED)


def _category_page(category: dict[str, Any]) -> Document:
    slug = category["slug"]
    fields = {
        "layout": "category",
        "title": category["title"],
        "description": category["description"],
        "permalink": f"/category/{slug}/",
        "topic": slug,
        "feed": f"/feed/{slug}.xml",
    }
    front = "\n".join(f"{name}: {json.dumps(one_line(value), ensure_ascii=False)}" for name, value in fields.items())
    return Document(f"category/{slug}.html", f"---\n{front}\n---\n".encode())


def _data(name: str, value: Any) -> Document:
    return Document(f"_data/{name}.json", _json(value))


def _json(value: Any, indent: int | None = 1) -> bytes:
    separators = (",", ": ") if indent else (",", ":")
    return (json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n").encode()
