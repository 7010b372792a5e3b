"""A model that answers from a file, for demonstrations and tests without a network.

The file is YAML or JSON. Per stage (`judge`, `blurb`, `gist`) a list of rules; the first whose `match` (a regular
expression) matches an item's title gives its answer:
`{judge: [{match: "RAG", answer: {category: rag, relevance: 4, ...}}]}`.
A rule of `gist` is matched against the month, and names the picks it cites by patterns of their titles:
`{gist: [{match: "March 2025", answer: {sentence: ..., cites: [{pick: "RAG", evidence: ...}]}}]}`.
What no rule matches has no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from digest.config.schema import ModelConfig
from digest.errors import ConfigError
from digest.protocols import Completion, Prompt, Usage

AnswerFunction = Callable[[Prompt], Any]


class ScriptedModel:
    """A model that answers by a function from a prompt to data. It counts a token for four characters."""

    def __init__(self, answer: AnswerFunction, name: str = "scripted") -> None:
        self.name = f"scripted:{name}"
        self._answer = answer

    async def complete(self, prompt: Prompt) -> Completion:
        data = self._answer(prompt)
        text = json.dumps(data, ensure_ascii=False)
        usage = Usage(prompt=len(prompt.system + prompt.user) // 4, output=len(text) // 4)
        return Completion(text=text, data=data, usage=usage, model=self.name, model_version="script")

    async def close(self) -> None:
        return None


def load_scripted_model(path: Path) -> ScriptedModel:
    """Load a scripted model from its file; raises ConfigError."""
    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        message = f"the script {path.name} cannot be read: {error}"
        raise ConfigError(message, "see model.script in sources.yaml") from error
    if not isinstance(rules, dict):
        raise ConfigError(f"the script {path.name} is not a table of stages", "begin with `judge:` or `blurb:`")
    return ScriptedModel(lambda prompt: _answer_by_rules(prompt, rules.get(prompt.stage) or []), path.stem)


def _answer_by_rules(prompt: Prompt, rules: Sequence[Mapping[str, Any]]) -> Any:
    """Answer a prompt of `items`, each under its id, of one `item`, or of a month and its `picks`."""
    data = json.loads(prompt.user)
    if "item" in data:
        return _find_answer(data["item"]["title"], rules) or {}
    if "picks" in data:
        return _resolve_citations(_find_answer(data["month"], rules) or {}, data["picks"])
    answers = ((item["id"], _find_answer(item["title"], rules)) for item in data["items"])
    return {"items": [{"id": key, **answer} for key, answer in answers if answer is not None]}


def _resolve_citations(answer: Mapping[str, Any], picks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Replace the patterns of cited picks by the ids of the picks that match."""
    cites = [
        {**cite, "pick": pick["id"]}
        for cite in answer.get("cites", [])
        for pick in picks
        if re.search(cite["pick"], pick["title"], re.I)
    ]
    return {**answer, "cites": cites}


def _find_answer(title: str, rules: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((rule["answer"] for rule in rules if re.search(rule.get("match", ""), title, re.I)), None)


def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> ScriptedModel:
    """Create the model of the workspace's script."""
    if not section.script:
        raise ConfigError("model.script is missing", "name a YAML file of answers, relative to the workspace")
    return load_scripted_model(root / section.script)
