"""Score posts, releases and news: title, lead and source, beside what the tagger of papers says of them.

Posts are written in other words than papers, and many belong to no category: company news, changelogs, essays. The
weights were learned from posts that `tests/bench/post_labels.tsv` names, and judged on sources held out whole.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from urllib.parse import urlsplit

import numpy as np

from digest.protocols import TagInput
from digest.tagging.chunks import Floats
from digest.tagging.features import SplitInputs, normalise_rows
from digest.tagging.taxonomy import OTHER_CATEGORY
from digest.tagging.weights import TaggerWeights, load_shipped_weights

POST_WEIGHTS_FILE = "tagging-posts.npz"
POST_CLASSES = ("models", "techniques", "rag", "agents", "safety", "eval", "applications", "beyond", OTHER_CATEGORY)
MIN_POST_CONFIDENCE = 0.7  # below it a post is "other" rather than wrong
_WORD = re.compile(r"[a-z]{2,}")
_NUMBER = re.compile(r"^v?\d+(?:[.\-]\d+)+")
_MAX_LEAD_CHARACTERS = 600
_WORD_WEIGHT = 0.5  # of all words of a title together, beside the vectors of unit length


class PostFeatures:
    """Numbers of a post: the papers' scores, the vectors of title and lead, and its words."""

    def __init__(self, papers: TaggerWeights, word_list: Sequence[str]) -> None:
        self._papers = papers
        self.word_list = tuple(word_list)
        self._columns = {word: column for column, word in enumerate(word_list)}

    def compute(self, inputs: Sequence[TagInput], split: SplitInputs) -> Floats:
        """Return the features, shape (inputs, categories + 2 x 128 + words + 1)."""
        scores = self._papers.compute_scores(split)
        odds = scores - scores.mean(axis=1, keepdims=True)
        vectors = np.concatenate([normalise_rows(split.titles.sums), normalise_rows(split.abstracts.sums)], axis=1)
        word_values = np.zeros((len(inputs), len(self.word_list)), dtype=np.float32)
        for row, item in enumerate(inputs):
            columns = [self._columns[word] for word in self.extract_words(item) if word in self._columns]
            word_values[row, columns] = _WORD_WEIGHT
        constant = np.ones((len(inputs), 1), dtype=np.float32)
        return np.concatenate([odds / 4, vectors, word_values, constant], axis=1).astype(np.float32)

    @staticmethod
    def extract_words(item: TagInput) -> set[str]:
        """Return the words of a title as `word`, of a lead as `~word`, of a source as `@word`."""
        title = {"#version"} if _NUMBER.match(item.title.lower()) else set()
        title.update(_WORD.findall(item.title.lower()))
        lead = {f"~{word}" for word in _WORD.findall(item.abstract[:_MAX_LEAD_CHARACTERS].lower())}
        return title | lead | {f"@{word}" for word in _WORD.findall(item.source.lower())}


class PostTagger:
    """Log-odds of the categories and of none of them, for posts."""

    def __init__(self, papers: TaggerWeights, word_list: Sequence[str], weights: Floats) -> None:
        self._features = PostFeatures(papers, word_list)
        self._weights = weights

    def compute_scores(self, inputs: Sequence[TagInput], split: SplitInputs) -> Floats:
        """Return scores in the order of POST_CLASSES."""
        scores: Floats = self._features.compute(inputs, split) @ self._weights
        return scores


def describe_post_source(url: str, name: str = "") -> str:
    """Describe where a post was published: the source's name, and the words of the address but for its last part."""
    parts = urlsplit(url)
    folders = parts.path.strip("/").split("/")[:-1]
    return " ".join([name, parts.hostname or "", *folders]).strip() or "post"


@lru_cache(maxsize=1)
def load_post_tagger() -> PostTagger:
    """Load the packaged weights, once per process."""
    data = (resources.files("digest") / "data" / POST_WEIGHTS_FILE).read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as parts:
        word_list = parts["words"].tobytes().decode().split("\n")
        weights = (parts["weights"].astype(np.float32) * parts["scale"]).astype(np.float32)
    return PostTagger(load_shipped_weights(), word_list, weights)
