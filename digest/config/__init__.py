"""sources.yaml: its shape and how it is read."""

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
