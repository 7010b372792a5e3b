"""sources.yaml: its shape and how it is read."""

from digest.config.load import load, parse
from digest.config.schema import (
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
