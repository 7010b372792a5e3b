"""Sorting and grading many items a call: under names made for the call, each reply checked against what was sent."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.errors import ModelOutput
from digest.hostile import plain_model_text, sanitise_for_prompt
from digest.injection import looks_injected, may_instruct
from digest.judging.wording import Wording, version
from digest.ports import Completion, Prompt

STAGE = "judge"
SCHEMA_VERSION = 1
AT_ONCE = 10  # answers depend on position in longer lists: arXiv 2309.00384
REASON_WORDS = 12
_CURES = {
    "MAX_TOKENS": "it was cut off: a lower model.thinking leaves more room for the answer",
    "STOP": "does the model keep to a JSON schema?",
}
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item to be judged: its key and the words a model may see.

    `suspect` is what in them instructs a model, as the editor is told; `alone` also where something only might.
    """

    key: str
    title: str
    text: str
    suspect: str | None = None
    alone: bool = False

    @classmethod
    def of(cls, key: str, title: str, text: str) -> Candidate:
        """A candidate from stored text, cleaned for a prompt."""
        suspect = looks_injected(f"{title}\n{text}")
        title, text = sanitise_for_prompt(title, 300), sanitise_for_prompt(text)
        return cls(key, title, text, suspect, suspect is not None or may_instruct(title) or may_instruct(text))


@dataclass(frozen=True, slots=True)
class Batch:
    """One call: its prompt, and whose names it uses."""

    prompt: Prompt
    names: Mapping[str, Candidate]


class Judgement(BaseModel):
    """What a model says of one item, checked. Relevance and novelty are 1 to 5."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    category: str
    secondary: str | None
    relevance: Annotated[int, Field(ge=1, le=5)]
    novelty: Annotated[int, Field(ge=1, le=5)]
    reason: str


def batches(
    candidates: Sequence[Candidate],
    wording: Wording,
    seed: str,
    controls: Sequence[Candidate] = (),
    at_once: int = AT_ONCE,
) -> Iterator[Batch]:
    """Calls of at most `at_once`, the `controls` among them, in an order and under names that nobody can foresee.

    What may be an order is in a call of its own, and so is everything where two have no room beside the controls.
    """
    dice = random.Random(seed)  # noqa: S311  the seed comes from the caller's secrets
    room = at_once - len(controls)
    plain = [candidate for candidate in candidates if room > 1 and not candidate.alone]
    dice.shuffle(plain)
    calls = -(-len(plain) // max(1, room))
    groups = [plain[place::calls] for place in range(calls)]
    company = [[*group, *controls] if len(group) > 1 else group for group in groups]
    single = [[candidate] for candidate in candidates if room < 2 or candidate.alone]
    calls_of = dice.sample([*company, *single], calls + len(single))  # no run of answers to orders alone
    return (_batch(dice.sample(group, len(group)), wording, dice) for group in calls_of)


def prompt_version(wording: Wording) -> str:
    """Changes with the prompt's words, the taxonomy and the shape of the answer."""
    return version(wording.judge, str(SCHEMA_VERSION))


def _batch(group: Sequence[Candidate], wording: Wording, dice: random.Random) -> Batch:
    names: dict[str, Candidate] = {}
    for candidate in group:
        while (name := "item-" + "".join(dice.choices(_LETTERS, k=5))) in names:
            continue
        names[name] = candidate
    rows = [{"id": name, "title": one.title, "text": one.text} for name, one in names.items()]
    return Batch(
        Prompt(
            stage=STAGE,
            version=prompt_version(wording),
            system=wording.judge,
            user=json.dumps({"items": rows}, ensure_ascii=False),
            schema=_schema(wording.categories),
            max_output_tokens=256 + 128 * len(rows),
        ),
        names,
    )


def _schema(categories: Sequence[str]) -> dict[str, Any]:
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


def read_judgements(completion: Completion, batch: Batch, wording: Wording) -> dict[str, Judgement]:
    """Judgements by the candidates' keys: what was sent and came back exactly once, whole and within the rubric.

    Names that were not sent are dropped; a name given twice counts as missing. Raises ModelOutput when nothing is left.
    """
    rows = completion.data.get("items") if isinstance(completion.data, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    times = Counter(str(row.get("id")) for row in rows)
    found: dict[str, Judgement] = {}
    for row in rows:
        candidate = batch.names.get(str(row.get("id")))
        if candidate and times[str(row["id"])] == 1 and (judgement := _judgement(row, wording.categories)):
            found[candidate.key] = judgement
    if not found:
        raise ModelOutput(
            f"{completion.model} gave no judgement that can be used (it ended with {completion.finish})",
            _CURES.get(completion.finish, ""),
            completion=completion.text,
        )
    return found


def _judgement(row: Mapping[str, Any], categories: Sequence[str]) -> Judgement | None:
    secondary: str | Literal["none"] | None = row.get("secondary")
    secondary = None if secondary in ("none", row.get("category")) else secondary
    if row.get("category") not in categories or (secondary is not None and secondary not in categories):
        return None
    try:
        judgement = Judgement.model_validate({**row, "secondary": secondary})
    except ValidationError:
        return None
    return judgement.model_copy(update={"reason": _reason(judgement.reason)})


def _reason(text: str) -> str:
    """At most twelve words of plain text; nothing when they instruct instead of saying why."""
    plain, _ = plain_model_text(text)
    return "" if looks_injected(plain) else " ".join(plain.split()[:REASON_WORDS])
