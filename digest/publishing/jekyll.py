"""Build and serve the site with the installed Jekyll."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from digest.errors import RenderError

_INSTALL_HINT = "on Debian: apt-get install jekyll; GitHub Pages builds it too (templates/github/newsletter.yml)"
_PROBLEM_LINE = re.compile(r"warning|error|deprecat", re.IGNORECASE)


def find_jekyll() -> str:
    """Return the path of jekyll. Raises RenderError without one."""
    path = shutil.which("jekyll")
    if path is None:
        raise RenderError("Jekyll is not installed", _INSTALL_HINT)
    return path


def build_site(site: Path, *, drafts: bool = False) -> Path:
    """Build `site` into its `_site` and return that folder.

    Raises RenderError with Jekyll's message, also for a warning: Jekyll exits with 0 on broken posts.
    """
    command = _build_command("build", site, drafts)
    result = subprocess.run(  # noqa: S603  the arguments are ours
        command, env=_jekyll_environment(), capture_output=True, text=True, check=False, cwd=site
    )
    lines = f"{result.stdout}\n{result.stderr}".strip().splitlines()
    problems = [line.strip() for line in lines if _PROBLEM_LINE.search(line)]
    if result.returncode or problems:
        raise RenderError("Jekyll: " + "\n".join(problems or lines[-3:]), "correct the file it names")
    return site / "_site"


def serve_site(site: Path, port: int, *, drafts: bool = False) -> int:
    """Serve `site` on this machine until interrupted; returns Jekyll's exit code. Raises RenderError for a port in use."""
    require_free_port(port)
    command = [*_build_command("serve", site, drafts), "--host", "127.0.0.1", "--port", str(port)]
    environment = _jekyll_environment() | {"JEKYLL_ENV": "development"}
    try:
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 0


def require_free_port(port: int) -> None:
    """Raise RenderError for a port in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RenderError(f"port {port} is in use", "choose another one with --port") from error


def _build_command(action: str, site: Path, drafts: bool) -> list[str]:
    folders = ["--source", str(site), "--destination", str(site / "_site")]
    return [find_jekyll(), action, "--strict_front_matter", *folders, *["--drafts"] * drafts]


def _jekyll_environment() -> dict[str, str]:
    return os.environ | {"JEKYLL_ENV": "production", "JEKYLL_NO_BUNDLER_REQUIRE": "true", "LANG": "C.UTF-8"}
