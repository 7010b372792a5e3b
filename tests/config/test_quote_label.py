"""What a quotation is said to be from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.config.schema import Category, Config, Newsletter, Source, Taxonomy
from digest.models.items import Item

CONFIG = Config(
    newsletter=Newsletter(title="T"),
    sources=(Source.model_validate({"id": "blog", "kind": "feed", "url": "https://example.org/feed"}),),
    taxonomy=Taxonomy(categories=(Category(slug="rag", title="Retrieval", description="Retrieval."),)),
)


@pytest.mark.parametrize(
    ("key", "source", "said"),
    [
        ("arxiv:2601.01234", "manual", "abstract"),
        ("url:https://example.org/a", "manual", "source"),
        ("url:https://example.org/a", "blog", "post"),
    ],
)
def test_a_quotation_is_from_the_abstract_of_a_paper_added_by_hand_too(key: str, source: str, said: str) -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    item = Item(key=key, title="T", url="https://example.org/a", source_id=source, first_seen=moment, digest="d")
    assert CONFIG.get_quote_label(item.source_id, item.key) == said
