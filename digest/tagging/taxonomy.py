"""Taxonomy versions: fingerprint, names of categories, and the effects of a change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import process

from digest.config.schema import Category, Taxonomy
from digest.errors import NotFoundError
from digest.text import hash_texts

OTHER_CATEGORY = "other"


def fingerprint_taxonomy(taxonomy: Taxonomy) -> str:
    """Return `version-hash`, which changes whenever a classification could.

    Order, titles of sections and quotas do not count.
    """
    texts = sorted([c.slug, c.description, *c.exemplars, "", *c.keywords] for c in taxonomy.categories)
    return f"{taxonomy.version}-{hash_texts(json.dumps([taxonomy.threshold, texts]))[:12]}"


def resolve_category(taxonomy: Taxonomy, name: str) -> str:
    """Return the slug of a slug, title or alias in any case, or `other`; NotFoundError names the nearest."""
    names = {category.title.casefold(): category.slug for category in taxonomy.categories}
    names |= {alias.casefold(): category.slug for category in taxonomy.categories for alias in category.aliases}
    names |= {slug.casefold(): slug for slug in (*taxonomy.slugs, OTHER_CATEGORY)}
    folded = name.strip().casefold()
    if folded not in names:
        near = process.extractOne(folded, list(names), score_cutoff=60)
        slugs = ", ".join([*taxonomy.slugs, OTHER_CATEGORY])
        hint = f"did you mean '{names[near[0]]}'?" if near else f"one of: {slugs}"
        raise NotFoundError(f"{name!r} is no category of this taxonomy", hint)
    return names[folded]


@dataclass(frozen=True, slots=True)
class TaxonomyChange:
    """One difference between two taxonomies; `old_slug` is that of a renamed category, `fields` are those that changed."""

    kind: Literal["added", "removed", "renamed", "changed"]
    slug: str
    old_slug: str = ""
    fields: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        about = f" (was {self.old_slug})" if self.old_slug else ""
        return f"{self.kind} {self.slug}{about}" + (f": {', '.join(self.fields)}" if self.fields else "")


def diff_taxonomies(old: Taxonomy, new: Taxonomy) -> list[TaxonomyChange]:
    """Compare two taxonomies; a new category with a removed slug among its aliases is a rename."""
    before, after = {c.slug: c for c in old.categories}, {c.slug: c for c in new.categories}
    renamed = find_renamed_categories(old, new)
    pairs = [(before.get(renamed.get(slug, slug)), category) for slug, category in after.items()]
    changes = [_compare_categories(old_category, category) for old_category, category in pairs if old_category]
    added = [TaxonomyChange("added", slug) for slug in after if slug not in before and slug not in renamed]
    removed = [TaxonomyChange("removed", slug) for slug in before if slug not in after and slug not in renamed.values()]
    return added + removed + [change for change in changes if change]


def find_renamed_categories(old: Taxonomy, new: Taxonomy) -> dict[str, str]:
    """Return new slug -> old slug of the renamed categories."""
    removed = {slug.casefold(): slug for slug in old.slugs if slug not in new.slugs}
    renames = {}
    for category in new.categories:
        if category.slug not in old.slugs:
            match = next((removed.pop(a.casefold()) for a in category.aliases if a.casefold() in removed), None)
            if match:
                renames[category.slug] = match
    return renames


def _compare_categories(old: Category, new: Category) -> TaxonomyChange | None:
    fields = tuple(f for f in Category.model_fields if f != "slug" and getattr(old, f) != getattr(new, f))
    if old.slug != new.slug:
        return TaxonomyChange("renamed", new.slug, old.slug, fields)
    return TaxonomyChange("changed", new.slug, fields=fields) if fields else None


@dataclass(frozen=True, slots=True)
class RetagMoves:
    """The effect of retagging: unchanged items, and moves (old, new, count), most first."""

    unchanged: int
    moves: tuple[tuple[str, str, int], ...]

    @property
    def moved_count(self) -> int:
        return sum(count for _, _, count in self.moves)


def count_retag_moves(
    before: Sequence[str], after: Sequence[str], old_slugs: Mapping[str, str] | None = None
) -> RetagMoves:
    """Compare the categories of the same items before and after; a rename in `old_slugs` (new -> old) is no move."""
    renames = old_slugs or {}
    pairs = Counter((old, new) for old, new in zip(before, after, strict=True) if old not in (new, renames.get(new)))
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return RetagMoves(len(before) - pairs.total(), tuple((old, new, count) for (old, new), count in ordered))
