"""The demo workspace for the tests of the walk."""

from tests.walk import jekyll_site, told, workspace_folder

__all__ = ["jekyll_site", "told", "workspace_folder"]
