"""Builds and serves the site with this machine's Jekyll. A warning is a failure: Jekyll exits 0 on broken posts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from digest.errors import RenderError

_INSTALL_HINT = "on Debian: apt-get install jekyll; GitHub Pages builds it too (templates/github/newsletter.yml)"
_PROBLEM_LINE = re.compile(r"warning|error|deprecat", re.IGNORECASE)


def find_jekyll() -> str:
    """The path of jekyll. Raises RenderError where there is none."""
    found = shutil.which("jekyll")
    if found is None:
        raise RenderError("Jekyll is not installed", _INSTALL_HINT)
    return found


def build_site(site: Path, *, drafts: bool = False) -> Path:
    """Build `site` into its `_site` and return that folder. Raises RenderError with Jekyll's words."""
    target = site / "_site"
    call = [find_jekyll(), "build", "--strict_front_matter", "--source", str(site), "--destination", str(target)]
    done = subprocess.run(  # noqa: S603  the arguments are ours
        call + ["--drafts"] * drafts, env=_jekyll_environment(), capture_output=True, text=True, check=False, cwd=site
    )
    said = f"{done.stdout}\n{done.stderr}"
    bad = [line.strip() for line in said.splitlines() if _PROBLEM_LINE.search(line)]
    if done.returncode or bad:
        raise RenderError("Jekyll: " + "\n".join(bad or said.strip().splitlines()[-3:]), "mend the file it names")
    return target


def serve_site(site: Path, port: int, *, drafts: bool = False) -> int:
    """Serve `site` on this machine until interrupted; returns Jekyll's exit code."""
    call = [
        find_jekyll(),
        "serve",
        "--strict_front_matter",
        "--source",
        str(site),
        "--destination",
        str(site / "_site"),
    ]
    call += ["--host", "127.0.0.1", "--port", str(port)] + ["--drafts"] * drafts
    try:
        return subprocess.run(call, env=_jekyll_environment() | {"JEKYLL_ENV": "development"}, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 0


def _jekyll_environment() -> dict[str, str]:
    return os.environ | {"JEKYLL_ENV": "production", "JEKYLL_NO_BUNDLER_REQUIRE": "true", "LANG": "C.UTF-8"}
