"""Preference model: weights on vectors, form features and tokens, fitted to an editor's picks."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from digest.embeddings import EMBEDDING_DIMENSIONS, load_embeddings
from digest.errors import StoreError
from digest.ranking.features import FORM_FEATURE_KINDS, FORM_FEATURE_NAMES, build_form_matrix, describe_form_features
from digest.ranking.logistic import DesignMatrix, fit_logistic
from digest.ranking.tokens import (
    SLOT_COUNT,
    build_token_matrix,
    extract_author_tokens,
    extract_tokens,
    format_token,
    hash_token,
    normalise_token,
)
from digest.ranking.types import RankerInput
from digest.sparse import SparseMatrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.embeddings import Matrix

    Vector = NDArray[np.float64]

# How much each kind of evidence may weigh: found on held-out months of the public picks (tests/bench/train_ranker.py).
TOPIC_SCALE, TITLE_SCALE, FORM_SCALE, TOKEN_SCALE = 1.5, 1.0, 0.3, 5.0
PREFERENCES_VERSION = 2  # one more whenever what weights stand for changes: those learned before say nothing then
FEATURE_GROUPS = ("topic", "form", "words")
_MIN_NAMED_PART = 0.05  # log-odds
_VECTOR_COLUMNS = 2 * EMBEDDING_DIMENSIONS  # the vector of title and abstract, then that of the title alone
_DENSE_COLUMNS = _VECTOR_COLUMNS + len(FORM_FEATURE_NAMES)


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Means and spreads of features over many papers, independent of anyone's picks."""

    vector_mean: Matrix
    title_mean: Matrix
    signal_mean: Matrix
    signal_spread: Matrix
    idf: Matrix

    def build_design(self, candidates: Sequence[RankerInput], embeddings: Matrix | None = None) -> DesignMatrix:
        """Build the design matrix of candidates; `embeddings` are their texts' vectors, where they are known."""
        import numpy as np

        if embeddings is None:
            embeddings = load_embeddings().embed([candidate.text for candidate in candidates])
        titles = load_embeddings().embed([candidate.title for candidate in candidates])
        form = np.clip((build_form_matrix(candidates) - self.signal_mean) / self.signal_spread, -4, 4)
        tokens = build_token_matrix(candidates, self.idf)
        topics = [(embeddings - self.vector_mean) * TOPIC_SCALE, (titles - self.title_mean) * TITLE_SCALE]
        dense = np.hstack([*topics, form * FORM_SCALE]).astype(np.float32)
        return DesignMatrix(dense, SparseMatrix(tokens.starts, tokens.columns, tokens.values * np.float32(TOKEN_SCALE)))


def select_title_vectors(design: DesignMatrix) -> Matrix:
    """Return the columns of a design that hold the centred vectors of the titles."""
    return design.dense[:, EMBEDDING_DIMENSIONS:_VECTOR_COLUMNS]


