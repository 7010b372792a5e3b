"""Language models behind one small port. A provider is one file in `providers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from digest.config.schema import PROVIDERS, ModelConfig
from digest.errors import ConfigError
from digest.protocols import Model

__all__ = [
    "MODEL_FACTORIES",
    "PRICES_AS_OF",
    "THINKING_TOKENS",
    "Budget",
    "ModelChoice",
    "Price",
    "choose_model",
    "compute_cost",
    "estimate_tokens",
    "find_price",
]

ModelFactory = Callable[[ModelConfig, Mapping[str, str], Path], Model]


def _create_model(name: str, section: ModelConfig, environ: Mapping[str, str], root: Path) -> Model:
    make: ModelFactory = import_module(f"digest.llm.providers.{name}").make
    return make(section, environ, root)


MODEL_FACTORIES: Mapping[str, ModelFactory] = {name: partial(_create_model, name) for name in PROVIDERS}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model a run uses, and why in one line. `make` gives None when this machine does it alone."""

    provider: str
    description: str
    create: Callable[[], Model | None]


def choose_model(section: ModelConfig, environ: Mapping[str, str], root: Path, provider: str = "") -> ModelChoice:
    """Choose by flag, then configuration, then the key in the environment; never from one to another in silence."""
    asked = provider or section.provider
    why = "asked for on the command line" if provider else "set in sources.yaml"
    if asked == "auto":
        key = next((name for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY") if environ.get(name)), None)
        asked = "gemini" if key else "local"
        why = f"{key} is set" if key else "neither GOOGLE_API_KEY nor GEMINI_API_KEY is set"
    if asked == "local":
        return ModelChoice(
            "local", f"This machine's own tagger and quotations; no language model ({why}).", lambda: None
        )
    if asked not in MODEL_FACTORIES:
        raise ConfigError(f"{asked!r} is not a provider of models", f"use one of: local, {', '.join(MODEL_FACTORIES)}")
    named = section.script if asked == "scripted" else section.name
    return ModelChoice(asked, f"{asked}:{named} ({why}).", lambda: MODEL_FACTORIES[asked](section, environ, root))
