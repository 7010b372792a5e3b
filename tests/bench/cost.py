"""What a month costs with the default model at list price: 8,000 candidates, the best judged, the picks written.

The loopback server counts tokens; no money is spent. Texts are those of a real month where the shared data is there,
else 1,400 characters of made words.
"""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from digest.blurbs.generate import generate_blurbs
from digest.config.loader import load_config
from digest.context import Context
from digest.resources import find_resource
from digest.tagging.grade import grade_candidates
from tests.bench.expert_blurbs import rows
from tests.conftest import SHARED
from tests.llm.gemini_server import running
from tests.llm.workspace import context, gemini, period, store

CANDIDATES, PICKS = 8_000, 30


def measure(candidates: int = CANDIDATES, picks: int = PICKS) -> list[dict[str, float | str]]:
    """One row: candidates, judged, calls, tokens as the server counted them, and the bill in USD."""
    texts = _texts(candidates)
    with tempfile.TemporaryDirectory() as folder, running() as server:
        place = _with_the_shipped_taxonomy(context(Path(folder), gemini(server.url)))
        items = store(place, texts)
        judged = grade_candidates(place, period())
        blurbs = generate_blurbs(place, items[:picks])
        again = grade_candidates(place, period()).numbers["usd"] + generate_blurbs(place, items[:picks]).usd
        return [
            {
                "model": place.config.model.name,
                "candidates": candidates,
                "judged": judged.numbers["judged"],
                "blurbs": picks,
                "calls": sum("generateContent" in call["path"] for call in server.asked),
                "tokens in": server.prompt_tokens,
                "tokens out": server.output_tokens,
                "usd": round(judged.numbers["usd"] + blurbs.usd, 4),
                "usd, second run": again,
            }
        ]


def _with_the_shipped_taxonomy(place: Context) -> Context:
    """The categories stand in every prompt, and are paid for in each."""
    taxonomy = load_config(find_resource("sources.yaml")).taxonomy
    return replace(place, config=place.config.model_copy(update={"taxonomy": taxonomy}))


def _texts(count: int) -> list[tuple[str, str]]:
    month = SHARED / "pools" / "2026-05.jsonl.gz"
    if month.exists():
        return [(row["title"], row["abstract"]) for _, row in zip(range(count), rows(month), strict=False)]
    dice = random.Random(1)
    letters = "etaoinshrdlu"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 10))) for _ in range(2_000)]
    return [(f"Work {n} on {dice.choice(words)}", " ".join(dice.choices(words, k=210)) + ".") for n in range(count)]


def main() -> int:
    for row in measure():
        print(", ".join(f"{name} {value}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
