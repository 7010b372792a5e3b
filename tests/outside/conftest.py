"""The demo workspace."""

from tests.walk import told, workspace_folder

__all__ = ["told", "workspace_folder"]
