"""LLM grading: batches, schema, control items, cache key.

Sorting and grading many items a call: under names made for the call, each reply checked against what was sent.

Items of our own among those of a call: an order in a foreign text that sways the call shows in what becomes of them.

A text may steer a model in words that no pattern knows. But the items here were judged before, among themselves alone,
so that what is said of them in other company must be the same.

The key under which an answer about one item is kept: everything it depends on, and nothing else.

Judging: what a language model is asked about items, and what of its reply is believed. Pure; it asks nobody.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from typing import Annotated, Any, Literal

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
_FINISH_HINTS = {
    "MAX_TOKENS": "it was cut off: a lower model.thinking leaves more room for the answer",
    "STOP": "does the model keep to a JSON schema?",
}
_NAME_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


@dataclass(frozen=True, slots=True)
class PromptItem:
    """An item to be judged: its key and the words a model may see.

    `suspect` is what in them instructs a model, as the editor is told; `alone` also where something only might.
    """

    key: str
    title: str
    text: str
    injected_text: str | None = None
    needs_own_call: bool = False

    @classmethod
    def from_text(cls, key: str, title: str, text: str) -> PromptItem:
        """A candidate from stored text, cleaned for a prompt."""
        suspect = find_injection(f"{title}\n{text}")
        title, text = sanitise_for_prompt(title, 300), sanitise_for_prompt(text)
        return cls(key, title, text, suspect, suspect is not None or is_suspicious(title) or is_suspicious(text))


@dataclass(frozen=True, slots=True)
class GradingCall:
    """One call: its prompt, and whose names it uses."""

    prompt: Prompt
    items_by_name: Mapping[str, PromptItem]


class Grade(BaseModel):
    """What a model says of one item, checked. Relevance and novelty are 1 to 5."""

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
    """Calls of at most `at_once`, the `controls` among them, in an order and under names that nobody can foresee.

    What may be an order is in a call of its own, and so is everything where two have no room beside the controls.
    """
    dice = random.Random(seed)  # noqa: S311  the seed comes from the caller's secrets
    room = items_per_call - len(canaries)
    plain = [candidate for candidate in items if room > 1 and not candidate.needs_own_call]
    dice.shuffle(plain)
    calls = -(-len(plain) // max(1, room))
    groups = [plain[place::calls] for place in range(calls)]
    company = [[*group, *canaries] if len(group) > 1 else group for group in groups]
    single = [[candidate] for candidate in items if room < 2 or candidate.needs_own_call]
    calls_of = dice.sample([*company, *single], calls + len(single))  # no run of answers to orders alone
    return (_build_call(dice.sample(group, len(group)), templates, dice) for group in calls_of)


def hash_grading_prompt(templates: PromptTemplates) -> str:
    """Changes with the prompt's words, the taxonomy and the shape of the answer."""
    return hash_prompt(templates.grading_prompt, str(GRADE_SCHEMA_VERSION))


def _build_call(group: Sequence[PromptItem], templates: PromptTemplates, dice: random.Random) -> GradingCall:
    names: dict[str, PromptItem] = {}
    for candidate in group:
        while (name := "item-" + "".join(dice.choices(_NAME_LETTERS, k=5))) in names:
            continue
        names[name] = candidate
    rows = [{"id": name, "title": one.title, "text": one.text} for name, one in names.items()]
    return GradingCall(
        Prompt(
            stage=GRADE_STAGE,
            version=hash_grading_prompt(templates),
            system=templates.grading_prompt,
            user=json.dumps({"items": rows}, ensure_ascii=False),
            schema=_reply_schema(templates.categories),
            max_output_tokens=256 + 128 * len(rows),
        ),
        names,
    )


def _reply_schema(categories: Sequence[str]) -> dict[str, Any]:
    grade = {"type": "integer", "minimum": 1, "maximum": 5}
    fields = {
        "id": {"type": "string"},
        "reason": {"type": "string"},
        "category": {"type": "string", "enum": list(categories)},
        "secondary": {"type": "string", "enum": [*categories, "none"]},
        "relevance": grade,
        "novelty": grade,
    }
    one = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": one}},
        "required": ["items"],
        "additionalProperties": False,
    }


