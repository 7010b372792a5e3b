"""Prompts and answers for blurbs and month summaries.

Asking for the words on one item, each sentence with the quotation it rests on, and reading them.

Asking for one sentence on a month's picks, tied by quotations to those it rests on, and reading it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digest.errors import ModelOutputError
from digest.llm.prompts import PromptTemplates, hash_prompt
from digest.llm.sanitize import clean_model_text
from digest.protocols import Completion, Prompt
from digest.tagging.llm import PromptItem
from digest.text import normalise_line, split_sentences

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


MONTH_SUMMARY_STAGE = "gist"
MONTH_SUMMARY_SCHEMA_VERSION = 1
MAX_CITED_PICKS = 4
_MAX_PICK_CHARACTERS = 1_000  # characters of each pick; a month may have fifty


class ModelMonthSummary(NamedTuple):
    """A sentence in plain text, the quotation it takes from each pick it cites, by key, and what was taken off it."""

    text: str
    citations: Mapping[str, str]
    removed_strings: tuple[str, ...]


def build_month_summary_prompt(
    month: str, picks: Sequence[PromptItem], templates: PromptTemplates, unsupported: Sequence[str] = ()
) -> Prompt:
    """Ask for a month's sentence; with `unsupported`, ask again and name the strings that failed.

    The picks go by short names, of which alone the answer may cite: a key may be an address, and nobody's words.
    """
    names = _name_picks(picks)
    rows = [{"id": name, "title": one.title, "text": one.text[:_MAX_PICK_CHARACTERS]} for name, one in names.items()]
    return Prompt(
        stage=MONTH_SUMMARY_STAGE,
        version=hash_prompt(templates.render_month_summary_prompt(MAX_CITED_PICKS), str(MONTH_SUMMARY_SCHEMA_VERSION)),
        system=templates.render_month_summary_prompt(MAX_CITED_PICKS, unsupported),
        user=json.dumps({"month": month, "picks": rows}, ensure_ascii=False),
        schema=_build_month_summary_schema(list(names)),
        max_output_tokens=768,
    )


def _name_picks(picks: Sequence[PromptItem]) -> dict[str, PromptItem]:
    return {f"pick-{number}": one for number, one in enumerate(picks, 1)}


def _build_month_summary_schema(names: Sequence[str]) -> dict[str, Any]:
    cite = {"pick": {"type": "string", "enum": list(names)}, "evidence": {"type": "string"}}
    fields = {"sentence": {"type": "string"}, "cites": {"type": "array", "items": _build_object_schema(cite)}}
    return _build_object_schema(fields)


def _build_object_schema(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def parse_month_summary(completion: Completion, month: str, picks: Sequence[PromptItem]) -> ModelMonthSummary:
    """The sentence in a reply, with links and markup taken off, and whom it cites; raises ModelOutput."""
    data = completion.data if isinstance(completion.data, dict) else {}
    plain, removed = clean_model_text(str(data.get("sentence") or ""), month)
    text = next(iter(split_sentences(plain)), "")
    rows = data.get("cites")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = _name_picks(picks)
    cites = {
        names[str(row["pick"])].key: normalise_line(str(row.get("evidence") or ""))
        for row in rows[:MAX_CITED_PICKS]
        if str(row.get("pick")) in names
    }
    if not text or not cites:
        what = "cited no pick" if text else f"wrote no sentence (it ended with {completion.finish})"
        raise ModelOutputError(f"{completion.model} {what}", completion=completion.text)
    return ModelMonthSummary(text, cites, removed)
