"""Sorting items into the taxonomy: the embedded tagger, the taxonomy's own tools, and a tagger's figures."""

from digest.tagging.evaluation import CalibrationBin, TaggingScores, score_tagging
from digest.tagging.labels import (
    LabelledPaper,
    Tagger,
    UnlabelledPaper,
    parse_labelled_papers,
    parse_unlabelled_papers,
    read_golden_set,
    tag_jsonl,
)
from digest.tagging.tagger import EMBEDDED_ENGINE, EmbeddedTagger
from digest.tagging.taught import count_training_papers
from digest.tagging.taxonomy import (
    OTHER_CATEGORY,
    RetagMoves,
    TaxonomyChange,
    count_retag_moves,
    diff_taxonomies,
    find_renamed_categories,
    fingerprint_taxonomy,
    resolve_category,
)

__all__ = [
    "EMBEDDED_ENGINE",
    "OTHER_CATEGORY",
    "CalibrationBin",
    "EmbeddedTagger",
    "LabelledPaper",
    "RetagMoves",
    "Tagger",
    "TaggingScores",
    "TaxonomyChange",
    "UnlabelledPaper",
    "count_retag_moves",
    "count_training_papers",
    "diff_taxonomies",
    "find_renamed_categories",
    "fingerprint_taxonomy",
    "parse_labelled_papers",
    "parse_unlabelled_papers",
    "read_golden_set",
    "resolve_category",
    "score_tagging",
    "tag_jsonl",
]
