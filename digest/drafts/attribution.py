"""Whose words stand in a blurb, which of them the source does not hold, and other words to choose from."""

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
    """A stretch of a blurb: whose words, and whether the source holds them."""

    text: str
    origin: str  # source | model | editor
    doubtful: bool = False


def attribute_blurb(item: Item, pick: DraftPick, versions: Sequence[dict[str, str]] = ()) -> list[list[BlurbPart]]:
    """The blurb's paragraphs as stretches in reading order; sentence by sentence the words' owner is found again."""
    known = prepare_grounding_source(item.title, item.summary, item.content).folded
    models = " ".join(normalize_for_comparison(v["text"]).casefold() for v in versions if v["origin"] == "model")
    flags = [flag.partition(": ")[2] or flag for flag in find_unsupported_claims(item, pick)]

    def owner(sentence: str) -> str:
        if pick.origin != "editor":
            return pick.origin
        bare = normalize_for_comparison(sentence).casefold().strip(" .…\"'")
        long = len(bare.split()) > 2  # a shorter one stands anywhere by chance
        return "source" if long and bare in known else "model" if long and bare in models else "editor"

    paragraphs = (paragraph for paragraph in re.split(r"\n\s*\n", pick.blurb) if paragraph.strip())
    return [
        [
            part
            for piece in split_sentences(normalise_line(text))
            for part in _split_flagged(piece + " ", owner(piece), flags)
        ]
        for text in paragraphs
    ]


def find_unsupported_claims(item: Item, pick: DraftPick) -> tuple[str, ...]:
    """A machine's flags as they are kept; of the editor's own words, what the source does not hold (advice only)."""
    if pick.origin != "editor":
        return pick.flags
    found = check_grounding(pick.blurb, prepare_grounding_source(item.title, item.summary, item.content))
    return tuple(str(flag) for flag in found if flag.kind in ("number", "name", "citation"))


def _split_flagged(sentence: str, origin: str, flags: Sequence[str]) -> Iterator[BlurbPart]:
    if not flags:
        yield BlurbPart(sentence, origin)
        return
    pattern = "|".join(re.escape(flag) for flag in sorted(flags, key=len, reverse=True))
    for number, piece in enumerate(re.split(f"({pattern})", sentence)):
        if piece:
            yield BlurbPart(piece, origin, doubtful=bool(number % 2))


def add_blurb_alternative(context: Context, period: Period, key: str) -> bool:
    """Have new words written on a pick and put them among its versions; False when there were none to be had.

    Without a model these are the source's next best sentences.
    """
    with context.db.read() as session:
        row = load_pick_row(session, period, key)
        item = load_items_by_id(session, [row.item_id])[row.item_id]
    used = [row.blurb, *(version["text"] for version in row.versions)]
    offered = [quote_alternative(item, used)]
    if context.make_model() is not None:
        offered.insert(0, generate_blurbs(context, [item], ignore_cache=True).by_key[item.key])
    with context.db.write() as session:
        row = load_pick_row(session, period, key)
        new = [
            add_blurb_version(row, words.text, words.origin, _get_engine_name(context, item, words), words.flags)
            for words in offered
            if words.text and words.text != row.blurb
        ]
        session.add(row)
    return any(new)


def _get_engine_name(context: Context, item: Item, blurb: BlurbResult) -> str:
    return blurb.engine or context.config.get_quote_label(item.source_id, item.key)


def quote_alternative(item: Item, used_texts: Sequence[str]) -> BlurbResult:
    """Sentences of the source that stand in none of the `used` texts; the best ones again when all do."""
    text = normalise_line(get_abstract(item))
    for sentence in (sentence for words in used_texts for sentence in split_sentences(words)):
        text = text.replace(sentence, " ")
    quote = extract_quote(item.title, text, load_embeddings(), is_post=item.kind == "post")
    return BlurbResult(quote.text, "source", evidence=quote.sentences) if quote.text else build_quoted_blurb(item)
