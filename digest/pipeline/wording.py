"""Whose words stand in a blurb, which of them the source does not hold, and other words to choose from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest import grounding
from digest.grounding import claims
from digest.issues import SheetPick
from digest.models import Item
from digest.periods import Period
from digest.pipeline.blurbs import Written, quoted, write_blurbs
from digest.pipeline.context import Context
from digest.pipeline.editing import offer, pick_row
from digest.pipeline.texts import abstract, quoted_from
from digest.store import items as item_store
from digest.text import one_line, sentences
from digest.vectors import vectors


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a blurb: whose words, and whether the source holds them."""

    text: str
    origin: str  # source | model | editor
    doubtful: bool = False


def parts(item: Item, pick: SheetPick, versions: Sequence[dict[str, str]] = ()) -> list[list[Part]]:
    """The blurb's paragraphs as stretches in reading order; sentence by sentence the words' owner is found again."""
    known = grounding.source_of(item.title, item.summary, item.content).folded
    models = " ".join(claims.normal(v["text"]).casefold() for v in versions if v["origin"] == "model")
    flags = [flag.partition(": ")[2] or flag for flag in doubts(item, pick)]

    def owner(sentence: str) -> str:
        if pick.origin != "editor":
            return pick.origin
        bare = claims.normal(sentence).casefold().strip(" .…\"'")
        long = len(bare.split()) > 2  # a shorter one stands anywhere by chance
        return "source" if long and bare in known else "model" if long and bare in models else "editor"

    paragraphs = (paragraph for paragraph in re.split(r"\n\s*\n", pick.blurb) if paragraph.strip())
    return [
        [part for piece in sentences(one_line(text)) for part in _marked(piece + " ", owner(piece), flags)]
        for text in paragraphs
    ]


def doubts(item: Item, pick: SheetPick) -> tuple[str, ...]:
    """A machine's flags as they are kept; of the editor's own words, what the source does not hold (advice only)."""
    if pick.origin != "editor":
        return pick.flags
    found = grounding.check(pick.blurb, grounding.source_of(item.title, item.summary, item.content))
    return tuple(str(flag) for flag in found if flag.kind in ("number", "name", "citation"))


def _marked(sentence: str, origin: str, flags: Sequence[str]) -> Iterator[Part]:
    if not flags:
        yield Part(sentence, origin)
        return
    pattern = "|".join(re.escape(flag) for flag in sorted(flags, key=len, reverse=True))
    for number, piece in enumerate(re.split(f"({pattern})", sentence)):
        if piece:
            yield Part(piece, origin, doubtful=bool(number % 2))


def other_words(context: Context, period: Period, key: str) -> bool:
    """Have new words written on a pick and put them among its versions; False when there were none to be had.

    Without a model these are the source's next best sentences.
    """
    with context.db.read() as session:
        row = pick_row(session, period, key)
        item = item_store.by_ids(session, [row.item_id])[row.item_id]
    used = [row.blurb, *(version["text"] for version in row.versions)]
    offered = [requoted(item, used)]
    if context.make_model() is not None:
        offered.insert(0, write_blurbs(context, [item], again=True).words[item.key])
    with context.db.write() as session:
        row = pick_row(session, period, key)
        new = [
            offer(row, words.text, words.origin, _engine(context, item, words), words.flags)
            for words in offered
            if words.text and words.text != row.blurb
        ]
        session.add(row)
    return any(new)


def _engine(context: Context, item: Item, words: Written) -> str:
    return words.engine or quoted_from(context.config, item)


def requoted(item: Item, used: Sequence[str]) -> Written:
    """Sentences of the source that stand in none of the `used` texts; the best ones again when all do."""
    text = one_line(abstract(item))
    for sentence in (sentence for words in used for sentence in sentences(words)):
        text = text.replace(sentence, " ")
    quote = grounding.quote(item.title, text, vectors(), post=item.kind == "post")
    return Written(quote.text, "source", evidence=quote.sentences) if quote.text else quoted(item)
