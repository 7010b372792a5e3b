"""Judging: what a language model is asked about items, and what of its reply is believed. Pure; it asks nobody."""

from digest.judging.blurbs import blurb_prompt, read_blurb
from digest.judging.cache import answer_key
from digest.judging.tags import Batch, Candidate, Judgement, batches, read_judgements
from digest.judging.wording import Wording, wording

__all__ = [
    "Batch",
    "Candidate",
    "Judgement",
    "Wording",
    "answer_key",
    "batches",
    "blurb_prompt",
    "read_blurb",
    "read_judgements",
    "wording",
]
