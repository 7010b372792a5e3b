"""The small workspace of the tests of operations."""

from tests.ops.conftest import folder, small

__all__ = ["folder", "small"]
