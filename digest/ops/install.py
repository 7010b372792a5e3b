"""Files with which cron, systemd or GitHub Actions run what is due."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from digest.config.schema import Cadence
from digest.errors import ConfigError
from digest.protocols import Document
from digest.resources import find_resource

_CRON = """\
# Put keys and passwords in lines above this one: GEMINI_API_KEY=...
# Standard output is dropped. Problems are on standard error, which cron mails.
*/15 * * * * {command} run --due >/dev/null
"""
_SERVICE = """\
[Unit]
Description=digest: run due jobs in {root}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
WorkingDirectory={root}
EnvironmentFile=-{root}/.env
ExecStart={command} run --due
# Exit code 3 means done in part, for example with one source unreachable.
SuccessExitStatus=3
"""
_TIMER = """\
[Unit]
Description=digest: run due jobs every 15 minutes

[Timer]
OnCalendar=*:0/15
Persistent=true

[Install]
WantedBy=timers.target
"""


def render_schedule_files(form: str, root: Path, program: Sequence[str], cadence: Cadence) -> list[Document]:
    """Return the files of a form (cron, systemd, github), relative to the workspace.

    `digest run --due` decides what is due, so cron and systemd call it every 15 minutes.
    """
    command = shlex.join([*program, "-w", str(root)])
    if unsafe := _UNSAFE_CHARACTERS[form].intersection(command):
        raise ConfigError(f"{command} holds {min(unsafe)!r}, which is special to {form}", "move the workspace")
    if form == "cron":
        return [Document("schedule/crontab", _CRON.format(command=command).encode())]
    if form == "systemd":
        return [
            Document("schedule/digest.service", _SERVICE.format(root=root, command=command).encode()),
            Document("schedule/digest.timer", _TIMER.encode()),
        ]
    text = find_resource("templates/github/newsletter.yml").read_text(encoding="utf-8")
    text = text.replace("30 6 * * *", f"30 {cadence.fetch_hour_utc} * * *")
    text = text.replace("06:30 UTC", f"{cadence.fetch_hour_utc:02}:30 UTC")
    return [Document(".github/workflows/newsletter.yml", text.replace("{package}", find_package_address()).encode())]


def find_package_address() -> str:
    """Return what pip takes to install this very program elsewhere, or "" when it came from this machine's disk.

    PEP 610 records the origin of an installed distribution: a repository with its commit, or the address of a wheel.
    """
    try:
        origin = json.loads(distribution("digest-newsletter").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    if "vcs_info" in origin:
        return f"git+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return str(origin["url"]) if str(origin.get("url", "")).startswith("https://") else ""


_UNSAFE_CHARACTERS = {"cron": {"\n", "\r", "%"}, "systemd": {"\n", "\r", "%", "$", "\\"}, "github": set[str]()}
INSTALL_STEPS = {
    "cron": "crontab -e, and add these lines",
    "systemd": "cp schedule/digest.* ~/.config/systemd/user/ && systemctl --user enable --now digest.timer; "
    "`loginctl enable-linger` lets it run while you are logged out, and keys go into .env (chmod 600)",
    "github": "commit it; Settings → Pages → Source: GitHub Actions; "
    "Settings → Actions → General: allow GitHub Actions to create pull requests",
}
