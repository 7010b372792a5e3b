"""The environment that Alembic runs: the caller's connection, the tables of digest.models."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import digest.models  # noqa: F401


def _is_model_table(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    """Leave out the search index, which is no table of the models."""
    return not (kind == "table" and (name or "").startswith("item_words"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    include_object=_is_model_table,
)
with context.begin_transaction():
    context.run_migrations()
