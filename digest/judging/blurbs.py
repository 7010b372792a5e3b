"""Asking for the words on one item, each sentence with the quotation it rests on, and reading them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from digest.errors import ModelOutputError
from digest.hostile import clean_model_text
from digest.judging.tags import PromptItem
from digest.judging.wording import PromptTemplates, hash_prompt
from digest.ports import Completion, Prompt

BLURB_STAGE, VERIFY_STAGE = "blurb", "verify"
BLURB_SCHEMA_VERSION = 1
_MAX_SENTENCES = 3

_SENTENCE_FIELDS = {"text": {"type": "string"}, "evidence": {"type": "string"}}
_BLURB_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": _SENTENCE_FIELDS,
                "required": list(_SENTENCE_FIELDS),
                "additionalProperties": False,
            },
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}


class ModelBlurb(NamedTuple):
    """A blurb as a model wrote it, in plain text; a quotation for each sentence; what was taken off it."""

    text: str
    evidence: tuple[str, ...]
    removed_strings: tuple[str, ...]


def build_blurb_prompt(
    candidate: PromptItem, templates: PromptTemplates, examples: Sequence[str] = (), unsupported: Sequence[str] = ()
) -> Prompt:
    """Ask for one item's blurb; with `unsupported`, ask again and name the strings that failed."""
    return Prompt(
        stage=BLURB_STAGE,
        version=hash_prompt(templates.render_blurb_prompt(examples), str(BLURB_SCHEMA_VERSION)),
        system=templates.render_blurb_prompt(examples, unsupported),
        user=json.dumps({"item": {"title": candidate.title, "text": candidate.text}}, ensure_ascii=False),
        schema=_BLURB_SCHEMA,
        max_output_tokens=768,
    )


def parse_blurb(completion: Completion, candidate: PromptItem) -> ModelBlurb:
    """The blurb in a reply, with links, markup and a repeated title taken off; raises ModelOutput."""
    rows = completion.data.get("sentences") if isinstance(completion.data, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    plain = [clean_model_text(str(row.get("text") or ""), candidate.title) for row in rows[:_MAX_SENTENCES]]
    text = " ".join(words for words, _ in plain if words)
    if not text:
        raise ModelOutputError(
            f"{completion.model} wrote no blurb (it ended with {completion.finish})", completion=completion.text
        )
    evidence = tuple(str(row.get("evidence") or "") for row in rows[:_MAX_SENTENCES])
    return ModelBlurb(text, evidence, tuple(string for _, strings in plain for string in strings))


_VERIFY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"unsupported": {"type": "array", "items": {"type": "string"}}},
    "required": ["unsupported"],
    "additionalProperties": False,
}


def build_verify_prompt(candidate: PromptItem, blurb: ModelBlurb, templates: PromptTemplates) -> Prompt:
    """Ask for what in a blurb the item's text does not say: wrong relations, negations, overclaiming."""
    system = templates.render_verification_prompt()
    item = {"title": candidate.title, "text": candidate.text, "note": blurb.text}
    user = json.dumps({"item": item}, ensure_ascii=False)
    return Prompt(VERIFY_STAGE, hash_prompt(system), system, user, _VERIFY_SCHEMA, max_output_tokens=512)


def parse_unsupported_claims(completion: Completion) -> tuple[str, ...]:
    """The unsupported words a verifying reply names; raises ModelOutput when it names neither some nor none."""
    rows = completion.data.get("unsupported") if isinstance(completion.data, dict) else None
    if not isinstance(rows, list):
        raise ModelOutputError(f"{completion.model} did not verify the blurb", completion=completion.text)
    return tuple(clean_model_text(str(row))[0][:120] or "the whole note" for row in rows)
