"""AI research-digest newsletter: fetch, sort, rank, edit, publish, mail.

`Workspace` is the public API for scripts and notebooks. Each stage is a method that returns a `Report`: a line for a
person, numbers for a machine. Errors are those of `digest.errors`.

>>> from digest import Workspace, initialise
>>> written, existing = initialise("my-newsletter")
>>> workspace = Workspace("my-newsletter")
>>> workspace.add_jsonl("papers.jsonl").numbers["new"]
8
>>> workspace.tag().state
'done'
>>> print(workspace.rank("2025-06").line.partition(";")[0])
2025-06: 8 candidates ranked
>>> len(workspace.items("2025-06", limit=3))
3
>>> [item.title for item in workspace.search("protein*")]
['Protein structure prediction with diffusion models']
>>> report = workspace.draft("2025-06")
>>> report.numbers["picks"] > 0, (workspace.root / "site/_drafts/2025-06.md").exists()
(True, True)
>>> workspace.publish("2025-06")
Traceback (most recent call last):
    ...
digest.errors.CheckFailedError: 2025-06 is still a draft and cannot be published
>>> workspace.close()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digest.app import Workspace, initialise

__all__ = ["Workspace", "__version__", "initialise"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the API when it is first used, so that `digest --help` starts at once."""
    if name in ("Workspace", "initialise"):
        from digest import app

        return getattr(app, name)
    raise AttributeError(f"module 'digest' has no attribute {name!r}")
