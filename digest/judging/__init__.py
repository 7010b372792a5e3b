"""Judging: what a language model is asked about items, and what of its reply is believed. Pure; it asks nobody."""

from digest.judging.blurbs import BLURB_STAGE as BLURB
from digest.judging.blurbs import (
    ModelBlurb,
    build_blurb_prompt,
    build_verify_prompt,
    parse_blurb,
    parse_unsupported_claims,
)
from digest.judging.cache import build_cache_key
from digest.judging.controls import CANARIES_PER_CALL, build_canaries, choose_canary_pair, is_canary, is_tampered
from digest.judging.gists import MONTH_SUMMARY_STAGE as GIST
from digest.judging.gists import ModelMonthSummary, build_month_summary_prompt, parse_month_summary
from digest.judging.tags import GRADE_STAGE as JUDGE
from digest.judging.tags import Grade, GradingCall, PromptItem, build_grading_calls, hash_grading_prompt, parse_grades
from digest.judging.wording import PromptTemplates, load_prompt_templates

__all__ = [
    "BLURB",
    "CANARIES_PER_CALL",
    "GIST",
    "JUDGE",
    "Grade",
    "GradingCall",
    "ModelBlurb",
    "ModelMonthSummary",
    "PromptItem",
    "PromptTemplates",
    "build_blurb_prompt",
    "build_cache_key",
    "build_canaries",
    "build_grading_calls",
    "build_month_summary_prompt",
    "build_verify_prompt",
    "choose_canary_pair",
    "hash_grading_prompt",
    "is_canary",
    "is_tampered",
    "load_prompt_templates",
    "parse_blurb",
    "parse_grades",
    "parse_month_summary",
    "parse_unsupported_claims",
]
