"""Makes a workspace: sources.yaml, the site's skeleton, a folder for templates, an empty database. Nothing is lost."""

from __future__ import annotations

from pathlib import Path

from digest import site
from digest.bundle import find_resource
from digest.errors import ConfigError, describe_read_error
from digest.pipeline.backup import describe_lost_database
from digest.ports import Document
from digest.store.database import DATABASE_FILE, Database

_GITIGNORE = "/.env\n/digest.db*\n/backups/\n/outbox/\n/site/_site/\n/site/.jekyll-cache/\n"
_TEMPLATES_README = (
    "Put a file here to use it in place of the one that ships with digest:\n"
    "`digest templates list` names them, `digest templates copy NAME` copies one to begin with.\n"
)
_GENERATED_SITE_FILES = (
    *("_posts", "_drafts", "_site", ".jekyll-cache", "feed", "feed.xml", "feed.json", "search.json", "category"),
    *("assets/cards", "_data/issues.json", "_data/categories.json", "_data/picks.json"),
)


def create_workspace(folder: Path) -> tuple[int, int]:
    """Make a workspace in `folder`; returns how many files were written and how many were there already."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file", "name a folder")
    skeleton = find_resource("site")
    files = {"sources.yaml": find_resource("sources.yaml").read_bytes()}
    for path in sorted(skeleton.rglob("*")):
        place = path.relative_to(skeleton)
        ours = any(place.is_relative_to(name) for name in _GENERATED_SITE_FILES)
        if path.is_file() and not ours and path.name != ".gitkeep":
            files[f"site/{place.as_posix()}"] = path.read_bytes()
    files["templates/README.md"] = _TEMPLATES_README.encode()
    files[".gitignore"] = _GITIGNORE.encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {describe_read_error(error)}", "name a folder you may write in"
        ) from error
    missing = [Document(name, body) for name, body in files.items() if not (folder / name).exists()]
    written = len(site.write_documents(folder, missing))
    if not (
        (folder / DATABASE_FILE).exists() and describe_lost_database(folder)
    ):  # a database that was cut off is the doctor's matter
        Database(folder / DATABASE_FILE).close()
    return written, len(files) - len(missing)
