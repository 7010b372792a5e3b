"""Propose a taxonomy from the headings under which an author sorted the works of past reviews."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from digest.config.schema import Category, Taxonomy
from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.archive.headings import fold_heading
from digest.text import slugify

_MIN_WORKS = 2
_MAX_EXEMPLARS = 8
_LISTED_WORK = re.compile(r"(?m)^\s*(?:[-*+]|\d+[.)])\s+(?:\*\*|__)?\[(?P<title>[^\]\n]{3,200})\]\(<?https?://")


def propose_categories(
    reviews: Sequence[ArchiveReview], taxonomy: Taxonomy, categories_by_heading: Mapping[str, str]
) -> list[Category]:
    """Propose a category for each heading with a list of works, in the author's order; months are none.

    A heading that is mapped to one of our categories keeps its slug, description and keywords. One that several
    reviews have is proposed once, with the works of all.
    """
    own_categories = {category.slug: category for category in taxonomy.categories}
    slugs = {fold_heading(heading): slug for heading, slug in categories_by_heading.items()}
    proposed: dict[str, Category] = {}
    for chapter in (chapter for review in reviews if review.form == "category" for chapter in review.chapters):
        works = tuple(dict.fromkeys(match["title"].replace("\\", "") for match in _LISTED_WORK.finditer(chapter.text)))
        if len(works) < _MIN_WORKS:
            continue
        own = own_categories.get(slugs.get(fold_heading(chapter.title), ""))
        slug = own.slug if own else slugify(chapter.title)[:40].strip("-")
        first = proposed.get(slug)
        exemplars = (*(first.exemplars if first else own.exemplars if own else ()), *works)
        proposed[slug] = Category(
            slug=slug,
            title=chapter.title[:80],
            description=own.description if own else f"Works that the editor lists under “{chapter.title[:80]}”.",
            exemplars=tuple(dict.fromkeys(exemplars))[:_MAX_EXEMPLARS],
            keywords=own.keywords if own else (),
        )
    return list(proposed.values())


def render_proposed_taxonomy(categories: Sequence[Category], version: int) -> str:
    """Render categories as the `taxonomy:` of a sources.yaml, for its owner to read and to edit."""
    rows = [category.model_dump(mode="json", exclude_defaults=True) for category in categories]
    value = {"taxonomy": {"version": version, "categories": rows}}
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=110)
