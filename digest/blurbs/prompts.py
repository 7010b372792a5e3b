"""Prompts for blurbs and month summaries, and the parsing of their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digest.blurbs.voice import VoiceExample
from digest.errors import ModelOutputError
from digest.llm.prompts import PromptTemplates, hash_prompt
from digest.llm.sanitize import clean_model_text
from digest.protocols import Completion, Prompt
from digest.tagging.llm import PromptItem
from digest.text import normalise_line
from digest.text.sentences import split_sentences

BLURB_STAGE, VERIFY_STAGE, MONTH_SUMMARY_STAGE = "blurb", "verify", "gist"
_BLURB_SCHEMA_VERSION, _MONTH_SUMMARY_SCHEMA_VERSION = "2", "1"
_MAX_SENTENCES = 3
_MAX_CITED_PICKS = 4
# Of each pick; a month may have fifty.
_MAX_PICK_CHARACTERS = 1_000


def _build_object_schema(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _build_array_schema(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_STRING = {"type": "string"}
_BLURB_SCHEMA = _build_object_schema(
    sentences=_build_array_schema(_build_object_schema(text=_STRING, evidence=_STRING)), verdict=_STRING
)
_VERIFY_SCHEMA = _build_object_schema(unsupported=_build_array_schema(_STRING))


class ModelBlurb(NamedTuple):
    """A model's blurb in plain text, a quotation for each sentence, what was removed from it, and a verdict."""

    text: str
    evidence: tuple[str, ...]
    removed_strings: tuple[str, ...]
    verdict: str = ""


def build_blurb_prompt(
    item: PromptItem, templates: PromptTemplates, examples: Sequence[VoiceExample] = (), unsupported: Sequence[str] = ()
) -> Prompt:
    """Ask for one item's blurb; `unsupported` names what failed in the last attempt.

    The examples are data beside the item, because the text of the works is a stranger's.
    """
    rows = [example.to_json() for example in examples]
    notes = [example.note for example in examples]
    content = {"item": {"title": item.title, "text": item.text}} | ({"examples": rows} if rows else {})
    return Prompt(
        stage=BLURB_STAGE,
        version=hash_prompt(templates.render_blurb_prompt(notes), _BLURB_SCHEMA_VERSION, json.dumps(rows)),
        system=templates.render_blurb_prompt(notes, unsupported),
        user=json.dumps(content, ensure_ascii=False),
        schema=_BLURB_SCHEMA,
        max_output_tokens=768,
    )


def parse_blurb(completion: Completion, item: PromptItem) -> ModelBlurb:
    """Read a blurb without links, markup and a repeated title; raises ModelOutputError."""
    rows = _get_rows(completion, "sentences")[:_MAX_SENTENCES]
    cleaned = [clean_model_text(str(row.get("text") or ""), item.title) for row in rows]
    text = " ".join(sentence for sentence, _ in cleaned if sentence)
    if not text:
        message = f"{completion.model} wrote no blurb (it ended with {completion.finish})"
        raise ModelOutputError(message, completion=completion.text)
    evidence = tuple(str(row.get("evidence") or "") for row in rows)
    verdict, removed = clean_model_text(str(completion.data.get("verdict") or ""), item.title)
    verdict = "" if removed else next(iter(split_sentences(verdict)), "")
    return ModelBlurb(text, evidence, tuple(string for _, removed in cleaned for string in removed), verdict)


def _get_rows(completion: Completion, name: str) -> list[dict[str, Any]]:
    rows = completion.data.get(name) if isinstance(completion.data, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def build_verify_prompt(item: PromptItem, templates: PromptTemplates, text: ModelBlurb | ModelMonthSummary) -> Prompt:
    """Ask what the item's text does not support: wrong relations, negations, overclaiming."""
    system = templates.render_verification_prompt()
    fields = {"title": item.title, "text": item.text, "note": text.text}
    user = json.dumps({"item": fields}, ensure_ascii=False)
    return Prompt(VERIFY_STAGE, hash_prompt(system), system, user, _VERIFY_SCHEMA, max_output_tokens=512)


def parse_unsupported_claims(completion: Completion) -> tuple[str, ...]:
    """Read the unsupported claims of a verification; raises ModelOutputError when there is no list."""
    rows = completion.data.get("unsupported") if isinstance(completion.data, dict) else None
    if not isinstance(rows, list):
        raise ModelOutputError(f"{completion.model} did not verify the blurb", completion=completion.text)
    return tuple(clean_model_text(str(row))[0][:120] or "the whole note" for row in rows)


class ModelMonthSummary(NamedTuple):
    """A sentence in plain text, a quotation from each pick it cites, by key, and what was removed from it."""

    text: str
    citations: Mapping[str, str]
    removed_strings: tuple[str, ...]


def build_month_summary_prompt(
    month: str,
    picks: Sequence[PromptItem],
    templates: PromptTemplates,
    closings: Sequence[str] = (),
    unsupported: Sequence[str] = (),
) -> Prompt:
    """Ask for a sentence on a month; `unsupported` names what failed in the last attempt.

    The picks have short names, and the answer may cite only those. A key may be an address. `closings` are sentences
    of the editor on other months.
    """
    picks_by_name = _name_picks(picks)
    rows = [
        {"id": name, "title": pick.title, "text": pick.text[:_MAX_PICK_CHARACTERS]}
        for name, pick in picks_by_name.items()
    ]
    citation = _build_object_schema(pick={"type": "string", "enum": list(picks_by_name)}, evidence=_STRING)
    template = templates.render_month_summary_prompt(_MAX_CITED_PICKS, closings)
    content = {"month": month, "picks": rows} | ({"examples": list(closings)} if closings else {})
    return Prompt(
        stage=MONTH_SUMMARY_STAGE,
        version=hash_prompt(template, _MONTH_SUMMARY_SCHEMA_VERSION, *closings),
        system=templates.render_month_summary_prompt(_MAX_CITED_PICKS, closings, unsupported),
        user=json.dumps(content, ensure_ascii=False),
        schema=_build_object_schema(sentence=_STRING, cites=_build_array_schema(citation)),
        max_output_tokens=768,
    )


def _name_picks(picks: Sequence[PromptItem]) -> dict[str, PromptItem]:
    return {f"pick-{number}": pick for number, pick in enumerate(picks, 1)}


def parse_month_summary(completion: Completion, month: str, picks: Sequence[PromptItem]) -> ModelMonthSummary:
    """Read a sentence without links and markup, and its citations; raises ModelOutputError."""
    data = completion.data if isinstance(completion.data, dict) else {}
    cleaned, removed = clean_model_text(str(data.get("sentence") or ""), month)
    text = next(iter(split_sentences(cleaned)), "")
    picks_by_name = _name_picks(picks)
    citations = {
        picks_by_name[str(row["pick"])].key: normalise_line(str(row.get("evidence") or ""))
        for row in _get_rows(completion, "cites")[:_MAX_CITED_PICKS]
        if str(row.get("pick")) in picks_by_name
    }
    if not text or not citations:
        failure = "cited no pick" if text else f"wrote no sentence (it ended with {completion.finish})"
        raise ModelOutputError(f"{completion.model} {failure}", completion=completion.text)
    return ModelMonthSummary(text, citations, removed)
