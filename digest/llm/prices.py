"""What tokens cost, in USD per million, as providers listed them on the day below."""

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
# Output tokens that a model may think with before it answers, by the level asked of it; "" is the model's own choice.
THINKING_TOKENS = {"": 8_192, "MINIMAL": 256, "LOW": 1_024, "MEDIUM": 8_192, "HIGH": 16_384}


def find_price(model: str, section: ModelConfig | None = None) -> Price | None:
    """What a model costs: as sources.yaml says, else as listed for its name or one it begins with; None when unknown.

    A scripted model costs nothing.
    """
    if section and section.price:
        return Price(section.price.input, section.price.output)
    provider, _, bare = model.rpartition(":")
    if provider == "scripted":
        return FREE_PRICE
    bare = bare.removeprefix("models/")
    names = [name for name in PRICES if bare == name or bare.startswith(name + "-")]
    return PRICES[max(names, key=len)] if names else None


def compute_cost(usage: Usage, price: Price | None, tier: str = "standard") -> float:
    """USD for what a call used; 0 for a model without a price. Thoughts are billed as output."""
    if price is None:
        return 0.0
    given = usage.prompt - usage.cached * (1 - _CACHED_FACTOR)
    usd = given * price.input + (usage.output + usage.thoughts) * price.output
    return usd / 1e6 * _TIER_FACTORS.get(tier, 1.0)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is: a quarter of its characters, and one."""
    return len(text) // CHARACTERS_PER_TOKEN + 1
