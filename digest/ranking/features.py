"""Form features of a candidate: its authors, how its title is built, where it was filed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.ranking.types import RankerInput

if TYPE_CHECKING:
    from digest.embeddings import Matrix

_TEAM_NAMES = frozenset(
    ["team", "openai", "deepmind", "anthropic", "google", "nvidia", "microsoft", "qwen", "deepseek"]
)
_MODEL_NAMES = frozenset(
    [
        "gpt",
        "claude",
        "gemini",
        "deepseek",
        "llama",
        "qwen",
        "gemma",
        "mistral",
        "kimi",
        "glm",
        "grok",
        "o1",
        "o3",
        "o4",
    ]
)
_SEPARATORS = str.maketrans("-,.()/:;", "        ")
_SURVEY = re.compile(r"\bsurvey\b|\breview\b|\broadmap\b|\btaxonomy\b|\bperspective\b|\blandscape\b|\bguide\b")
_PAGES = re.compile(r"(\d+)\s*pages")
_ACCEPTED = re.compile(r"accept|publish|proceeding|to appear|conference|workshop|journal|camera.ready")
_UNFINISHED = re.compile(r"preprint|work in progress|ongoing|under review|submitted")
_ARXIV_CATEGORIES = tuple(
    f"cs.{name}" for name in ["AI", "CL", "CV", "IR", "LG", "MA", "SE", "RO", "HC", "CY", "CR", "SD"]
)


class _CandidateForm(NamedTuple):
    """Lower-case texts of a candidate, its title's part before a colon, and counts of letters, words and names."""

    title: str
    letters: int
    title_words: int
    head: str
    abstract: str
    abstract_words: int
    models: int
    comment: str
    authors: int
    team: bool
    categories: frozenset[str]
    first: str
    pages: int


def _read_form(candidate: RankerInput) -> _CandidateForm:
    title, abstract = candidate.title, candidate.abstract.lower()
    comment, by = candidate.comment.lower(), " ; ".join(candidate.authors).lower()
    pages = _PAGES.search(comment)
    return _CandidateForm(
        title=title.lower(),
        letters=len(title),
        title_words=len(title.split()),
        head=title.partition(":")[0].lower() if ":" in title else "",
        abstract=abstract,
        abstract_words=min(len(abstract.split()), 400),
        models=_count_model_names(abstract),
        comment=comment,
        authors=len(candidate.authors),
        team=not _TEAM_NAMES.isdisjoint(by.translate(_SEPARATORS).split()) or "meta ai" in by,
        categories=frozenset(candidate.categories),
        first=candidate.categories[0] if candidate.categories else "",
        pages=min(int(pages[1][:4]), 500) if pages else 0,
    )


def _count_model_names(abstract: str) -> int:
    """Count the known models; most abstracts name none, and a substring search is quicker than a split."""
    if not any(map(abstract.__contains__, _MODEL_NAMES)):
        return 0
    return len(_MODEL_NAMES.intersection(abstract.translate(_SEPARATORS).split()))


