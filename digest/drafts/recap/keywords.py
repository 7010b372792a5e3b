"""Distinctive terms of a month.

What sets a group of texts apart: words and pairs of words by their log-odds against all other groups.

Monroe, Colaresi and Quinn, Fightin' Words (2008), equations 15-22: an informative Dirichlet prior, z-scores.

What set a month apart: the line of terms and works that a recap proposes as its title.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

from digest.drafts.recap.picks import PastPick, compute_pick_weight, deduplicate_picks, group_picks
from digest.text import normalise_line

_WORD = re.compile(r"[^\W\d_][\w+’'-]*[\w+]|[^\W\d_]\b")
_PRIOR_WEIGHT = 10.0  # weight of the whole vocabulary in pseudo-texts; months have some ten to fifty texts
_STOPWORDS = frozenset(
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
_VAGUE_WORDS = frozenset(  # these say nothing alone, and something in a pair: deep research, open weights, world model
    _WORD.findall(
        "adaptive agentic analysis artificial automatic better building capabilities capability challenges context "
        "data deep design document dynamic efficient enhancing evaluating evaluation fast foundation framework "
        "frontier general generalist generation generative improving intelligence intelligent introducing knowledge "
        "large-scale learning long open open-source pre-training real real-world reliable research robust scalable "
        "parallel latent mathematical scientific short small smart system systems task tasks test tests time tiny "
        "training understanding unified universal visual world architecture medical question reason think "
    )
)
_VAGUE_COMPOUND = re.compile(  # half of a pair too: test-time compute, retrieval-augmented generation, long-context models
    r".+-(?:time|augmented|based|aware|driven|guided|level|scale|step|turn|shot|context|tuned|free|efficient|evolving"
    r"|specific|agnostic|centric|oriented|enhanced|grained|horizon|end|hop|powered|trained|trainable)"
)

_OPENING_GERUND = re.compile(
    r"(?:^|[:.?!–—]\s+)([^\W\d_]+ing)\b"
)  # Bridging the gap, Teaching models: what a title does


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or a pair as it is mostly written, in how many texts of the group, and its z-score.

    `key` is the same for all its spellings: Agent, agents.
    """

    text: str
    count: int
    z: float
    key: str = ""


def find_distinctive_keywords(
    groups: Mapping[str, Sequence[str]], max_count: int = 5, min_texts: int = 2
) -> dict[str, list[Keyword]]:
    """Per group up to `most` terms that occur in at least `least` of its texts and set it apart (z above 1)."""
    shown: dict[str, Counter[str]] = {}
    counts = {
        name: Counter(term for text in texts for term in _extract_terms(text, shown)) for name, texts in groups.items()
    }
    total: Counter[str] = Counter()
    for count in counts.values():
        total.update(count)
    return {name: _select_keywords(count, total, shown, max_count, min_texts) for name, count in counts.items()}


def _extract_terms(text: str, spellings: dict[str, Counter[str]]) -> set[str]:
    """The terms of one text, each once; `shown` learns how they are written, save for what only opens a title."""
    words = [match[0] for match in _WORD.finditer(text)]
    opening = {match[1].casefold() for match in _OPENING_GERUND.finditer(text)}
    out = set()
    for term in [*((word,) for word in words), *pairwise(words)]:
        folded = tuple(word.casefold() for word in term)
        vague = len(folded) == 1 and (
            _VAGUE_WORDS & {folded[0], _singularize(folded[0])} or _VAGUE_COMPOUND.fullmatch(folded[0])
        )
        if not vague and not _STOPWORDS & set(folded) and all(len(word) > 1 for word in folded):
            key = " ".join(map(_singularize, folded))
            if len(folded) == 1 and folded[0] in opening:
                key = f"…{key}"  # counted, so that shares stay what they are; never shown
            else:
                spellings.setdefault(key, Counter())[" ".join(term)] += 1
            out.add(key)
    return out


