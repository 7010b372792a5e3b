"""`make bench`: every benchmark in a process of its own, in one table file: .github/bench.md."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHES = (
    "stages", "year", "fetching", "parsing", "duplicates", "quotes", "grounding", "ranking", "cost", "publish", "sheet",
    "desk", "mailing",
)  # fmt: skip


def main() -> int:
    """Run them all, print as they come, and write what they said."""
    chosen = sys.argv[1:] or [name for name in BENCHES if (Path(__file__).parent / f"{name}.py").exists()]
    parts, failed = [], []
    for name in chosen:
        print(f"== {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        said = done.stdout.strip() or done.stderr.strip()[-2000:]
        print(said, flush=True)
        parts.append(f"## {name}\n\n```\n{said}\n```\n")
        if done.returncode:
            failed.append(name)
    if not sys.argv[1:]:
        _write(parts)
    if failed:
        print(f"short of a bar, or failed: {', '.join(failed)}")
    return bool(failed)


def _write(parts: list[str]) -> None:
    machine = f"Python {platform.python_version()}, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}"
    head = (
        f"# Benchmarks\n\nWritten by `make bench`: {machine}. Seconds move with the machine; ratios are of one run.\n"
    )
    (ROOT / ".github" / "bench.md").write_text("\n".join([head, *parts]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
