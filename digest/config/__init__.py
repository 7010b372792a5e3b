"""sources.yaml: its shape and how it is read."""

from digest.config.load import load_config, parse_config
from digest.config.schema import (
    PROVIDERS,
    Cadence,
    Category,
    Config,
    MailConfig,
    ModelConfig,
    Newsletter,
    Selectors,
    SiteConfig,
    Source,
    Taxonomy,
)

__all__ = [
    "PROVIDERS",
    "Cadence",
    "Category",
    "Config",
    "MailConfig",
    "ModelConfig",
    "Newsletter",
    "Selectors",
    "SiteConfig",
    "Source",
    "Taxonomy",
    "load_config",
    "parse_config",
]
