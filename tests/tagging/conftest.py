"""The default taxonomy, as the program ships it."""

from __future__ import annotations

import pytest
import yaml

from digest.config.schema import Taxonomy
from digest.resources import find_resource


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy.model_validate(
        yaml.safe_load(find_resource("sources.yaml").read_text(encoding="utf-8"))["taxonomy"]
    )
