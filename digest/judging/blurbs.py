"""Asking for the words on one item, each sentence with the quotation it rests on, and reading them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from digest.errors import ModelOutput
from digest.hostile import plain_model_text
from digest.judging.tags import Candidate
from digest.judging.wording import Wording, version
from digest.ports import Completion, Prompt

STAGE, VERIFY = "blurb", "verify"
SCHEMA_VERSION = 1
_SENTENCES = 3

_FIELDS = {"text": {"type": "string"}, "evidence": {"type": "string"}}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": _FIELDS,
                "required": list(_FIELDS),
                "additionalProperties": False,
            },
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}


class Blurb(NamedTuple):
    """A blurb as a model wrote it, in plain text; a quotation for each sentence; what was taken off it."""

    text: str
    evidence: tuple[str, ...]
    removed: tuple[str, ...]


def blurb_prompt(
    candidate: Candidate, wording: Wording, examples: Sequence[str] = (), unsupported: Sequence[str] = ()
) -> Prompt:
    """Ask for one item's blurb; with `unsupported`, ask again and name the strings that failed."""
    return Prompt(
        stage=STAGE,
        version=version(wording.blurb(examples), str(SCHEMA_VERSION)),
        system=wording.blurb(examples, unsupported),
        user=json.dumps({"item": {"title": candidate.title, "text": candidate.text}}, ensure_ascii=False),
        schema=_SCHEMA,
        max_output_tokens=768,
    )


def read_blurb(completion: Completion, candidate: Candidate) -> Blurb:
    """The blurb in a reply, with links, markup and a repeated title taken off; raises ModelOutput."""
    rows = completion.data.get("sentences") if isinstance(completion.data, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    plain = [plain_model_text(str(row.get("text") or ""), candidate.title) for row in rows[:_SENTENCES]]
    text = " ".join(words for words, _ in plain if words)
    if not text:
        raise ModelOutput(
            f"{completion.model} wrote no blurb (it ended with {completion.finish})", completion=completion.text
        )
    evidence = tuple(str(row.get("evidence") or "") for row in rows[:_SENTENCES])
    return Blurb(text, evidence, tuple(string for _, strings in plain for string in strings))


_VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"unsupported": {"type": "array", "items": {"type": "string"}}},
    "required": ["unsupported"],
    "additionalProperties": False,
}


def verify_prompt(candidate: Candidate, blurb: Blurb, wording: Wording) -> Prompt:
    """Ask for what in a blurb the item's text does not say: wrong relations, negations, overclaiming."""
    system = wording.verify()
    item = {"title": candidate.title, "text": candidate.text, "note": blurb.text}
    user = json.dumps({"item": item}, ensure_ascii=False)
    return Prompt(VERIFY, version(system), system, user, _VERDICT, max_output_tokens=512)


def read_doubts(completion: Completion) -> tuple[str, ...]:
    """The unsupported words a verifying reply names; raises ModelOutput when it names neither some nor none."""
    rows = completion.data.get("unsupported") if isinstance(completion.data, dict) else None
    if not isinstance(rows, list):
        raise ModelOutput(f"{completion.model} did not verify the blurb", completion=completion.text)
    return tuple(plain_model_text(str(row))[0][:120] or "the whole note" for row in rows)
