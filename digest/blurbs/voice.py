"""Describe the editor's voice from published and imported text, and choose past lines as examples for a model.

The style card is derived without a model. `newsletter.style` in sources.yaml replaces it in the prompts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from statistics import median, quantiles
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest.context import Context
from digest.db.issues import EditorLine, load_editor_lines
from digest.db.key_value import IMPORTED_REVIEW_PREFIX, load_values
from digest.llm.prompts import PromptTemplates, load_prompt_templates
from digest.llm.sanitize import sanitise_for_prompt
from digest.markdown.render import render_text
from digest.resources import load_lexicon
from digest.tagging.llm import PromptItem
from digest.text.sentences import split_sentences

if TYPE_CHECKING:
    from digest.embeddings import EmbeddingTable, Matrix

MIN_LINES = 8
MAX_EXAMPLES = 4
_MAX_EXAMPLE_CHARACTERS = 500
_MAX_CLOSING_EXAMPLES = 3
_TYPICAL_COUNT = 3
_LONG_LINE_WORDS = 25
_PERSONS = ("first person singular", "first person plural", "no first person")
_BOLD = re.compile(r"\*\*[^*]+\*\*|__[^_]+__")


@dataclass(frozen=True, slots=True)
class VoiceExample:
    """A line the editor wrote on a work, with the work's text, as a model is shown it."""

    title: str
    text: str
    note: str

    def to_json(self) -> dict[str, str]:
        return {"title": self.title, "text": self.text, "note": self.note}


@dataclass(frozen=True, slots=True)
class StyleCard:
    """How the editor writes, in figures and in words. Shares are per cent of the lines."""

    line_count: int
    person: str
    person_share: int
    line_words: tuple[int, int, int]  # quartiles
    sentence_words: int
    sentences_per_line: int
    bold_share: int  # of the lines of 25 words and more, if there are any
    bold_last_share: int  # of the lines with bold
    question_share: int
    exclamation_share: int
    aside_share: int  # lines with a parenthesis or a dash
    openings: tuple[str, ...]
    praise_used: tuple[str, ...]
    praise_unused: tuple[str, ...]
    typical: Mapping[str, tuple[str, ...]]  # lines, paragraphs, closings

    def describe(self) -> str:
        """Describe the style in sentences, for a prompt and for sources.yaml."""
        low, middle, high = self.line_words
        verdict = "No sentence is in bold."
        if self.bold_share:
            where = "mostly the last one" if self.bold_last_share >= 60 else "at any place"
            verdict = f"{self.bold_share} % of the longer notes put a sentence in bold, {where}: the verdict."
        sentences = "one sentence" if self.sentences_per_line == 1 else f"{self.sentences_per_line} sentences"
        parts = [
            f"Person: {self.person} ({self.person_share} % of the notes).",
            f"Length: {low} to {high} words a note, {middle} as a rule, in {sentences} of about {self.sentence_words} "
            "words.",
            verdict,
            f"Asides in {self.aside_share} %, exclamation marks in {self.exclamation_share} %, questions in "
            f"{self.question_share} % of the notes.",
            f"Notes often open with: {', '.join(self.openings)}." if self.openings else "",
            f"Words of judgement in use: {', '.join(self.praise_used)}." if self.praise_used else "",
            f"Never used: {', '.join(self.praise_unused)}." if self.praise_unused else "",
        ]
        return "\n".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Voice:
    """The editor's past lines and chapters, and their style if there are enough of them."""

    lines: tuple[EditorLine, ...]
    paragraphs: tuple[str, ...]
    closings: tuple[str, ...]
    card: StyleCard | None

    def apply_to(self, templates: PromptTemplates) -> PromptTemplates:
        """Put the derived style into the prompts, unless sources.yaml has one."""
        if templates.style.strip() or self.card is None:
            return templates
        return replace(templates, style=self.card.describe())

    def choose_examples(self, item: PromptItem, embeddings: EmbeddingTable) -> list[VoiceExample]:
        """Choose the past lines on the works nearest to an item, the nearest first."""
        if not self.lines:
            return []
        scores = _embed_lines(self.lines, embeddings) @ embeddings.embed([f"{item.title}. {item.text}"])[0]
        others = [n for n, line in enumerate(self.lines) if line.key != item.key]
        nearest = sorted(others, key=lambda n: (-float(scores[n]), n))[:MAX_EXAMPLES]
        return [_build_example(self.lines[n]) for n in nearest]

    def choose_closings(self, text: str, embeddings: EmbeddingTable) -> list[str]:
        """Choose the past closing sentences nearest to a month's works."""
        if not self.closings:
            return []
        vectors = embeddings.embed([text, *self.closings])
        scores = vectors[1:] @ vectors[0]
        nearest = sorted(range(len(self.closings)), key=lambda n: (-float(scores[n]), n))[:_MAX_CLOSING_EXAMPLES]
        return [sanitise_for_prompt(self.closings[n], _MAX_EXAMPLE_CHARACTERS) for n in nearest]


@lru_cache(maxsize=1)
def _embed_lines(lines: tuple[EditorLine, ...], embeddings: EmbeddingTable) -> Matrix:
    return embeddings.embed([f"{line.title}. {line.text}" for line in lines])


