"""Language models behind one small port. A provider is one file and one line in MODELS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from digest.config import ModelSection
from digest.errors import ConfigError
from digest.llm.budget import Budget
from digest.llm.prices import AS_OF, THOUGHTS, Price, cost, price, tokens
from digest.ports import Model

__all__ = ["AS_OF", "MODELS", "THOUGHTS", "Budget", "Choice", "Price", "choose", "cost", "price", "tokens"]

Make = Callable[[ModelSection, Mapping[str, str], Path], Model]


def _gemini(section: ModelSection, environ: Mapping[str, str], root: Path) -> Model:
    from digest.llm.gemini import Gemini

    return Gemini(section, environ)


def _openai(section: ModelSection, environ: Mapping[str, str], root: Path) -> Model:
    from digest.llm.openai import OpenAI

    return OpenAI(section, environ)


def _scripted(section: ModelSection, environ: Mapping[str, str], root: Path) -> Model:
    from digest.llm.scripted import from_file

    if not section.script:
        raise ConfigError("model.script is missing", "name a YAML file of answers, relative to the workspace")
    return from_file(root / section.script)


MODELS: dict[str, Make] = {"gemini": _gemini, "openai": _openai, "scripted": _scripted}


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
