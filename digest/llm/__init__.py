"""Choose a language model. A provider is one file in `providers`, or a plug-in in `digest.models`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from digest.config.schema import PROVIDERS, ModelConfig
from digest.errors import ConfigError
from digest.plugins import list_plugins, load_plugin
from digest.protocols import Model

ModelFactory = Callable[[ModelConfig, Mapping[str, str], Path], Model]


def _create_model(name: str, section: ModelConfig, environ: Mapping[str, str], root: Path) -> Model:
    create: ModelFactory = import_module(f"digest.llm.providers.{name}").create_model
    return create(section, environ, root)


MODEL_FACTORIES: Mapping[str, ModelFactory] = {name: partial(_create_model, name) for name in PROVIDERS}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model of a run, with the reason. `create` returns None when no language model is used."""

    provider: str
    description: str
    create: Callable[[], Model | None]


def choose_model(section: ModelConfig, environ: Mapping[str, str], root: Path, provider: str = "") -> ModelChoice:
    """Choose by flag, then configuration, then the key in the environment; never fall back silently."""
    name = provider or section.provider
    why = "asked for on the command line" if provider else "set in sources.yaml"
    if name == "auto":
        key = next((key for key in ("GOOGLE_API_KEY", "GEMINI_API_KEY") if environ.get(key)), None)
        name = "gemini" if key else "local"
        why = f"{key} is set" if key else "neither GOOGLE_API_KEY nor GEMINI_API_KEY is set"
    if name == "local":
        description = f"This machine's own tagger and quotations, no language model ({why})."
        return ModelChoice("local", description, lambda: None)
    plugins = () if name in MODEL_FACTORIES else list_plugins("digest.models")
    if name not in (*MODEL_FACTORIES, *plugins):
        names = ", ".join((*MODEL_FACTORIES, *plugins))
        raise ConfigError(f"{name!r} is not a provider of models", f"use one of: local, {names}")
    factory: ModelFactory = MODEL_FACTORIES.get(name) or load_plugin("digest.models", name)
    model = section.script if name == "scripted" else section.name
    return ModelChoice(name, f"{name}:{model} ({why}).", lambda: factory(section, environ, root))