def parse_grades(completion: Completion, call: GradingCall, templates: PromptTemplates) -> dict[str, Grade]:
    """Judgements by the candidates' keys: what was sent and came back exactly once, whole and within the rubric.

    Names that were not sent are dropped; a name given twice counts as missing. Raises ModelOutput when nothing is left.
    """
    rows = completion.data.get("items") if isinstance(completion.data, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    times = Counter(str(row.get("id")) for row in rows)
    found: dict[str, Grade] = {}
    for row in rows:
        candidate = call.items_by_name.get(str(row.get("id")))
        if candidate and times[str(row["id"])] == 1 and (judgement := _parse_grade(row, templates.categories)):
            found[candidate.key] = judgement
    if not found:
        raise ModelOutputError(
            f"{completion.model} gave no judgement that can be used (it ended with {completion.finish})",
            _FINISH_HINTS.get(completion.finish, ""),
            completion=completion.text,
        )
    return found


def _parse_grade(row: Mapping[str, Any], categories: Sequence[str]) -> Grade | None:
    secondary: str | Literal["none"] | None = row.get("secondary")
    secondary = None if secondary in ("none", row.get("category")) else secondary
    if row.get("category") not in categories or (secondary is not None and secondary not in categories):
        return None
    try:
        judgement = Grade.model_validate({**row, "secondary": secondary})
    except ValidationError:
        return None
    return judgement.model_copy(update={"reason": _clean_reason(judgement.reason)})


def _clean_reason(text: str) -> str:
    """At most twelve words of plain text; nothing when they instruct instead of saying why."""
    plain, _ = clean_model_text(text)
    return "" if find_injection(plain) else " ".join(plain.split()[:MAX_REASON_WORDS])


CANARIES_PER_CALL = 2
_CANARY_PREFIX = "control:"
_OFF_TOPIC_TEXTS = (  # what no reader of a digest on artificial intelligence waits for
    (
        "Flowering dates of three apple orchards",
        "We noted when the trees of three orchards came into flower in six springs. The southern slope was earliest.",
    ),
    (
        "Timetable of a village ferry",
        "The ferry crosses the lake every forty minutes from May to September. Bicycles travel free on weekdays.",
    ),
)


def build_canaries(taxonomy: Taxonomy) -> tuple[PromptItem, ...]:
    """Items whose verdicts lie far apart: typical ones of two categories, and two that belong to none."""
    typical = dict.fromkeys((taxonomy.categories[0], taxonomy.categories[-1]))
    near = [(next(iter(one.exemplars), one.title), one.description) for one in typical]
    ours = (
        PromptItem.from_text(f"{_CANARY_PREFIX}{place}", *words)
        for place, words in enumerate((*near, *_OFF_TOPIC_TEXTS))
    )
    return tuple(replace(one, injected_text=None, needs_own_call=False) for one in ours)


def is_canary(key: str) -> bool:
    """Whether a candidate is one of ours."""
    return key.startswith(_CANARY_PREFIX)


def choose_canary_pair(grades: Mapping[str, Grade]) -> tuple[str, ...]:
    """The two whose verdicts lie so that no one verdict given to all goes unseen: two steps apart, else alike."""

    def apart(two: tuple[str, ...]) -> tuple[bool, bool, bool]:
        one, other = (grades[key] for key in two)
        steps = abs(one.relevance - other.relevance)
        return steps > 1, steps != 1, one.category != other.category

    return max(combinations(sorted(grades), CANARIES_PER_CALL), key=apart, default=())


def is_tampered(expected: Mapping[str, Grade], grades: Mapping[str, Grade]) -> bool:
    """Whether something in a call has moved our items: one of them far, or all of them at all, or none came back.

    A model left to itself may move one of them by a step. An order in place of a reason, or one reason for all where
    there were two, is as good a sign.
    """
    ours = [(expected[key], judgement) for key, judgement in grades.items() if is_canary(key)]
    if not ours or any(_is_far(*two) for two in ours) or all(_has_moved(*two) for two in ours):
        return True
    reasons, now = ([two[when].reason for two in ours] for when in (0, 1))
    return len(set(now)) < len(set(reasons)) or any(old and not new for old, new in zip(reasons, now, strict=True))


def _is_far(before: Grade, now: Grade) -> bool:
    steps = (before.relevance - now.relevance, before.novelty - now.novelty)
    return before.category != now.category or max(map(abs, steps)) > 1


def _has_moved(before: Grade, now: Grade) -> bool:
    return (before.relevance, before.novelty) != (now.relevance, now.novelty)


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