def _singularize(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _select_keywords(
    count: Counter[str], total: Counter[str], spellings: Mapping[str, Counter[str]], max_count: int, min_texts: int
) -> list[Keyword]:
    here, everywhere = count.total(), total.total()
    if here == everywhere:
        return []  # there is nothing to be set apart from
    terms = []
    for term, n in count.items():
        if n >= min_texts and term in spellings and total[term] < everywhere:
            z = _compute_z_score(n, total[term] - n, here, everywhere - here, total[term] / everywhere)
            terms.append(Keyword(spellings[term].most_common(1)[0][0], n, z, term))
    ranked = sorted((term for term in terms if term.z > 1), key=lambda term: (-term.z, -len(term.text), term.text))
    return _drop_overlapping(ranked)[:max_count]


def _compute_z_score(group_count: int, other_count: int, group_total: int, other_total: int, share: float) -> float:
    prior = _PRIOR_WEIGHT * share
    a, b = group_count + prior, other_count + prior
    odds = log(a / (group_total + _PRIOR_WEIGHT - a)) - log(b / (other_total + _PRIOR_WEIGHT - b))
    return odds / sqrt(1 / a + 1 / b)


def _drop_overlapping(terms: Iterable[Keyword]) -> list[Keyword]:
    """Without a word that a better pair holds already, or a pair whose word came first."""
    out: list[Keyword] = []
    for term in terms:
        if not any(_split_words(term) & _split_words(taken) for taken in out):
            out.append(term)
    return out


def _split_words(term: Keyword) -> set[str]:
    return set(re.split(r"[\s-]+", term.key))


_MAX_NAME_CHARACTERS = 45  # characters of a work's name that a heading has room for


def propose_month_titles(
    picks: Sequence[PastPick], month_names: Mapping[str, str], max_keywords: int = 2
) -> dict[str, str]:
    """`March 2025: tool use, GRPO, DeepSeek-R1` for every month of `names`, from what set its picks apart.

    That is up to `most` terms, and the one work that stands above all others of its month. A month without either is
    named by the first of its works.
    """
    months = group_picks(month_names, ((past.month, past) for past in deduplicate_picks(picks)))
    found = find_distinctive_keywords(
        {month: [past.text or past.pick.title for past in group] for month, group in months.items()}
    )
    terms = _assign_keywords_to_months(found)
    apart = {
        month: _build_title_parts(terms[month], _find_outstanding_work(group), max_keywords)
        for month, group in months.items()
    }
    apart |= {
        month: _find_outstanding_work(months[month], needs_clear_lead=False) for month in months if not apart[month]
    }
    return {
        month: f"{name}: {', '.join(apart[month])}" if apart.get(month) else name for month, name in month_names.items()
    }


def _assign_keywords_to_months(keywords_by_month: Mapping[str, Sequence[Keyword]]) -> dict[str, list[str]]:
    """Each term for the month that it sets apart most: what stands over two months is no mark of either."""
    best: dict[str, float] = {}
    for term in (term for terms in keywords_by_month.values() for term in terms):
        best[term.key] = max(term.z, best.get(term.key, 0.0))
    return {
        month: [term.text for term in terms if term.z == best[term.key]] for month, terms in keywords_by_month.items()
    }


def _build_title_parts(terms: Sequence[str], works: Sequence[str], max_keywords: int) -> list[str]:
    """Terms, but for those that a named work says already, and the work."""
    said = " ".join(works).casefold()
    return [*[term for term in terms if term.casefold() not in said][:max_keywords], *works]


def _find_outstanding_work(group: Sequence[PastPick], needs_clear_lead: bool = True) -> list[str]:
    """The name of the work that is marked, mentioned or ranked above all others, where it is short enough to be one.

    Unless it must stand `alone` above the others, it is the first whose name is.
    """
    standing = [past for past in group if not past.withdrawn and not past.superseded_by]
    best = sorted(standing, key=_compute_prominence, reverse=True)
    if needs_clear_lead and (
        not best
        or max(_compute_prominence(best[0])) <= 0
        or _compute_prominence(best[0]) in map(_compute_prominence, best[1:2])
    ):
        return []
    names = [shorten_work_title(past.pick.title) for past in (best[:1] if needs_clear_lead else best)]
    return [name for name in names if len(name) <= _MAX_NAME_CHARACTERS][:1]


def _compute_prominence(pick: PastPick) -> tuple[float, float]:
    return compute_pick_weight(pick)[0], pick.score or 0.0


def shorten_work_title(title: str) -> str:
    """A work's title as one speaks of it: what stands before its colon."""
    return normalise_line(title).partition(": ")[0]
