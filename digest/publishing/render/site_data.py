"""Render the site's configuration, the data its layouts read, category pages, search index and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import parse_qs, urlsplit

from digest.config.schema import Newsletter, SiteConfig, Taxonomy
from digest.i18n import Translations, load_translations
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
from digest.text.sentences import split_sentences

_SEARCH_TEXT_LENGTH = 240  # characters of a blurb in the search index
_OPENING_LENGTH = 480  # characters of the latest issue's introduction on the front page
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
density: {density}
email: {email}
repository_url: {repository}
mark: {mark}
image: {image}
subscribe_url: {subscribe}
subscribe_form: {form}

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
    """Render Jekyll's _config.yml, for 3.10 and 4.3."""
    values = {
        "image": "/" + card_path(*_site_card_text(newsletter)),
        "title": newsletter.title,
        "description": newsletter.description,
        "url": newsletter.url.rstrip("/"),
        "baseurl": newsletter.base_path,
        "lang": newsletter.language,
        "author": newsletter.author,
        "look": site.look,
        "density": site.density,
        "email": newsletter.email,
        "repository": site.repository,
        "subscribe": encode_link(site.subscribe_url),
        "mark": site.logo_text or newsletter.title,
    }
    quoted = {name: json.dumps(normalise_line(value), ensure_ascii=False) for name, value in values.items()}
    form = json.dumps(_build_subscribe_form(site.subscribe_url), ensure_ascii=False)
    return Document("_config.yml", _CONFIG_TEMPLATE.format(**quoted, form=form).encode())


def _build_subscribe_form(url: str) -> dict[str, Any] | None:
    """Build the form of a known sign-up address; other addresses are linked.

    The fields are those of Buttondown's and listmonk's forms, Mailchimp's and our own `subscribers serve`.
    """
    parts = urlsplit(encode_link(url))
    hidden = {name: values[0] for name, values in parse_qs(parts.query).items()}
    path = parts.path.rstrip("/")
    if parts.hostname in ("buttondown.com", "buttondown.email"):
        name = path.rpartition("/")[2]
        action = f"https://buttondown.com/api/emails/embed-subscribe/{name}"
        return {"action": action, "field": "email", "hidden": {"embed": "1"}} if name else None
    if path.endswith("/subscription/form"):
        return {"action": parts._replace(query="").geturl(), "field": "email", "hidden": hidden | {"nonce": ""}}
    if (parts.hostname or "").endswith(".list-manage.com"):
        action = parts._replace(path=f"{path.removesuffix('/post')}/post", query="").geturl()
        return {"action": action, "field": "EMAIL", "hidden": hidden}
    if path.endswith("/subscribe"):
        return {"action": parts._replace(query="").geturl(), "field": "address", "hidden": hidden}
    return None


def render_site_files(
    views: Sequence[IssueView],
    newsletter: Newsletter,
    site: SiteConfig,
    taxonomy: Taxonomy,
    existing_paths: Collection[str] = (),
) -> list[Document]:
    """Render all files of the site besides posts and feeds.

    Pictures at `existing_paths` are skipped: their names change with their content.
    """
    newest, translations = sort_newest_first(views), load_translations(newsletter.language)
    picks: dict[str, list[dict[str, str]]] = {}
    search_index = []
    titles = {section.slug: normalise_line(section.title) for view in newest for section in view.sections}
    for view in newest:
        # A recap repeats the picks of monthly issues.
        for pick in view.picks() if view.kind == "monthly" else ():
            row = _build_pick_row(view, pick, translations)
            picks.setdefault(pick.category, []).append(row)
            category = titles.get(pick.category, pick.category)
            search_index.append(row | {"category": category})
    categories = [
        {"slug": c.slug, "title": c.title, "description": c.description, "count": len(picks.get(c.slug, []))}
        for c in taxonomy.categories
    ]
    drawings = _map_drawings(newest, newsletter)
    return [
        render_site_config(newsletter, site),
        _data_document("words", dict(translations)),
        _data_document("issues", _group_by_year(newest, newsletter)),
        _data_document("categories", categories),
        _data_document("picks", picks),
        *[_render_category_page(category) for category in categories],
        Document("search.json", _dump_json(search_index, indent=None)),
        *[Document(path, draw()) for path, draw in drawings.items() if path not in existing_paths],
    ]


