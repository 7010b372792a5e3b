"""Grade items with a language model: calls, replies, canary items and cache keys. This module asks no model itself.

Items are sent under names made for the call, and each reply is checked against what was sent. A text may steer a model
in words that no pattern knows, so each call of several items includes canary items: their grades were obtained among
themselves, and must be the same in other company.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.config.schema import Taxonomy
from digest.errors import ModelOutputError
from digest.llm.injection import find_injection, is_suspicious
from digest.llm.prompts import PromptTemplates, hash_prompt
from digest.llm.sanitize import clean_model_text, sanitise_for_prompt
from digest.protocols import Completion, Prompt

GRADE_STAGE = "judge"
GRADE_SCHEMA_VERSION = 1
ITEMS_PER_CALL = 10  # answers depend on position in longer lists: arXiv 2309.00384
MAX_REASON_WORDS = 12
CANARIES_PER_CALL = 2
_CANARY_PREFIX = "control:"
# Texts that no category of a research digest fits.
_OFF_TOPIC_TEXTS = (
    (
        "Flowering dates of three apple orchards",
        "We noted when the trees of three orchards came into flower in six springs. The southern slope was earliest.",
    ),
    (
        "Timetable of a village ferry",
        "The ferry crosses the lake every forty minutes from May to September. Bicycles travel free on weekdays.",
    ),
)
_FINISH_HINTS = {
    "MAX_TOKENS": "it was cut off: a lower model.thinking leaves more room for the answer",
    "STOP": "does the model keep to a JSON schema?",
}
_NAME_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


@dataclass(frozen=True, slots=True)
class PromptItem:
    """An item with the text that a model may see.

    `injected_text` is the part that instructs a model; `needs_own_call` is also set where a text only might.
    """

    key: str
    title: str
    text: str
    injected_text: str | None = None
    needs_own_call: bool = False

    @classmethod
    def from_text(cls, key: str, title: str, text: str) -> PromptItem:
        """Clean stored text for a prompt."""
        injected = find_injection(f"{title}\n{text}")
        title, text = sanitise_for_prompt(title, 300), sanitise_for_prompt(text)
        return cls(key, title, text, injected, injected is not None or is_suspicious(title) or is_suspicious(text))


@dataclass(frozen=True, slots=True)
class GradingCall:
    """One call: its prompt, and the items by the names that stand for them in it."""

    prompt: Prompt
    items_by_name: Mapping[str, PromptItem]


class Grade(BaseModel):
    """A model's verdict on one item, checked. Relevance and novelty are 1 to 5."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    category: str
    secondary: str | None
    relevance: Annotated[int, Field(ge=1, le=5)]
    novelty: Annotated[int, Field(ge=1, le=5)]
    reason: str


