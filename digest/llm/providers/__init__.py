"""Providers of language models, one file each, named as in sources.yaml.

    def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> Model

A provider is imported when it is used, and nothing else names it.
"""
