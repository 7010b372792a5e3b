"""What sets a group of texts apart: words and pairs of words by their log-odds against all other groups.

Monroe, Colaresi and Quinn, Fightin' Words (2008), equations 15-22: an informative Dirichlet prior, z-scores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

_WORD = re.compile(r"[^\W\d_][\w+’'-]*[\w+]|[^\W\d_]\b")
_PRIOR = 10.0  # weight of the whole vocabulary in pseudo-texts; months have some ten to fifty texts
_STOP = frozenset(
    _WORD.findall(
        "a about across after all also an and any are as at be been before being between both but by can could do "
        "does for from get had has have how however i if in into is it its just less let make makes many may more "
        "most much need new no not of off on one only or other our out over own same show shows so some still such "
        "than that the their them then there these they this those through to too towards toward two under up us "
        "use used uses using very via was we were what when where which while who why will with without within "
        "would you your paper propose present introduce approach method based study work first ai beyond language "
        "large llm llms model models moreover report rethinking survey technical unleashing meet meets "
    )
)
_VAGUE = frozenset(  # these say nothing alone, and something in a pair: deep research, open weights, world model
    _WORD.findall(
        "adaptive agentic analysis artificial automatic better building capabilities capability challenges context "
        "data deep design document dynamic efficient enhancing evaluating evaluation fast foundation framework "
        "frontier general generalist generation generative improving intelligence intelligent introducing knowledge "
        "large-scale learning long open open-source pre-training real real-world reliable research robust scalable "
        "parallel latent mathematical scientific short small smart system systems task tasks test tests time tiny "
        "training understanding unified universal visual world architecture medical question reason think "
    )
)
_HALF = re.compile(  # half of a pair too: test-time compute, retrieval-augmented generation, long-context models
    r".+-(?:time|augmented|based|aware|driven|guided|level|scale|step|turn|shot|context|tuned|free|efficient|evolving"
    r"|specific|agnostic|centric|oriented|enhanced|grained|horizon|end|hop|powered|trained|trainable)"
)

_DOING = re.compile(r"(?:^|[:.?!–—]\s+)([^\W\d_]+ing)\b")  # Bridging the gap, Teaching models: what a title does


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a pair as it is mostly written, in how many texts of the group, and its z-score.

    `key` is the same for all its spellings: Agent, agents.
    """

    text: str
    count: int
    z: float
    key: str = ""


def distinctive(groups: Mapping[str, Sequence[str]], most: int = 5, least: int = 2) -> dict[str, list[Term]]:
    """Per group up to `most` terms that occur in at least `least` of its texts and set it apart (z above 1)."""
    shown: dict[str, Counter[str]] = {}
    counts = {name: Counter(term for text in texts for term in _terms(text, shown)) for name, texts in groups.items()}
    total: Counter[str] = Counter()
    for count in counts.values():
        total.update(count)
    return {name: _best(count, total, shown, most, least) for name, count in counts.items()}


def _terms(text: str, shown: dict[str, Counter[str]]) -> set[str]:
    """The terms of one text, each once; `shown` learns how they are written, save for what only opens a title."""
    words = [match[0] for match in _WORD.finditer(text)]
    opening = {match[1].casefold() for match in _DOING.finditer(text)}
    out = set()
    for term in [*((word,) for word in words), *pairwise(words)]:
        folded = tuple(word.casefold() for word in term)
        vague = len(folded) == 1 and (_VAGUE & {folded[0], _singular(folded[0])} or _HALF.fullmatch(folded[0]))
        if not vague and not _STOP & set(folded) and all(len(word) > 1 for word in folded):
            key = " ".join(map(_singular, folded))
            if len(folded) == 1 and folded[0] in opening:
                key = f"…{key}"  # counted, so that shares stay what they are; never shown
            else:
                shown.setdefault(key, Counter())[" ".join(term)] += 1
            out.add(key)
    return out


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _best(
    count: Counter[str], total: Counter[str], shown: Mapping[str, Counter[str]], most: int, least: int
) -> list[Term]:
    here, everywhere = count.total(), total.total()
    if here == everywhere:
        return []  # there is nothing to be set apart from
    terms = []
    for term, n in count.items():
        if n >= least and term in shown and total[term] < everywhere:
            z = _z(n, total[term] - n, here, everywhere - here, total[term] / everywhere)
            terms.append(Term(shown[term].most_common(1)[0][0], n, z, term))
    ranked = sorted((term for term in terms if term.z > 1), key=lambda term: (-term.z, -len(term.text), term.text))
    return _apart(ranked)[:most]


def _z(here: int, there: int, all_here: int, all_there: int, share: float) -> float:
    prior = _PRIOR * share
    a, b = here + prior, there + prior
    odds = log(a / (all_here + _PRIOR - a)) - log(b / (all_there + _PRIOR - b))
    return odds / sqrt(1 / a + 1 / b)


def _apart(terms: Iterable[Term]) -> list[Term]:
    """Without a word that a better pair holds already, or a pair whose word came first."""
    out: list[Term] = []
    for term in terms:
        if not any(_words(term) & _words(taken) for taken in out):
            out.append(term)
    return out


def _words(term: Term) -> set[str]:
    return set(re.split(r"[\s-]+", term.key))
