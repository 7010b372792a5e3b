"""The taxonomy as a versioned thing: its fingerprint, its names, and what a change of it would move."""

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
    """`version-hash`: changes whenever a verdict could; order, titles of sections and quotas do not count."""
    said = sorted([c.slug, c.description, *c.exemplars, "", *c.keywords] for c in taxonomy.categories)
    return f"{taxonomy.version}-{hash_texts(json.dumps([taxonomy.threshold, said]))[:12]}"


def resolve_category(taxonomy: Taxonomy, name: str) -> str:
    """The slug meant by a slug, a title or an alias in any case, or `other`; NotFoundError names the nearest."""
    names = _category_names(taxonomy)
    slug = names.get(name.strip().casefold())
    if slug is None:
        near = process.extractOne(name.strip().casefold(), list(names), score_cutoff=60)
        hint = (
            f"did you mean '{names[near[0]]}'?" if near else f"one of: {', '.join([*taxonomy.slugs, OTHER_CATEGORY])}"
        )
        raise NotFoundError(f"{name!r} is no category of this taxonomy", hint)
    return slug


def _category_names(taxonomy: Taxonomy) -> dict[str, str]:
    names = {c.title.casefold(): c.slug for c in taxonomy.categories}
    names |= {alias.casefold(): c.slug for c in taxonomy.categories for alias in c.aliases}
    return names | {slug.casefold(): slug for slug in taxonomy.slugs} | {OTHER_CATEGORY: OTHER_CATEGORY}


@dataclass(frozen=True, slots=True)
class TaxonomyChange:
    """One difference between two taxonomies; `was` is the old slug of a renamed category, `fields` what changed."""

    kind: Literal["added", "removed", "renamed", "changed"]
    slug: str
    old_slug: str = ""
    fields: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        about = f" (was {self.old_slug})" if self.old_slug else ""
        return f"{self.kind} {self.slug}{about}" + (f": {', '.join(self.fields)}" if self.fields else "")


def diff_taxonomies(old: Taxonomy, new: Taxonomy) -> list[TaxonomyChange]:
    """What changed from old to new; a new category with a vanished slug among its aliases is that one renamed."""
    before, after = {c.slug: c for c in old.categories}, {c.slug: c for c in new.categories}
    renamed = find_renamed_categories(old, new)
    changes = [_compare_categories(before[renamed.get(slug, slug)], category) for slug, category in after.items()
               if renamed.get(slug, slug) in before]  # fmt: skip
    added = [TaxonomyChange("added", slug) for slug in after if slug not in before and slug not in renamed]
    removed = [TaxonomyChange("removed", slug) for slug in before if slug not in after and slug not in renamed.values()]
    return added + removed + [change for change in changes if change]


def find_renamed_categories(old: Taxonomy, new: Taxonomy) -> dict[str, str]:
    """New slug -> old slug, of the categories that were renamed."""
    gone = {slug.casefold(): slug for slug in old.slugs if slug not in new.slugs}
    found = {}
    for category in new.categories:
        if category.slug not in old.slugs:
            match = next((gone.pop(a.casefold()) for a in category.aliases if a.casefold() in gone), None)
            if match:
                found[category.slug] = match
    return found


def _compare_categories(old: Category, new: Category) -> TaxonomyChange | None:
    fields = tuple(f for f in Category.model_fields if f != "slug" and getattr(old, f) != getattr(new, f))
    if old.slug != new.slug:
        return TaxonomyChange("renamed", new.slug, old.slug, fields)
    return TaxonomyChange("changed", new.slug, fields=fields) if fields else None


@dataclass(frozen=True, slots=True)
class RetagMoves:
    """What retagging would do: how many stay, and how many go from one category to another, most first."""

    unchanged: int
    moves: tuple[tuple[str, str, int], ...]

    @property
    def moved_count(self) -> int:
        return sum(count for _, _, count in self.moves)


def count_retag_moves(
    before: Sequence[str], after: Sequence[str], old_slugs: Mapping[str, str] | None = None
) -> RetagMoves:
    """Compare the categories of the same items before and after; `renamed` (new -> old) does not count as a move."""
    was = old_slugs or {}
    pairs = Counter((old, new) for old, new in zip(before, after, strict=True) if old not in (new, was.get(new)))
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return RetagMoves(len(before) - pairs.total(), tuple((old, new, count) for (old, new), count in ordered))
