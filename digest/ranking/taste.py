"""Taste: what an editor's picks have in common, as weights on vectors, form and words; learned here, kept as bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from digest.errors import StoreError
from digest.ranking import signals
from digest.ranking.logistic import Design, learn
from digest.ranking.values import Candidate
from digest.ranking.words import SLOTS, Sparse, alike, names_of, shown, slot, word_matrix, words_of
from digest.vectors import DIMENSIONS, vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.ranking.values import Matrix

    Vector = NDArray[np.float64]

# How much each kind of evidence may weigh: found on held-out months of the public picks (tests/bench/train_ranker.py).
TOPIC, TITLE, FORM, WORDS = 1.5, 1.0, 0.3, 5.0
FORM_OF_TASTE = 2  # one more whenever what weights stand for changes: those learned before say nothing then
GROUPS = ("topic", "form", "words")
_WORTH_SAYING = 0.05  # log-odds
_TOPICAL = 2 * DIMENSIONS  # the vector of title and abstract, then that of the title alone
_WIDE = _TOPICAL + len(signals.NAMES)


@dataclass(frozen=True, slots=True)
class Background:
    """What is usual among papers, whoever picks: needed to see what is unusual about one. Holds no one's choices."""

    vector_mean: Matrix
    title_mean: Matrix
    signal_mean: Matrix
    signal_spread: Matrix
    idf: Matrix

    def design(self, candidates: Sequence[Candidate], embedded: Matrix | None = None) -> Design:
        """The candidates as numbers; `embedded` are their texts' vectors, row by row, when they are known."""
        import numpy as np

        if embedded is None:
            embedded = vectors().embed([candidate.text for candidate in candidates])
        titles = vectors().embed([candidate.title for candidate in candidates])
        form = np.clip((signals.signal_matrix(candidates) - self.signal_mean) / self.signal_spread, -4, 4)
        words = word_matrix(candidates, self.idf)
        topics = [(embedded - self.vector_mean) * TOPIC, (titles - self.title_mean) * TITLE]
        dense = np.hstack([*topics, form * FORM]).astype(np.float32)
        return Design(dense, Sparse(words.starts, words.slots, words.weights * np.float32(WORDS)))


def titles(design: Design) -> Matrix:
    """The columns of a design that hold the titles' vectors, off their usual."""
    return design.dense[:, DIMENSIONS:_TOPICAL]


@dataclass(frozen=True, slots=True)
class Taste:
    """Weights of the dense columns, of the word slots, and the intercept; `learned_from` says on what, for people.

    `read` are the arXiv ids or keys of the picks it was learned from, `beside` those of other curators' picks that were
    known then, and `until` is the last of the months.
    """

    weights: Matrix
    learned_from: str = ""
    read: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    until: str = ""

    def parts(self, design: Design) -> Matrix:
        """What topic, form and words add to each row's log-odds of being picked: shape (rows, 3)."""
        import numpy as np

        split = _TOPICAL
        columns = [
            design.dense[:, :split] @ self.weights[:split],
            design.dense[:, split:] @ self.weights[split:_WIDE],
            design.sparse.times(self.weights[_WIDE:-1]),
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def scores(self, design: Design) -> Matrix:
        """The log-odds without the intercept, which is the same for all."""
        total: Matrix = self.parts(design).sum(axis=1)
        return total

    def scaled(self, share: float) -> Taste:
        """The same taste, held less strongly."""
        return replace(self, weights=self.weights * share)

    def names(self, group: str, candidate: Candidate, design: Design, row: int, *, up: bool) -> list[str]:
        """Up to three things of the group that spoke most for the candidate of that row, or against it; of those that
        say the same thing, the one that spoke most."""
        parts: Iterable[tuple[str, str, float]] = ()
        if group == "form":
            form = design.dense[row, _TOPICAL:]
            weighed = (form * self.weights[_TOPICAL:_WIDE]).tolist()
            parts = zip(signals.KINDS, signals.said(form.tolist()), weighed, strict=True)
        elif group == "words":
            slots, weights = design.sparse.row(row)
            held = dict(zip(slots.tolist(), (weights * self.weights[_WIDE + slots]).tolist(), strict=True))
            words = {*words_of(candidate), *names_of(candidate)}
            parts = ((alike(word), shown(word), held[slot(word)]) for word in words)
        told = sorted((-abs(part), name, kind) for kind, name, part in parts if (part > 0) == up)
        strongest: dict[str, str] = {}
        for part, name, kind in told:
            if -part > _WORTH_SAYING:
                strongest.setdefault(kind, name)
        return list(strongest.values())[:3]

    def to_bytes(self) -> bytes:
        """Compressed, half precision: about 100 kB."""
        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            weights=self.weights.astype(np.float16),
            learned_from=np.array(self.learned_from),
            read=np.array("\n".join(sorted(self.read))),
            beside=np.array("\n".join(sorted(self.beside))),
            until=np.array(self.until),
        )
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Taste:
        """Read what `to_bytes` gave. Raises StoreError when it is something else."""
        import numpy as np

        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                weights = stored["weights"].astype(np.float32)
                learned_from = str(stored["learned_from"])
                names = ("read", "beside", "until")
                read, beside, until = (str(stored[name]) if name in stored else "" for name in names)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError("the stored taste cannot be read", "learn it again: digest rank --learn") from error
        if weights.shape != (_WIDE + SLOTS + 1,):
            raise StoreError("the stored taste is of another version", "learn it again: digest rank --learn")
        return Taste(weights, learned_from, frozenset(read.splitlines()), frozenset(beside.splitlines()), until)


def bare(key: str) -> str:
    """A key as the picks of a file name it: an arXiv id without its `arxiv:`."""
    return key.removeprefix("arxiv:")


def no_taste() -> Taste:
    """Indifference: the start when nothing may be believed beforehand."""
    import numpy as np

    weights = np.zeros(_WIDE + SLOTS + 1, dtype=np.float32)
    weights[-1] = -5.0
    return Taste(weights)


def fit(design: Design, chosen: Sequence[bool], before: Taste | None = None) -> Taste:
    """Learn a taste from rows that were chosen and rows that were not.

    `before` is what is believed beforehand (default: nothing). Few decisions move it a little, many replace it: that is
    the whole blend of the public prior with the editor's own choices.
    """
    import numpy as np

    believed = before or no_taste()
    precision = np.ones(_WIDE + SLOTS + 1)
    precision[-1] = 1e-6
    rows = np.asarray(chosen, dtype=np.float64)
    return Taste(learn(design, rows, believed.weights.astype(np.float64), precision).astype(np.float32))


@lru_cache(maxsize=1)
def background() -> Background:
    """The packaged background, from arXiv's listings of 2025-01 to 2025-08."""
    import numpy as np

    with resources.files("digest").joinpath("data/ranking-background.npz").open("rb") as file, np.load(file) as stored:
        parts = {name: stored[name].astype(np.float32) for name in stored.files}
    return Background(**parts)


@lru_cache(maxsize=1)
def prior() -> Taste:
    """The packaged cold start: learned from the public picks of a weekly list up to 2025-08."""
    return Taste.from_bytes((resources.files("digest") / "data" / "ranking-prior.npz").read_bytes())