def list_picture_paths(views: Sequence[IssueView], newsletter: Newsletter) -> list[str]:
    """List the paths of cards and charts, existing or not."""
    return list(_map_drawings(views, newsletter))


def _map_drawings(views: Sequence[IssueView], newsletter: Newsletter) -> dict[str, Callable[[], bytes]]:
    """Map the path of every picture to its drawing."""
    translations = load_translations(newsletter.language)
    drawings: dict[str, Callable[[], bytes]] = {}
    for texts in [*((view.title, newsletter.title, view.period) for view in views), _site_card_text(newsletter)]:
        drawings[card_path(*texts)] = partial(draw_card, *texts)
    for view in views:
        for chart in view.charts:
            drawings[chart_path(view, chart, translations)] = partial(render_chart_png, chart, translations)
    return drawings


def _site_card_text(newsletter: Newsletter) -> tuple[str, str, str]:
    return newsletter.title, newsletter.description, ""


def _group_by_year(newest: Sequence[IssueView], newsletter: Newsletter) -> list[dict[str, Any]]:
    issues = [(view.period[:4], _build_issue_row(view, newsletter)) for view in newest]
    years = groupby(sorted(issues, key=lambda pair: pair[0], reverse=True), key=lambda pair: pair[0])
    return [{"year": year, "issues": [issue for _, issue in rows]} for year, rows in years]


def _build_issue_row(view: IssueView, newsletter: Newsletter) -> dict[str, Any]:
    translations = load_translations(newsletter.language)
    sections = [section for section in view.main_sections if section.picks]
    leads = view.highlights or [section.picks[0] for section in sections]
    highlights = [
        {
            "title": normalise_line(pick.title),
            "anchor": make_anchor(pick.anchor),
            "why": render_description(pick.highlight or "") or format_byline(pick.authors) or pick.venue,
        }
        for pick in leads[:_LEAD_COUNT]
    ]
    return {
        "title": short_title(view.title, newsletter),
        "path": view.path,
        "period": view.period,
        "kind": view.kind,
        "date": translations.full_day(local_day(view.published, newsletter)),
        "count": translations.picks(len(view.picks())),
        "description": describe_issue(view, newsletter),
        "opening": shorten_text(render_description(view.intro), _OPENING_LENGTH) or describe_issue(view, newsletter),
        "highlights": highlights,
        "sections": [
            {"title": normalise_line(s.title), "anchor": make_anchor(s.anchor), "count": len(s.picks)} for s in sections
        ],
    }


def _build_pick_row(view: IssueView, pick: PickView, translations: Translations) -> dict[str, str]:
    blurb = render_description(pick.blurb) if pick.origin == "editor" else normalise_line(pick.blurb)
    return {
        "title": normalise_line(pick.title),
        "url": encode_link(pick.url),
        "by": normalise_line(format_byline(pick.authors) or pick.venue),
        "issue": translations.period(view.period),
        "path": f"{view.path}#{make_anchor(pick.anchor)}",
        "date": translations.day(pick.published),
        "text": _take_sentences(blurb),
    }


def _take_sentences(text: str) -> str:
    """Take the whole sentences that a list has room for; a first one that is longer is cut."""
    taken = ""
    for sentence in split_sentences(text):
        if taken and len(taken) + len(sentence) >= _SEARCH_TEXT_LENGTH:
            break
        taken = f"{taken} {sentence}".strip()
    return shorten_text(taken, _SEARCH_TEXT_LENGTH)


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
    texts = {name: json.dumps(normalise_line(value), ensure_ascii=False) for name, value in fields.items()}
    front = "".join(f"{name}: {text}\n" for name, text in texts.items())
    return Document(f"category/{slug}.html", f"---\n{front}---\n".encode())


def _data_document(name: str, value: Any) -> Document:
    return Document(f"_data/{name}.json", _dump_json(value))


def _dump_json(value: Any, indent: int | None = 1) -> bytes:
    separators = (",", ": ") if indent else (",", ":")
    return (json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n").encode()
