"""Asking for one sentence on a month's picks, tied by quotations to those it rests on, and reading it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digest.errors import ModelOutputError
from digest.hostile import clean_model_text
from digest.judging.tags import PromptItem
from digest.judging.wording import PromptTemplates, hash_prompt
from digest.ports import Completion, Prompt
from digest.text import normalise_line, split_sentences

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
