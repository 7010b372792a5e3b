"""Language models behind one small port. A provider is one file in `providers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from digest.config import PROVIDERS, ModelSection
from digest.errors import ConfigError
from digest.llm.budget import Budget
from digest.llm.prices import AS_OF, THOUGHTS, Price, cost, price, tokens
from digest.ports import Model

__all__ = ["AS_OF", "MODELS", "THOUGHTS", "Budget", "Choice", "Price", "choose", "cost", "price", "tokens"]

Make = Callable[[ModelSection, Mapping[str, str], Path], Model]


def _made(name: str, section: ModelSection, environ: Mapping[str, str], root: Path) -> Model:
    make: Make = import_module(f"digest.llm.providers.{name}").make
    return make(section, environ, root)


MODELS: Mapping[str, Make] = {name: partial(_made, name) for name in PROVIDERS}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model a run uses, and why in one line. `make` gives None when this machine does it alone."""

    provider: str
    line: str
    make: Callable[[], Model | None]


def choose(section: ModelSection, environ: Mapping[str, str], root: Path, provider: str = "") -> Choice:
    """Choose by flag, then configuration, then the key in the environment; never from one to another in silence."""
    asked = provider or section.provider
    why = "asked for on the command line" if provider else "set in sources.yaml"
    if asked == "auto":
        key = next((name for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY") if environ.get(name)), None)
        asked = "gemini" if key else "local"
        why = f"{key} is set" if key else "neither GOOGLE_API_KEY nor GEMINI_API_KEY is set"
    if asked == "local":
        return Choice("local", f"This machine's own tagger and quotations; no language model ({why}).", lambda: None)
    if asked not in MODELS:
        raise ConfigError(f"{asked!r} is not a provider of models", f"use one of: local, {', '.join(MODELS)}")
    named = section.script if asked == "scripted" else section.name
    return Choice(asked, f"{asked}:{named} ({why}).", lambda: MODELS[asked](section, environ, root))
