"""sources.yaml: its shape and how it is read."""

from digest.config.load import load, parse
from digest.config.schema import Category, Config, Mail, ModelSection, Newsletter, Selectors, Site, Source, Taxonomy

__all__ = [
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
