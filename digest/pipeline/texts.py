"""Which of an item's words are judged: the same ones for tagging, ranking and comparing."""

from __future__ import annotations

from digest.models import Item


def embedded_text(item: Item) -> str:
    """What an item's vector stands for; the same text as ranking embeds."""
    return f"{item.title}. {abstract(item)}"


def abstract(item: Item) -> str:
    """The source's summary, or the beginning of its text where there is none."""
    return item.summary or item.content[:1500]
