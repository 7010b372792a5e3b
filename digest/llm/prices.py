"""Prices of tokens in USD per million, as listed by the providers on the date below."""

from __future__ import annotations

from typing import NamedTuple

from digest.config.schema import ModelConfig
from digest.protocols import Usage

PRICES_AS_OF = "2026-11-23"  # litellm 1.109.1 and genai-prices 0.2.3 agree
CHARACTERS_PER_TOKEN = 4


class Price(NamedTuple):
    """USD per million tokens; cached input costs a tenth."""

    input: float
    output: float


PRICES = {
    "gemini-3.5-flash-lite": Price(0.30, 2.50),
    "gemini-3.1-flash-lite": Price(0.25, 1.50),
    "gemini-2.5-flash-lite": Price(0.10, 0.40),
    "gemini-3.8-flash": Price(0.75, 3.75),
    "gemini-2.5-flash": Price(0.30, 2.50),
    "gemini-2.5-pro": Price(1.25, 10.0),
}
FREE_PRICE = Price(0.0, 0.0)
_TIER_FACTORS = {"standard": 1.0, "flex": 0.5, "batch": 0.5}
_CACHED_FACTOR = 0.1
# Output tokens of thought that a model may use, by the level requested; "" is the model's own choice.
THINKING_TOKENS = {"": 8_192, "MINIMAL": 256, "LOW": 1_024, "MEDIUM": 8_192, "HIGH": 16_384}


def find_price(model: str, section: ModelConfig | None = None) -> Price | None:
    """Return a model's price: from sources.yaml, else as listed for its name or a prefix of it; None when unknown.

    A scripted model is free.
    """
    if section and section.price:
        return Price(section.price.input, section.price.output)
    provider, _, bare = model.rpartition(":")
    if provider == "scripted":
        return FREE_PRICE
    names = [name for name in PRICES if f"{bare.removeprefix('models/')}-".startswith(f"{name}-")]
    return PRICES[max(names, key=len)] if names else None


def compute_cost(usage: Usage, price: Price | None, tier: str = "standard") -> float:
    """Return the USD a call cost; 0 for a model without a price. Thoughts are billed as output."""
    if price is None:
        return 0.0
    prompt_tokens = usage.prompt - usage.cached * (1 - _CACHED_FACTOR)
    usd = prompt_tokens * price.input + (usage.output + usage.thoughts) * price.output
    return usd / 1e6 * _TIER_FACTORS.get(tier, 1.0)


def estimate_tokens(text: str) -> int:
    """Estimate a text's tokens: a quarter of its characters, plus one."""
    return len(text) // CHARACTERS_PER_TOKEN + 1