@dataclass(frozen=True, slots=True)
class PreferenceModel:
    """Weights of the dense columns, of the token slots, and the intercept; `learned_from` describes the training.

    `trained_on` are the arXiv ids or keys of the picks it was trained on, `other_picks` those of other curators that
    were known then, and `last_month` is the last training month.
    """

    weights: Matrix
    learned_from: str = ""
    trained_on: frozenset[str] = frozenset()
    other_picks: frozenset[str] = frozenset()
    last_month: str = ""

    def compute_parts(self, design: DesignMatrix) -> Matrix:
        """Return what topic, form and words add to each row's log-odds of being picked, shape (rows, 3)."""
        import numpy as np

        split = _VECTOR_COLUMNS
        columns = [
            design.dense[:, :split] @ self.weights[:split],
            design.dense[:, split:] @ self.weights[split:_DENSE_COLUMNS],
            design.sparse.multiply_vector(self.weights[_DENSE_COLUMNS:-1]),
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def compute_scores(self, design: DesignMatrix) -> Matrix:
        """Return the log-odds without the intercept, which is the same for all rows."""
        total: Matrix = self.compute_parts(design).sum(axis=1)
        return total

    def scale(self, share: float) -> PreferenceModel:
        """Return the model with weights scaled down by `share`."""
        return replace(self, weights=self.weights * share)

    def find_strongest_features(
        self, group: str, candidate: RankerInput, design: DesignMatrix, row: int, *, up: bool
    ) -> list[str]:
        """Name up to three features of the group that added most to a row's score, or (not `up`) took most from it.

        Of features of one kind only the strongest is named.
        """
        parts: Iterable[tuple[str, str, float]] = ()
        if group == "form":
            form = design.dense[row, _VECTOR_COLUMNS:]
            weighed = (form * self.weights[_VECTOR_COLUMNS:_DENSE_COLUMNS]).tolist()
            parts = zip(FORM_FEATURE_KINDS, describe_form_features(form.tolist()), weighed, strict=True)
        elif group == "words":
            slots, weights = design.sparse.get_row(row)
            parts_by_slot = dict(
                zip(slots.tolist(), (weights * self.weights[_DENSE_COLUMNS + slots]).tolist(), strict=True)
            )
            tokens = {*extract_tokens(candidate), *extract_author_tokens(candidate)}
            parts = ((normalise_token(t), format_token(t), parts_by_slot[hash_token(t)]) for t in tokens)
        ordered = sorted((-abs(part), name, kind) for kind, name, part in parts if (part > 0) == up)
        strongest: dict[str, str] = {}
        for part, name, kind in ordered:
            if -part > _MIN_NAMED_PART:
                strongest.setdefault(kind, name)
        return list(strongest.values())[:3]

    def to_bytes(self) -> bytes:
        """Serialise the model, compressed in half precision: about 100 kB."""
        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            weights=self.weights.astype(np.float16),
            learned_from=np.array(self.learned_from),
            read=np.array("\n".join(sorted(self.trained_on))),
            beside=np.array("\n".join(sorted(self.other_picks))),
            until=np.array(self.last_month),
        )
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> PreferenceModel:
        """Read the result of `to_bytes`. Raises StoreError for other data."""
        import numpy as np

        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                weights = stored["weights"].astype(np.float32)
                learned_from = str(stored["learned_from"])
                names = ("read", "beside", "until")
                read, beside, until = (str(stored[name]) if name in stored else "" for name in names)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError("the stored taste cannot be read", "run `digest rank --learn yes`") from error
        if weights.shape != (_DENSE_COLUMNS + SLOT_COUNT + 1,):
            raise StoreError("the stored taste is of another version", "run `digest rank --learn yes`")
        return PreferenceModel(
            weights, learned_from, frozenset(read.splitlines()), frozenset(beside.splitlines()), until
        )


def strip_arxiv_prefix(key: str) -> str:
    """Return a key as files of picks have it: an arXiv id without its `arxiv:`."""
    return key.removeprefix("arxiv:")


def create_neutral_preferences() -> PreferenceModel:
    """Return a model without preferences, the start where there is no other."""
    import numpy as np

    weights = np.zeros(_DENSE_COLUMNS + SLOT_COUNT + 1, dtype=np.float32)
    weights[-1] = -5.0
    return PreferenceModel(weights)


def fit_preferences(
    design: DesignMatrix, chosen: Sequence[bool], start: PreferenceModel | None = None
) -> PreferenceModel:
    """Fit a model to rows that were picked and rows that were not, starting from `start` (default: neutral).

    Few picks move the start a little, many replace it: this blends the public prior with the editor's own choices.
    """
    import numpy as np

    prior = (start or create_neutral_preferences()).weights.astype(np.float64)
    precision = np.ones(_DENSE_COLUMNS + SLOT_COUNT + 1)
    precision[-1] = 1e-6
    rows = np.asarray(chosen, dtype=np.float64)
    return PreferenceModel(fit_logistic(design, rows, prior, precision).astype(np.float32))


@lru_cache(maxsize=1)
def load_feature_statistics() -> FeatureStatistics:
    """Load the packaged statistics, from arXiv's listings of 2025-01 to 2025-08."""
    import numpy as np

    with resources.files("digest").joinpath("data/ranking-background.npz").open("rb") as file, np.load(file) as stored:
        parts = {name: stored[name].astype(np.float32) for name in stored.files}
    return FeatureStatistics(**parts)


@lru_cache(maxsize=1)
def load_default_preferences() -> PreferenceModel:
    """Load the packaged public prior, trained on the picks of a weekly list up to 2025-08."""
    return PreferenceModel.from_bytes((resources.files("digest") / "data" / "ranking-prior.npz").read_bytes())
