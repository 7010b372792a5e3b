"""The key under which an answer about one item is kept: everything it depends on, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from digest.judging.tags import PromptItem


def build_cache_key(model: str, stage: str, version: str, item: PromptItem, **parameters: Any) -> str:
    """A SHA-256 over the canonical JSON of model, stage, prompt version, parameters and the item's own words.

    `version` covers the prompt's text, and with it the taxonomy, the rubric, the style note and the examples.
    """
    facts: Mapping[str, Any] = {
        "model": model,
        "stage": stage,
        "version": version,
        "title": item.title,
        "text": item.text,
        "parameters": parameters,
    }
    return sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()