def _build_example(line: EditorLine) -> VoiceExample:
    """Build an example; of a work whose text instructs a model, only the editor's note is shown."""
    note = sanitise_for_prompt(render_text(line.markdown), _MAX_EXAMPLE_CHARACTERS)
    past = PromptItem.from_text(line.key, line.title, line.text)
    if past.injected_text is not None:
        return VoiceExample("", "", note)
    return VoiceExample(past.title, past.text[:_MAX_EXAMPLE_CHARACTERS], note)


def load_voice(context: Context, session: Session) -> Voice:
    """Load what the editor published and imported; drafts and subscribers are not read."""
    lines = load_editor_lines(session)
    chapters = [
        chapter
        for _, review in sorted(load_values(session, IMPORTED_REVIEW_PREFIX).items())
        for chapter in review.get("chapters", [])
    ]
    paragraphs = [text for chapter in chapters if (text := _find_first_paragraph(str(chapter["text"])))]
    closings = [text for chapter in chapters if (text := render_text(str(chapter["closing"])).strip())]
    language = context.config.newsletter.language
    card = derive_style_card([line.markdown for line in lines], paragraphs, closings, language)
    return Voice(tuple(lines), tuple(paragraphs), tuple(closings), card)


def load_voiced_templates(context: Context, voice: Voice) -> PromptTemplates:
    """Load the prompts in the editor's voice."""
    return voice.apply_to(load_prompt_templates(context.config, context.template_folder))


def _find_first_paragraph(markdown: str) -> str:
    """Return the paragraph under a chapter's heading, without lists and pictures."""
    blocks = (block for block in re.split(r"\n\s*\n", markdown) if not re.match(r"\s*(?:[-*+!#>]|\d+\.)", block))
    first = next(blocks, "")
    return " ".join(render_text(first).split())


def derive_style_card(
    lines: Sequence[str], paragraphs: Sequence[str] = (), closings: Sequence[str] = (), language: str = "en"
) -> StyleCard | None:
    """Derive the style of at least eight lines, each Markdown."""
    texts = [" ".join(render_text(line).split()) for line in lines]
    pairs = [(line, text) for line, text in zip(lines, texts, strict=True) if len(text.split()) >= 3]
    if len(pairs) < MIN_LINES:
        return None
    sources, texts = [line for line, _ in pairs], [text for _, text in pairs]
    lengths = [len(text.split()) for text in texts]
    sentences = [split_sentences(text) for text in texts]
    longer = [line for line, length in zip(sources, lengths, strict=True) if length >= _LONG_LINE_WORDS] or sources
    bold = [line for line in longer if _BOLD.search(line)]
    bold_last = [line for line in bold if re.search(r"(?:\*\*|__)\W*$", line)]
    person, share = _find_person(texts, language)
    everything = " ".join(texts).casefold()
    praise = Counter(match[0].casefold() for text in texts for match in _praise().finditer(text))
    return StyleCard(
        line_count=len(texts),
        person=person,
        person_share=share,
        line_words=_quartiles(lengths),
        sentence_words=round(median(len(sentence.split()) for group in sentences for sentence in group)),
        sentences_per_line=round(median(map(len, sentences))),
        bold_share=_percent(len(bold), len(longer)),
        bold_last_share=_percent(len(bold_last), len(bold)),
        question_share=_percent(sum("?" in text for text in texts), len(texts)),
        exclamation_share=_percent(sum("!" in text for text in texts), len(texts)),
        aside_share=_percent(sum(re.search(r"\(|\s[–—-]\s|—", text) is not None for text in texts), len(texts)),
        openings=_find_openings(texts),
        praise_used=tuple(word for word, count in praise.most_common(8) if count > 1 and " " not in word),
        praise_unused=tuple(word for word in load_lexicon()["voice"]["judgements"].split() if word not in everything),
        typical={
            name: _choose_typical(group)
            for name, group in (("lines", texts), ("paragraphs", paragraphs), ("closings", closings))
            if group
        },
    )


@cache
def _praise() -> re.Pattern[str]:
    return re.compile("".join(load_lexicon()["claims"]["praise"]), re.IGNORECASE)


def _find_person(texts: Sequence[str], language: str) -> tuple[str, int]:
    """Return the grammatical person that most lines use, and the share of the lines that do."""
    pronouns = load_lexicon()["voice"]["pronouns"].get(language.split("-")[0])
    if pronouns is None:
        return _PERSONS[2], 100
    counts = [
        sum(re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE) is not None for text in texts) for pattern in pronouns
    ]
    best = max((0, 1), key=lambda n: counts[n])
    if counts[best] * 10 < len(texts):
        return _PERSONS[2], _percent(len(texts) - counts[best], len(texts))
    return _PERSONS[best], _percent(counts[best], len(texts))


def _find_openings(texts: Sequence[str]) -> tuple[str, ...]:
    """Find the first two words that several lines share."""
    counts = Counter(" ".join(text.split()[:2]) for text in texts)
    return tuple(opening for opening, count in counts.most_common(5) if count >= max(2, len(texts) // 30))


def _choose_typical(texts: Sequence[str]) -> tuple[str, ...]:
    """Choose the texts whose length is nearest to the median."""
    middle = median(len(text.split()) for text in texts)
    return tuple(sorted(texts, key=lambda text: abs(len(text.split()) - middle))[:_TYPICAL_COUNT])


def _quartiles(values: Sequence[int]) -> tuple[int, int, int]:
    low, middle, high = quantiles(values, n=4)
    return round(low), round(middle), round(high)


def _percent(part: int, total: int) -> int:
    return round(100 * part / total) if total else 0
