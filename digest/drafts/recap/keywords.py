"""Find the keywords that distinguish one group of texts from the others.

Words and pairs of words are weighed by their log-odds against all other groups: Monroe, Colaresi and Quinn, Fightin'
Words (2008), equations 15-22, with an informative Dirichlet prior and z-scores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

from digest.resources import load_lexicon

_WORD = re.compile(r"[^\W\d_][\w+’'-]*[\w+]|[^\W\d_]\b")
# Weight of the whole vocabulary in pseudo-texts. Months have some ten to fifty texts.
_PRIOR_WEIGHT = 10.0
_STOPWORDS, _VAGUE_WORDS = (
    frozenset(_WORD.findall(load_lexicon()["stopwords"][name])) for name in ("keywords", "vague")
)
# Half of a pair, too: test-time compute, retrieval-augmented generation, long-context models.
_VAGUE_COMPOUND = re.compile(
    r".+-(?:time|augmented|based|aware|driven|guided|level|scale|step|turn|shot|context|tuned|free|efficient|evolving"
    r"|specific|agnostic|centric|oriented|enhanced|grained|horizon|end|hop|powered|trained|trainable)"
)
# What a title does: Bridging the gap, Teaching models.
_OPENING_GERUND = re.compile(r"(?:^|[.:?!–—]\s+)([^\W\d_]+ing)\b")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or a pair in its most frequent spelling, its number of texts in the group, and its z-score.

    All spellings, such as Agent and agents, have one `key`.
    """

    text: str
    count: int
    z: float
    key: str = ""


def find_distinctive_keywords(
    groups: Mapping[str, Sequence[str]], max_count: int = 5, min_texts: int = 2
) -> dict[str, list[Keyword]]:
    """Find per group the terms of at least `min_texts` of its texts with z above 1."""
    spellings: dict[str, Counter[str]] = {}
    counts = {
        name: Counter(term for text in texts for term in _extract_terms(text, spellings))
        for name, texts in groups.items()
    }
    total: Counter[str] = Counter()
    for count in counts.values():
        total.update(count)
    return {name: _select_keywords(count, total, spellings, max_count, min_texts) for name, count in counts.items()}


def _extract_terms(text: str, spellings: dict[str, Counter[str]]) -> set[str]:
    """Collect the terms of one text, and count their spellings but for those that only open a title."""
    tokens = _WORD.findall(text)
    opening = {match[1].casefold() for match in _OPENING_GERUND.finditer(text)}
    keys = set()
    for term in [*((token,) for token in tokens), *pairwise(tokens)]:
        folded = tuple(token.casefold() for token in term)
        is_vague = len(folded) == 1 and (
            _VAGUE_WORDS & {folded[0], _singularize(folded[0])} or _VAGUE_COMPOUND.fullmatch(folded[0])
        )
        if not is_vague and not _STOPWORDS & set(folded) and all(len(token) > 1 for token in folded):
            key = " ".join(map(_singularize, folded))
            if len(folded) == 1 and folded[0] in opening:
                # It counts for the shares of all terms and never becomes a keyword.
                key = f"…{key}"
            else:
                spellings.setdefault(key, Counter())[" ".join(term)] += 1
            keys.add(key)
    return keys


def _singularize(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _select_keywords(
    count: Counter[str], total: Counter[str], spellings: Mapping[str, Counter[str]], max_count: int, min_texts: int
) -> list[Keyword]:
    """Select the best terms, without a word of a better pair or a pair with a better word."""
    group_total, other_total = count.total(), total.total() - count.total()
    if not other_total:
        return []
    keywords = []
    for term, n in count.items():
        if n >= min_texts and term in spellings and total[term] < total.total():
            share = total[term] / total.total()
            z = _compute_z_score(n, total[term] - n, group_total, other_total, share)
            keywords.append(Keyword(spellings[term].most_common(1)[0][0], n, z, term))
    selected: list[Keyword] = []
    parts: set[str] = set()
    for keyword in sorted(keywords, key=lambda keyword: (-keyword.z, -len(keyword.text), keyword.text)):
        tokens = set(re.split(r"[\s-]+", keyword.key))
        if keyword.z > 1 and not tokens & parts:
            selected.append(keyword)
            parts |= tokens
    return selected[:max_count]


def _compute_z_score(group_count: int, other_count: int, group_total: int, other_total: int, share: float) -> float:
    prior = _PRIOR_WEIGHT * share
    a, b = group_count + prior, other_count + prior
    odds = log(a / (group_total + _PRIOR_WEIGHT - a)) - log(b / (other_total + _PRIOR_WEIGHT - b))
    return odds / sqrt(1 / a + 1 / b)
