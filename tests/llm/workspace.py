"""A workspace in a temporary folder with some ranked items, and a model that answers over the loopback server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from digest.config.schema import Category, Config, ModelConfig, Newsletter, Source, Taxonomy
from digest.context import Context
from digest.db.bulk import upsert
from digest.db.engine import Database
from digest.db.predictions import load_ranking, replace_ranking
from digest.llm.providers.gemini import Gemini
from digest.models.items import Item
from digest.periods import Period, parse_period
from digest.protocols import Fetcher, Model, NullProgress, Transport
from digest.text import hash_texts

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PERIOD = "2026-10"
TAXONOMY = Taxonomy(
    categories=(
        Category(slug="rag", title="Retrieval", description="Retrieval and memory for language models."),
        Category(slug="agents", title="Agents", description="Agents that act, plan and use tools."),
    )
)


def context(root: Path, make_model: Callable[[], Model | None], **model: Any) -> Context:
    """A context without fetching or mail."""

    def no_fetcher() -> Fetcher:
        raise AssertionError("these stages fetch nothing")

    def no_transport() -> Transport:
        raise AssertionError("these stages mail nothing")

    config = Config(
        newsletter=Newsletter(title="Test digest", interests="retrieval"),
        sources=(Source(id="s", kind="feed", url="https://example.org/feed"),),
        taxonomy=TAXONOMY,
        model=ModelConfig.model_validate({"parallel": 2, **model}),
    )
    db = Database(root / "digest.db")
    return Context(
        root,
        config,
        db,
        lambda: NOW,
        NullProgress(),
        no_fetcher,
        no_transport,
        make_model,
        "A test's model (of its own).",
    )


def gemini(url: str, **section: Any) -> Callable[[], Model]:
    """A maker of Gemini models that never really sleep."""

    async def at_once(seconds: float) -> None:
        assert seconds >= 0

    environ = {"GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": url}
    return lambda: Gemini(ModelConfig.model_validate(section), environ, sleep=at_once)


def period() -> Period:
    """The month of the tests."""
    return parse_period(PERIOD, NOW)


def store(place: Context, texts: Sequence[tuple[str, str]]) -> list[Item]:
    """Store items of (title, summary) and rank them in that order."""
    rows = [
        Item(
            key=f"url:https://example.org/{number}",
            title=title,
            url=f"https://example.org/{number}",
            summary=summary,
            source_id="s",
            kind="paper",
            published=datetime(2026, 10, 5, tzinfo=UTC),
            first_seen=NOW,
            digest=hash_texts(title, summary),
        ).model_dump(exclude={"id"})
        for number, (title, summary) in enumerate(texts)
    ]
    with place.db.write() as session:
        upsert(session, Item, rows, ["key"])
    with place.db.write() as session:
        ids = session.exec(select(Item.id).order_by(col(Item.id))).all()  # PostgreSQL leaves gaps between them
        ranked: list[dict[str, Any]] = [
            {"period": PERIOD, "item_id": item_id, "place": n, "score": 1 / n, "reasons": [], "ranker": "t", "at": NOW}
            for n, item_id in enumerate(ids, 1)
        ]
        replace_ranking(session, PERIOD, ranked)
    with place.db.read() as session:
        return [item for _, item in load_ranking(session, PERIOD)]
