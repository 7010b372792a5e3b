"""What the site needs beside posts and feeds: its configuration, the data its layouts read, category pages, the search
index and the pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from digest.config.schema import Newsletter, SiteConfig, Taxonomy
from digest.i18n import load_translations
from digest.markdown.escape import encode_link
from digest.markdown.render import render_description
from digest.protocols import Document
from digest.publishing.issue_view import IssueView, PickView
from digest.publishing.render.cards import card_path, draw_card
from digest.publishing.render.charts import chart_path, render_chart_png
from digest.publishing.render.presentation import (
    describe_issue,
    local_day,
    make_anchor,
    short_title,
    sort_newest_first,
)
from digest.text import format_byline, normalise_line, shorten_text

_SEARCH_TEXT_LENGTH = 240  # characters of a blurb in the search index
_LEAD_COUNT = 5  # picks the front page names

_CONFIG_TEMPLATE = """\
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


def render_site_config(newsletter: Newsletter, site: SiteConfig) -> Document:
    """Jekyll's _config.yml, read alike by 3.10 and 4.3."""
    values = {
        "image": "/" + card_path(*_site_card_text(newsletter)),
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
    quoted = {name: json.dumps(normalise_line(value), ensure_ascii=False) for name, value in values.items()}
    return Document("_config.yml", _CONFIG_TEMPLATE.format(**quoted).encode())


def render_site_files(
    views: Sequence[IssueView],
    newsletter: Newsletter,
    site: SiteConfig,
    taxonomy: Taxonomy,
    existing_paths: Collection[str] = (),
) -> list[Document]:
    """Configuration, data, category pages, search index and pictures, for all published issues.

    Pictures whose paths are in `have` are left out: their names change with what they show.
    """
    newest = sort_newest_first(views)
    picks = _picks_by_category(newest)
    categories = [
        {"slug": c.slug, "title": c.title, "description": c.description, "count": len(picks.get(c.slug, []))}
        for c in taxonomy.categories
    ]
    return [
        render_site_config(newsletter, site),
        _data_document("words", dict(load_translations(newsletter.language))),
        _data_document("issues", _group_by_year(newest, newsletter)),
        _data_document("categories", categories),
        _data_document(
            "picks", {slug: [_build_pick_row(v, p, newsletter) for v, p in rows] for slug, rows in picks.items()}
        ),
        *[_render_category_page(category) for category in categories],
        Document("search.json", _dump_json(_build_search_index(newest, newsletter), indent=None)),
        *_draw_missing_pictures(newest, newsletter, frozenset(existing_paths)),
    ]


def list_picture_paths(views: Sequence[IssueView], newsletter: Newsletter) -> list[str]:
    """Where the cards and the charts' pictures stand, drawn already or not."""
    return list(_map_drawings(views, newsletter))


def _draw_missing_pictures(
    views: Sequence[IssueView], newsletter: Newsletter, existing_paths: frozenset[str]
) -> list[Document]:
    wanted = _map_drawings(views, newsletter)
    return [Document(path, draw()) for path, draw in wanted.items() if path not in existing_paths]


def _map_drawings(views: Sequence[IssueView], newsletter: Newsletter) -> dict[str, Callable[[], bytes]]:
    """Every picture's path and how it is drawn."""
    w = load_translations(newsletter.language)
    out: dict[str, Callable[[], bytes]] = {}
    for texts in _list_card_texts(views, newsletter):
        out[card_path(*texts)] = partial(draw_card, *texts)
    for view, chart in ((one, chart) for one in views for chart in one.charts):
        out[chart_path(view, chart, w)] = partial(render_chart_png, chart, w)
    return out


def _list_card_texts(views: Sequence[IssueView], newsletter: Newsletter) -> list[tuple[str, str, str]]:
    return [(view.title, newsletter.title, view.period) for view in views] + [_site_card_text(newsletter)]


def _site_card_text(newsletter: Newsletter) -> tuple[str, str, str]:
    return newsletter.title, newsletter.description, ""


def _group_by_year(newest: Sequence[IssueView], newsletter: Newsletter) -> list[dict[str, Any]]:
    issues = [(view.period[:4], _build_issue_row(view, newsletter)) for view in newest]
    years = groupby(sorted(issues, key=lambda pair: pair[0], reverse=True), key=lambda pair: pair[0])
    return [{"year": year, "issues": [issue for _, issue in rows]} for year, rows in years]


def _build_issue_row(view: IssueView, newsletter: Newsletter) -> dict[str, Any]:
    w = load_translations(newsletter.language)
    leads = view.highlights or [section.picks[0] for section in view.sections if section.picks]
    return {
        "title": short_title(view.title, newsletter),
        "path": view.path,
        "period": view.period,
        "kind": view.kind,
        "date": w.full_day(local_day(view.published, newsletter)),
        "count": w.picks(len(view.picks())),
        "description": describe_issue(view, newsletter),
        "highlights": [
            {
                "title": normalise_line(pick.title),
                "anchor": make_anchor(pick.anchor),
                "why": render_description(pick.highlight or "") or format_byline(pick.authors) or pick.venue,
            }
            for pick in leads[:_LEAD_COUNT]
        ],
        "sections": [
            {"title": normalise_line(section.title), "anchor": make_anchor(section.anchor), "count": len(section.picks)}
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


def _build_pick_row(view: IssueView, pick: PickView, newsletter: Newsletter) -> dict[str, str]:
    w = load_translations(newsletter.language)
    return {
        "title": normalise_line(pick.title),
        "url": encode_link(pick.url),
        "by": normalise_line(format_byline(pick.authors) or pick.venue),
        "issue": w.period(view.period),
        "path": f"{view.path}#{make_anchor(pick.anchor)}",
    }


def _build_search_index(newest: Sequence[IssueView], newsletter: Newsletter) -> list[dict[str, str]]:
    titles = {section.slug: normalise_line(section.title) for view in newest for section in view.sections}
    return [
        _build_pick_row(view, pick, newsletter)
        | {"category": titles.get(pick.category, pick.category), "text": _shorten_blurb(pick)}
        for view in newest
        if view.kind == "monthly"
        for pick in view.picks()
    ]


def _shorten_blurb(pick: PickView) -> str:
    text = render_description(pick.blurb) if pick.origin == "editor" else normalise_line(pick.blurb)
    return shorten_text(text, _SEARCH_TEXT_LENGTH)


def _render_category_page(category: dict[str, Any]) -> Document:
    slug = category["slug"]
    fields = {
        "layout": "category",
        "title": category["title"],
        "description": category["description"],
        "permalink": f"/category/{slug}/",
        "topic": slug,
        "feed": f"/feed/{slug}.xml",
    }
    front = "\n".join(
        f"{name}: {json.dumps(normalise_line(value), ensure_ascii=False)}" for name, value in fields.items()
    )
    return Document(f"category/{slug}.html", f"---\n{front}\n---\n".encode())


def _data_document(name: str, value: Any) -> Document:
    return Document(f"_data/{name}.json", _dump_json(value))


def _dump_json(value: Any, indent: int | None = 1) -> bytes:
    separators = (",", ": ") if indent else (",", ":")
    return (json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n").encode()