def build_grading_calls(
    items: Sequence[PromptItem],
    templates: PromptTemplates,
    seed: str,
    canaries: Sequence[PromptItem] = (),
    items_per_call: int = ITEMS_PER_CALL,
) -> Iterator[GradingCall]:
    """Build calls of at most `items_per_call`, canaries included, in an order and under names nobody can foresee.

    A suspicious item gets a call of its own, and so does every item where two have no room beside the canaries.
    """
    dice = random.Random(seed)  # noqa: S311  the seed comes from the caller's secrets
    room = items_per_call - len(canaries)
    shared = [item for item in items if room > 1 and not item.needs_own_call]
    dice.shuffle(shared)
    count = -(-len(shared) // max(1, room))
    groups = [shared[start::count] for start in range(count)]
    groups = [[*group, *canaries] if len(group) > 1 else group for group in groups]
    single = [[item] for item in items if room < 2 or item.needs_own_call]
    # Shuffled, so that suspicious texts are not asked about in a row.
    ordered = dice.sample([*groups, *single], count + len(single))
    return (_build_call(dice.sample(group, len(group)), templates, dice) for group in ordered)


def hash_grading_prompt(templates: PromptTemplates) -> str:
    """Hash the prompt's text, and with it the taxonomy, and the version of the reply's schema."""
    return hash_prompt(templates.grading_prompt, str(GRADE_SCHEMA_VERSION))


def _build_call(group: Sequence[PromptItem], templates: PromptTemplates, dice: random.Random) -> GradingCall:
    named: dict[str, PromptItem] = {}
    for item in group:
        while (name := "item-" + "".join(dice.choices(_NAME_LETTERS, k=5))) in named:
            continue
        named[name] = item
    rows = [{"id": name, "title": item.title, "text": item.text} for name, item in named.items()]
    prompt = Prompt(
        stage=GRADE_STAGE,
        version=hash_grading_prompt(templates),
        system=templates.grading_prompt,
        user=json.dumps({"items": rows}, ensure_ascii=False),
        schema=_reply_schema(templates.categories),
        max_output_tokens=256 + 128 * len(rows),
    )
    return GradingCall(prompt, named)


def _reply_schema(categories: Sequence[str]) -> dict[str, Any]:
    grade = {"type": "integer", "minimum": 1, "maximum": 5}
    item = {
        "id": {"type": "string"},
        "reason": {"type": "string"},
        "category": {"type": "string", "enum": list(categories)},
        "secondary": {"type": "string", "enum": [*categories, "none"]},
        "relevance": grade,
        "novelty": grade,
    }
    return _closed_object({"items": {"type": "array", "items": _closed_object(item)}})


def _closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def parse_grades(completion: Completion, call: GradingCall, templates: PromptTemplates) -> dict[str, Grade]:
    """Parse the grades of items that were sent and came back exactly once, complete and within the rubric.

    Returns them by the items' keys; names that were not sent are dropped. Raises ModelOutputError when none is left.
    """
    rows = completion.data.get("items") if isinstance(completion.data, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    times = Counter(str(row.get("id")) for row in rows)
    grades: dict[str, Grade] = {}
    for row in rows:
        item = call.items_by_name.get(str(row.get("id")))
        if item and times[str(row["id"])] == 1 and (grade := _parse_grade(row, templates.categories)):
            grades[item.key] = grade
    if not grades:
        raise ModelOutputError(
            f"{completion.model} gave no grade that can be used (it ended with {completion.finish})",
            _FINISH_HINTS.get(completion.finish, ""),
            completion=completion.text,
        )
    return grades


def _parse_grade(row: Mapping[str, Any], categories: Sequence[str]) -> Grade | None:
    """Parse one row; a reason of more than twelve words is cut, and one that instructs a model is dropped."""
    secondary = None if row.get("secondary") in ("none", row.get("category")) else row.get("secondary")
    if row.get("category") not in categories or (secondary is not None and secondary not in categories):
        return None
    try:
        grade = Grade.model_validate({**row, "secondary": secondary})
    except ValidationError:
        return None
    reason, _ = clean_model_text(grade.reason)
    reason = "" if find_injection(reason) else " ".join(reason.split()[:MAX_REASON_WORDS])
    return grade.model_copy(update={"reason": reason})


def build_canaries(taxonomy: Taxonomy) -> tuple[PromptItem, ...]:
    """Build items with grades far apart: typical ones of two categories, and two that belong to none."""
    typical = dict.fromkeys((taxonomy.categories[0], taxonomy.categories[-1]))
    texts = [(next(iter(category.exemplars), category.title), category.description) for category in typical]
    return tuple(
        PromptItem(f"{_CANARY_PREFIX}{number}", sanitise_for_prompt(title, 300), sanitise_for_prompt(text))
        for number, (title, text) in enumerate((*texts, *_OFF_TOPIC_TEXTS))
    )


def is_canary(key: str) -> bool:
    return key.startswith(_CANARY_PREFIX)


def choose_canary_pair(grades: Mapping[str, Grade]) -> tuple[str, ...]:
    """Choose two canaries such that no one grade given to all goes unseen: two steps apart, else equal."""

    def distance(keys: tuple[str, ...]) -> tuple[bool, bool, bool]:
        first, second = (grades[key] for key in keys)
        steps = abs(first.relevance - second.relevance)
        return steps > 1, steps != 1, first.category != second.category

    return max(combinations(sorted(grades), CANARIES_PER_CALL), key=distance, default=())


def is_tampered(expected: Mapping[str, Grade], grades: Mapping[str, Grade]) -> bool:
    """Return whether a call has moved its canaries: one of them far, all of them at all, or none came back.

    An honest model may move one of them by a step. An empty reason, or one reason for all where there were two, also
    counts as tampering.
    """
    pairs = [(expected[key], grade) for key, grade in grades.items() if is_canary(key)]
    if not pairs or any(_is_far(*pair) for pair in pairs) or all(_has_moved(*pair) for pair in pairs):
        return True
    before, after = [old.reason for old, _ in pairs], [new.reason for _, new in pairs]
    return len(set(after)) < len(set(before)) or any(old and not new for old, new in zip(before, after, strict=True))


def _is_far(before: Grade, after: Grade) -> bool:
    steps = (before.relevance - after.relevance, before.novelty - after.novelty)
    return before.category != after.category or max(map(abs, steps)) > 1


def _has_moved(before: Grade, after: Grade) -> bool:
    return (before.relevance, before.novelty) != (after.relevance, after.novelty)


def build_cache_key(model: str, stage: str, version: str, item: PromptItem, **parameters: Any) -> str:
    """Hash all that an answer depends on: model, stage, prompt version, parameters and the item's text.

    `version` covers the prompt's text, and with it the taxonomy, the rubric, the style note and the examples.
    """
    parts = {"model": model, "stage": stage, "version": version, "title": item.title, "text": item.text}
    canonical = json.dumps({**parts, "parameters": parameters}, sort_keys=True, ensure_ascii=True, default=str)
    return sha256(canonical.encode()).hexdigest()
