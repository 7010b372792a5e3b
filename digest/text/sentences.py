"""Sentences of plain prose."""

from __future__ import annotations

import re

# A full stop, its closing marks, white space, and something a sentence may begin with ("vLLM" does too).
_SENTENCE_END = re.compile(r"[.!?][\"”’')\]}*]*\s+(?=[\"“‘'(\[{$\\*]*(?:[A-Z0-9À-Þ]|[a-z]{1,5}[A-Z]))")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[{\"“])(?:(?:[A-Za-z]\.){2,}|(?:al|vs|cf|resp|approx|ca|viz|Figs?|Eqs?|Sec|Secs|Tab|Alg|Thm|Prop|Def|Refs?|No|Nos"
    r"|Vol|pp|Ch|Dr|Mr|Mrs|Ms|Prof|St|Inc|Ltd|Corp|Jr|Sr)\.)$"
)
_INITIAL = re.compile(r"(?:^|\s)[A-Z]\.$")
_SENTENCE_STARTER = re.compile(
    r"(?:An?|As|At|By|For|From|How|If|In|Its?|On|Our|Th(?:e|ese|ey|is|ose)|To|We|When|While|With)\b"
)


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences, verbatim; abbreviations, initials, decimals and TeX do not end one."""
    text = " ".join(text.split())
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if _is_sentence_end(text[start : match.start() + 1], text[match.end() : match.end() + 12]):
            sentences.append(text[start : match.end()].strip())
            start = match.end()
    return [piece for piece in (*sentences, text[start:].strip()) if piece]


def _is_sentence_end(before: str, after: str) -> bool:
    """Whether a sentence ends where `before`, which closes with a stop, meets `after`."""
    if _ABBREVIATION.search(before) or before.replace("\\$", "").count("$") % 2:
        return False
    return not _INITIAL.search(before) or _SENTENCE_STARTER.match(after) is not None
