"""A provider of language models a file: its name is the one in sources.yaml, and its `make` gives the model.

    def make(section: ModelSection, environ: Mapping[str, str], root: Path) -> Model

It is imported when it is asked for, and nothing else names it.
"""
