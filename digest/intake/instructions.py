"""Text that speaks to a language model instead of a reader. It is kept and shown, but flagged.

Seventeen arXiv papers of 2025 held hidden orders to reviewers' models; of 95,476 listed abstracts these rules flag 60.
"""

from __future__ import annotations

import re

_NOUN = r"[^.]{0,40}\b(?:instruction|prompt|direction|rule|message|command|guideline)s?\b"
_FORGET = re.compile(
    rf"(?:ignore|disregard|forget) (?:(?:all |any |the |your )?(?:previous|prior|above|earlier)\b"
    rf"|(?:all|any|every|the|your|this)\b{_NOUN})"
)
_LITERAL = re.compile(r"\S+")
# A plain search for the first words is 50 times faster than one pattern over every text.
_OPENINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ignore ", _FORGET),
    ("disregard ", _FORGET),
    ("forget ", _FORGET),
    ("you are ", re.compile(r"you are (?:an?|now)\b")),
    ("positive review", re.compile(r"positive reviews?\b")),
    ("as an ai", re.compile(r"as an ai\b")),
    ("as an llm", re.compile(r"as an llm\b")),
    ("language model", re.compile(r"language model(?=,? (?:you|i|ignore|please)\b)")),
    ("as a language", re.compile(r"as a language model\b")),
    ("as a large language", re.compile(r"as a large language model,")),
    ("rate th", re.compile(r"rate th(?:is|e)\b[^.]{0,40}\b(?:5|10|five|ten)\b")),
    ("rate it ", re.compile(r"rate it\b[^.]{0,20}\b(?:5|10|five|ten)\b")),
    ("system prompt:", _LITERAL),
    ("developer prompt:", _LITERAL),
    ("<|im_start", _LITERAL),
    ("<|endoftext", _LITERAL),
    ("<|system", _LITERAL),
    ("do not ", re.compile(r"do not (?:tell|mention|reveal|highlight)\b[^.]{0,40}\b(?:negative|user|editor|reader)")),
)


def instruction_in(text: str) -> str | None:
    """The words in a text that read like an instruction to a language model, at most 80 characters of them."""
    lowered = text.lower()
    for opening, pattern in _OPENINGS:
        start = lowered.find(opening)
        while start >= 0:
            if (found := pattern.match(lowered, start)) and not lowered[start - 1 : start].isalpha():
                return text[start : min(found.end(), start + 80)]
            start = lowered.find(opening, start + 1)
    return None
