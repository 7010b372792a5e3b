"""Sorting items into the taxonomy: the embedded tagger, the taxonomy's own tools, and a tagger's figures."""

from digest.tagging.evaluation import Bin, Scores, score
from digest.tagging.labels import Labelled, Tagger, Unlabelled, golden, read_labels, read_papers, tag_jsonl
from digest.tagging.tagger import ENGINE, EmbeddedTagger
from digest.tagging.taught import taught
from digest.tagging.taxonomy import OTHER, Change, Moves, diff, fingerprint, renames, resolve, retag_moves

__all__ = [
    "ENGINE",
    "OTHER",
    "Bin",
    "Change",
    "EmbeddedTagger",
    "Labelled",
    "Moves",
    "Scores",
    "Tagger",
    "Unlabelled",
    "diff",
    "fingerprint",
    "golden",
    "read_labels",
    "read_papers",
    "renames",
    "resolve",
    "retag_moves",
    "score",
    "tag_jsonl",
    "taught",
]
