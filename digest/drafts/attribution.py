"""Attribute a blurb's sentences to source, model or editor, and offer alternatives to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.blurbs.extract import extract_quote
from digest.blurbs.generate import BlurbResult, build_quoted_blurb, generate_blurbs
from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.blurbs.grounding.claims import normalize_for_comparison
from digest.context import Context
from digest.db.items import load_items_by_id
from digest.drafts.editing import add_blurb_version, load_pick_row
from digest.drafts.model import DraftPick
from digest.embeddings import load_embeddings
from digest.models.items import Item, get_abstract
from digest.periods import Period
from digest.text import normalise_line
from digest.text.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class BlurbPart:
    """A stretch of a blurb, its origin, and whether the source does not support it."""

    text: str
    origin: str  # source | model | editor
    doubtful: bool = False


def attribute_blurb(item: Item, pick: DraftPick, versions: Sequence[dict[str, str]] = ()) -> list[list[BlurbPart]]:
    """Split each paragraph into parts in reading order; the origin is determined sentence by sentence."""
    source = prepare_grounding_source(item.title, item.summary, item.content).folded
    generated = " ".join(normalize_for_comparison(v["text"]).casefold() for v in versions if v["origin"] == "model")
    flags = [flag.partition(": ")[2] or flag for flag in find_unsupported_claims(item, pick)]

    def find_origin(sentence: str) -> str:
        if pick.origin != "editor":
            return pick.origin
        plain = normalize_for_comparison(sentence).casefold().strip(" .…\"'")
        if len(plain.split()) <= 2:  # so short a text occurs anywhere by chance
            return "editor"
        return "source" if plain in source else "model" if plain in generated else "editor"

    paragraphs = []
    for text in filter(str.strip, re.split(r"\n\s*\n", pick.blurb)):
        sentences = split_sentences(normalise_line(text))
        paragraphs.append([part for s in sentences for part in _split_flagged(s + " ", find_origin(s), flags)])
    return paragraphs


def find_unsupported_claims(item: Item, pick: DraftPick) -> tuple[str, ...]:
    """Return the flags of a generated blurb; for the editor's own, what the source does not support (advice only)."""
    if pick.origin != "editor":
        return pick.flags
    flags = check_grounding(pick.blurb, prepare_grounding_source(item.title, item.summary, item.content))
    return tuple(str(flag) for flag in flags if flag.kind in ("number", "name", "citation", "misplaced"))


def _split_flagged(sentence: str, origin: str, flags: Sequence[str]) -> Iterator[BlurbPart]:
    if not flags:
        yield BlurbPart(sentence, origin)
        return
    pattern = "|".join(re.escape(flag) for flag in sorted(flags, key=len, reverse=True))
    for number, part in enumerate(re.split(f"({pattern})", sentence)):
        if part:
            yield BlurbPart(part, origin, doubtful=bool(number % 2))


def add_blurb_alternative(context: Context, period: Period, key: str) -> bool:
    """Add a new blurb to a pick's versions; False if there was none to add.

    Without a model it is the next best sentences of the source.
    """
    with context.db.read() as session:
        row = load_pick_row(session, period, key)
        item = load_items_by_id(session, [row.item_id])[row.item_id]
    alternatives = [_quote_alternative(item, [row.blurb, *(version["text"] for version in row.versions)])]
    if context.make_model() is not None:
        alternatives.insert(0, generate_blurbs(context, [item], ignore_cache=True).by_key[item.key])
    label = context.config.get_quote_label(item.source_id, item.key)
    with context.db.write() as session:
        row = load_pick_row(session, period, key)
        added = [
            add_blurb_version(row, blurb.text, blurb.origin, blurb.engine or label, blurb.flags)
            for blurb in alternatives
            if blurb.text and blurb.text != row.blurb
        ]
        session.add(row)
    return any(added)


def _quote_alternative(item: Item, used_texts: Sequence[str]) -> BlurbResult:
    """Quote sentences of the source that are in none of the used texts; the best ones again when all are."""
    text = normalise_line(get_abstract(item))
    for sentence in (sentence for used in used_texts for sentence in split_sentences(used)):
        text = text.replace(sentence, " ")
    quote = extract_quote(item.title, text, load_embeddings(), is_post=item.kind == "post")
    return BlurbResult(quote.text, "source", evidence=quote.sentences) if quote.text else build_quoted_blurb(item)
