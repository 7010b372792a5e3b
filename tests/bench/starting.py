"""Cold start: the seconds from the shell's word to the answer, best of five, beside importing `reader`."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.probe import Watch, timed, told

CALLS = {"digest": ("-m", "digest", "--help"), "reader": ("-c", "import reader")}


def main(contender: str) -> None:
    call, watch = [sys.executable, *CALLS[contender]], Watch()
    told("cold start", timed(lambda: subprocess.run(call, check=True, capture_output=True), 5), watch)


if __name__ == "__main__":
    main(sys.argv[1])