# Name, the words for more of it than usual, the words for less, and its size.
# fmt: off
_FORM_FEATURES: tuple[tuple[str, str, str, Callable[[_CandidateForm], float]], ...] = (
    ("authors", "many authors", "few authors", lambda x: math.log1p(x.authors)),
    ("authors-10", "10 authors or more", "fewer than 10 authors", lambda x: x.authors >= 10),
    ("authors-25", "25 authors or more", "fewer than 25 authors", lambda x: x.authors >= 25),
    ("authors-6", "6 authors or more", "fewer than 6 authors", lambda x: x.authors >= 6),
    ("authors-40", "40 authors or more", "fewer than 40 authors", lambda x: x.authors >= 40),
    ("pair", "one author or two", "3 authors or more", lambda x: x.authors <= 2),
    ("solo", "a single author", "several authors", lambda x: x.authors == 1),
    ("team", "a known laboratory as author", "no known laboratory as author", lambda x: x.team),
    ("colon", "a colon in the title", "no colon in the title", lambda x: bool(x.head)),
    ("short-name", "a short name before the colon", "no short name before a colon",
     lambda x: bool(x.head) and x.head.count(" ") <= 1),
    ("versioned", "a number in its name", "no number in its name",
     lambda x: x.head.count(" ") <= 2 and any(map(str.isdigit, x.head))),
    ("title-length", "a long title", "a brief title", lambda x: math.log1p(x.title_words)),
    ("short-title", "six words or fewer in the title", "seven words or more in the title",
     lambda x: x.title_words <= 6),
    ("title-letters", "many letters in the title", "few letters in the title", lambda x: x.letters / 25),
    *((f"title-{most}", f"a title of {most} letters at most", f"a title of more than {most} letters",
       lambda x, most=most: x.letters <= most) for most in (30, 45, 60, 99)),
    ("question", "a question in the title", "no question in the title", lambda x: "?" in x.title),
    ("report", "a technical report", "not a technical report",
     lambda x: "tech" in x.title + x.comment and "report" in x.title + x.comment),
    ("survey", "a survey", "not a survey", lambda x: _SURVEY.search(x.title) is not None),
    ("model-in-title", "a known model in the title", "no known model in the title",
     lambda x: not _MODEL_NAMES.isdisjoint(x.title.translate(_SEPARATORS).split())),
    ("models-named", "known models in the abstract", "no known model in the abstract", lambda x: math.log1p(x.models)),
    ("code", "code is linked", "no code is linked", lambda x: "github.com" in x.abstract or "github.com" in x.comment),
    ("weights", "weights are linked", "no weights are linked",
     lambda x: "huggingface.co" in x.abstract or "huggingface.co" in x.comment),
    ("project", "a project page", "no project page",
     lambda x: "project" in x.comment or ".github.io" in x.abstract + x.comment),
    ("comment", "a comment by the authors", "no comment by the authors", lambda x: bool(x.comment)),
    ("accepted", "accepted at a venue", "no venue named", lambda x: _ACCEPTED.search(x.comment) is not None),
    ("unfinished", "a preprint by its own words", "not called a preprint",
     lambda x: _UNFINISHED.search(x.comment) is not None),
    ("long", "25 pages or more", "not said to be long", lambda x: x.pages >= 25),
    ("filed", "filed under many subjects", "filed under few subjects", lambda x: math.log1p(len(x.categories))),
    ("abstract-length", "a long abstract", "a brief abstract", lambda x: math.log1p(len(x.abstract)) / 2),
    ("abstract-words", "many words in the abstract", "few words in the abstract", lambda x: x.abstract_words / 60),
    ("brief", "an abstract of under 100 words", "an abstract of 100 words or more", lambda x: x.abstract_words < 100),
    ("wordy", "an abstract of over 230 words", "an abstract of 230 words or fewer", lambda x: x.abstract_words > 230),
    ("outside", "filed outside computer science too", "filed in computer science alone",
     lambda x: any(c[:3] not in ("cs.", "sta") for c in x.categories)),
    *((f"in-{c}", f"filed under {c}", f"not filed under {c}", lambda x, c=c: c in x.categories)
      for c in _ARXIV_CATEGORIES),
    *((f"first-{c}", f"filed first under {c}", f"not filed first under {c}", lambda x, c=c: x.first == c)
      for c in _ARXIV_CATEGORIES[:4]),
)
# fmt: on
FORM_FEATURE_NAMES = tuple(name for name, *_ in _FORM_FEATURES)
_KIND_OF_FEATURE = {
    **dict.fromkeys(("pair", "solo"), "authors"),
    "short-title": "title",
    **dict.fromkeys(("brief", "wordy"), "abstract"),
    "short-name": "colon",
}


def _feature_kind(name: str) -> str:
    head, _, rest = name.partition("-")
    return _KIND_OF_FEATURE.get(name, rest if head in ("in", "first") else head)


FORM_FEATURE_KINDS = tuple(
    map(_feature_kind, FORM_FEATURE_NAMES)
)  # signals of one kind say the same thing with other numbers: naming one is enough


def build_form_matrix(candidates: Sequence[RankerInput]) -> Matrix:
    """Return one row a candidate and one column a feature (see FORM_FEATURE_NAMES)."""
    import numpy as np

    out = np.zeros((len(candidates), len(_FORM_FEATURES)), dtype=np.float32)
    for row, candidate in enumerate(candidates):
        look = _read_form(candidate)
        out[row] = [sign(look) for *_, sign in _FORM_FEATURES]
    return out


def describe_form_features(standardised: Sequence[float]) -> list[str]:
    """Describe each feature, given how far above or below the mean it is."""
    return [
        above if size > 0 else below for (_, above, below, _), size in zip(_FORM_FEATURES, standardised, strict=True)
    ]
