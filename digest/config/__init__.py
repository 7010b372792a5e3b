"""sources.yaml: its shape and how it is read."""

from digest.config.load import load, parse
from digest.config.schema import (
    PROVIDERS,
    Cadence,
    Category,
    Config,
    Mail,
    ModelSection,
    Newsletter,
    Selectors,
    Site,
    Source,
    Taxonomy,
)

__all__ = [
    "PROVIDERS",
    "Cadence",
    "Category",
    "Config",
    "Mail",
    "ModelSection",
    "Newsletter",
    "Selectors",
    "Site",
    "Source",
    "Taxonomy",
    "load",
    "parse",
]
