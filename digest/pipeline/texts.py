"""Which of an item's words are judged, the same ones for tagging, ranking and comparing; and what they are from."""

from __future__ import annotations

from digest.config import Config
from digest.models import Item


def build_embedding_text(item: Item) -> str:
    """What an item's vector stands for; the same text as ranking embeds."""
    return f"{item.title}. {get_abstract(item)}"


def get_abstract(item: Item) -> str:
    """The source's summary, or the beginning of its text where there is none."""
    return item.summary or item.content[:1500]


def get_quote_label(config: Config, item: Item) -> str:
    """What a quotation of the item is said to be from; a paper of arXiv added by hand has an abstract too."""
    if source := config.find_source(item.source_id):
        return source.quoted_from
    return "abstract" if item.key.startswith("arxiv:") else "source"
