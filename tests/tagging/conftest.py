"""The default taxonomy, as the program ships it."""

from __future__ import annotations

import pytest
import yaml

from digest.bundle import shipped
from digest.config.schema import Taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy.model_validate(yaml.safe_load(shipped("sources.yaml").read_text(encoding="utf-8"))["taxonomy"])
