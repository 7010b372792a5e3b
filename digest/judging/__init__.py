"""Judging: what a language model is asked about items, and what of its reply is believed. Pure; it asks nobody."""

from digest.judging.blurbs import STAGE as BLURB
from digest.judging.blurbs import Blurb, blurb_prompt, read_blurb, read_doubts, verify_prompt
from digest.judging.cache import answer_key
from digest.judging.controls import A_CALL, controls, is_control, pair, swayed
from digest.judging.gists import STAGE as GIST
from digest.judging.gists import Gist, gist_prompt, read_gist
from digest.judging.tags import STAGE as JUDGE
from digest.judging.tags import Batch, Candidate, Judgement, batches, prompt_version, read_judgements
from digest.judging.wording import Wording, wording

__all__ = [
    "A_CALL",
    "BLURB",
    "GIST",
    "JUDGE",
    "Batch",
    "Blurb",
    "Candidate",
    "Gist",
    "Judgement",
    "Wording",
    "answer_key",
    "batches",
    "blurb_prompt",
    "controls",
    "gist_prompt",
    "is_control",
    "pair",
    "prompt_version",
    "read_blurb",
    "read_doubts",
    "read_gist",
    "read_judgements",
    "swayed",
    "verify_prompt",
    "wording",
]
