"""The lines that let cron, systemd or GitHub Actions do every shift: text to be looked at, then put in its place."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from digest.bundle import shipped
from digest.config import Cadence
from digest.errors import ConfigError
from digest.ports import Document

_OFTEN = "*/15 * * * *"
_SERVICE = """\
[Unit]
Description=digest: what is due in {root}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
WorkingDirectory={root}
EnvironmentFile=-{root}/.env
ExecStart={command} run --due
"""
_TIMER = """\
[Unit]
Description=digest: look every 15 minutes for what is due

[Timer]
OnCalendar=*:0/15
Persistent=true

[Install]
WantedBy=timers.target
"""


def timetable(form: str, root: Path, program: Sequence[str], cadence: Cadence) -> list[Document]:
    """The files of a form (cron, systemd, github), as they would lie in the workspace.

    `digest run --due` decides by itself what is due, so cron and systemd just call it often.
    """
    for character in "\n\r%":
        if character in str(root):
            raise ConfigError(f"{root} holds a character that cron and systemd read otherwise", "move the workspace")
    command = shlex.join([*program, "-w", str(root)])
    if form == "cron":
        return [Document("schedule/crontab", f"{_OFTEN} {command} run --due\n".encode())]
    if form == "systemd":
        return [
            Document("schedule/digest.service", _SERVICE.format(root=root, command=command).encode()),
            Document("schedule/digest.timer", _TIMER.encode()),
        ]
    text = shipped("templates/github/newsletter.yml").read_text(encoding="utf-8")
    number = cadence.draft_business_day
    day = number + 2 * -(-number // 5)  # by then the nth business day has come, whatever day the month begins on
    text = text.replace("30 6 3 * *", f"30 {cadence.fetch_hour_utc} {day} * *").replace("3rd of", f"{day}th of")
    return [Document(".github/workflows/newsletter.yml", text.encode())]


PLACES = {
    "cron": "crontab -e, and add the line",
    "systemd": "cp schedule/digest.* ~/.config/systemd/user/ && systemctl --user enable --now digest.timer",
    "github": "commit it; Settings → Pages → Source: GitHub Actions",
}
