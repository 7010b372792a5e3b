"""A model that says what a file tells it to: for demonstrations and tests, without a network.

The file is YAML or JSON. Per stage (`judge`, `blurb`, `gist`) a list of rules; the first whose `match` (a regular
expression) is found in an item's title gives its answer:
`{judge: [{match: "RAG", answer: {category: rag, relevance: 4, ...}}]}`.
A gist's rule is matched against its month, and names the picks it cites by what is found in their titles:
`{gist: [{match: "March 2025", answer: {sentence: ..., cites: [{pick: "RAG", evidence: ...}]}}]}`.
What no rule matches is not answered.
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
    """Answers from a file, or by a function from a prompt to data. It counts a token for four characters."""

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
    """A scripted model from its file; raises ConfigError."""
    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(
            f"the script {path.name} cannot be read: {error}", "see model.script in sources.yaml"
        ) from error
    if not isinstance(rules, dict):
        raise ConfigError(f"the script {path.name} is not a table of stages", "begin with `judge:` or `blurb:`")
    return ScriptedModel(lambda prompt: _answer_by_rules(prompt, rules.get(prompt.stage) or []), path.stem)


def _answer_by_rules(prompt: Prompt, rules: Sequence[Mapping[str, Any]]) -> Any:
    """The prompt's data holds either `items`, answered each under its id, or one `item`, or a month and its `picks`."""
    asked = json.loads(prompt.user)
    if "item" in asked:
        return _find_answer(asked["item"]["title"], rules) or {}
    if "picks" in asked:
        return _resolve_citations(_find_answer(asked["month"], rules) or {}, asked["picks"])
    answers = ((item["id"], _find_answer(item["title"], rules)) for item in asked["items"])
    return {"items": [{"id": key, **answer} for key, answer in answers if answer is not None]}


def _resolve_citations(answer: Mapping[str, Any], picks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer with the picks' ids in place of the words that stand in their titles."""
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
    """The model of the workspace's script."""
    if not section.script:
        raise ConfigError("model.script is missing", "name a YAML file of answers, relative to the workspace")
    return load_scripted_model(root / section.script)
