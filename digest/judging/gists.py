"""Asking for one sentence on a month's picks, tied by quotations to those it rests on, and reading it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digest.errors import ModelOutput
from digest.hostile import plain_model_text
from digest.judging.tags import Candidate
from digest.judging.wording import Wording, version
from digest.ports import Completion, Prompt
from digest.text import one_line, sentences

STAGE = "gist"
SCHEMA_VERSION = 1
CITED = 4
_TEXT = 1_000  # characters of each pick; a month may have fifty


class Gist(NamedTuple):
    """A sentence in plain text, the quotation it takes from each pick it cites, by key, and what was taken off it."""

    text: str
    cites: Mapping[str, str]
    removed: tuple[str, ...]


def gist_prompt(month: str, picks: Sequence[Candidate], wording: Wording, unsupported: Sequence[str] = ()) -> Prompt:
    """Ask for a month's sentence; with `unsupported`, ask again and name the strings that failed.

    The picks go by short names, of which alone the answer may cite: a key may be an address, and nobody's words.
    """
    names = _names(picks)
    rows = [{"id": name, "title": one.title, "text": one.text[:_TEXT]} for name, one in names.items()]
    return Prompt(
        stage=STAGE,
        version=version(wording.gist(CITED), str(SCHEMA_VERSION)),
        system=wording.gist(CITED, unsupported),
        user=json.dumps({"month": month, "picks": rows}, ensure_ascii=False),
        schema=_schema(list(names)),
        max_output_tokens=768,
    )


def _names(picks: Sequence[Candidate]) -> dict[str, Candidate]:
    return {f"pick-{number}": one for number, one in enumerate(picks, 1)}


def _schema(names: Sequence[str]) -> dict[str, Any]:
    cite = {"pick": {"type": "string", "enum": list(names)}, "evidence": {"type": "string"}}
    fields = {"sentence": {"type": "string"}, "cites": {"type": "array", "items": _object(cite)}}
    return _object(fields)


def _object(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def read_gist(completion: Completion, month: str, picks: Sequence[Candidate]) -> Gist:
    """The sentence in a reply, with links and markup taken off, and whom it cites; raises ModelOutput."""
    data = completion.data if isinstance(completion.data, dict) else {}
    plain, removed = plain_model_text(str(data.get("sentence") or ""), month)
    text = next(iter(sentences(plain)), "")
    rows = data.get("cites")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = _names(picks)
    cites = {
        names[str(row["pick"])].key: one_line(str(row.get("evidence") or ""))
        for row in rows[:CITED]
        if str(row.get("pick")) in names
    }
    if not text or not cites:
        what = "cited no pick" if text else f"wrote no sentence (it ended with {completion.finish})"
        raise ModelOutput(f"{completion.model} {what}", completion=completion.text)
    return Gist(text, cites, removed)
