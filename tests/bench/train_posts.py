"""Learn the weights of the tagger of posts from post_labels.tsv; also judges them on sources held out whole.

Takes the real feeds of a data folder (by default ../shared/data/feeds), whose posts are known by their addresses.

    python -m tests.bench.train_posts            the weights, in digest/data; a minute
    python -m tests.bench.train_posts --check    the hold-out figures only
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Response, TagInput
from digest.sources.feed import parse_feed_response
from digest.tagging.chunks import Floats
from digest.tagging.post_scores import POST_CLASSES, PostFeatures, describe_post_source
from digest.tagging.weights import load_shipped_weights

LABELS = Path(__file__).with_name("post_labels.tsv")
ROOT = Path(__file__).resolve().parents[2]
# Sources of one company are held out together.
COMPANIES = {
    "anthropic": ("anthropic", "claude"), "colah": ("colah", "posts_tags"), "xai": ("xai",), "mistral": ("mistral",),
}  # fmt: skip
STEPS, RATE, DECAY = 600, 0.5, 2e-3
MIN_WORD_COUNT = 4


def read_posts(folder: Path) -> dict[str, TagInput]:
    """Every post of the feeds by address."""
    posts: dict[str, TagInput] = {}
    source = Source(id="feed", kind="feed", url="https://example.org/feed")
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        name = json.loads(line)["file"]
        response = Response(200, "https://example.org/feed", {}, (folder / name).read_bytes())
        try:
            entries = parse_feed_response(source, response).entries
        except ParseError:
            continue
        for entry in entries:
            text = entry.summary or (entry.content or "")[:1500]
            posts.setdefault(entry.url, TagInput(entry.title, text, describe_post_source(entry.url)))
    return posts


def read_labels() -> list[tuple[str, str, list[str]]]:
    """Address, company and categories of each labelled post."""
    rows = [line.split("\t") for line in LABELS.read_text().splitlines() if not line.startswith("#")][1:]
    found = []
    for url, source, labels in rows:
        company = next((name for name, parts in COMPANIES.items() if source.startswith(parts)), source)
        found.append((url, company, labels.split("+")))
    return found


def fit(features: Floats, wanted: Floats) -> Floats:
    """Softmax regression on sets of acceptable categories; classes weigh more the scarcer they are."""
    weights = np.zeros((features.shape[1], wanted.shape[1]), dtype=np.float32)
    seen = np.full_like(weights, 1e-8)
    shares = wanted / wanted.sum(axis=1, keepdims=True)
    counts = shares @ (shares.sum() / shares.shape[1] / np.maximum(shares.sum(axis=0), 1)) ** 0.5
    counts /= counts.mean()
    for _ in range(STEPS):
        chances = softmax(features @ weights)
        likely = wanted * chances
        error = (chances - likely / likely.sum(axis=1, keepdims=True)) * counts[:, None]
        slope = features.T @ error / len(features) + DECAY * weights
        seen += slope * slope
        weights -= RATE * slope / np.sqrt(seen) * 0.1
    return weights


def softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "feeds")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    posts = read_posts(chosen.data)
    rows = [row for row in read_labels() if row[0] in posts]
    inputs = [posts[url] for url, _, _ in rows]
    wanted = np.array([[float(name in labels) for name in POST_CLASSES] for _, _, labels in rows], dtype=np.float32)
    companies = np.array([company for _, company, _ in rows])
    print(f"{len(rows)} posts of {len(set(companies))} companies")
    shipped = load_shipped_weights()
    held = np.zeros_like(wanted)
    for company in sorted(set(companies)):
        out = companies == company
        learned = PostFeatures(shipped, choose_words([i for i, o in zip(inputs, out, strict=True) if not o]))
        split = shipped.vocabulary.split_inputs(inputs)
        features = learned.compute(inputs, split)
        held[out] = softmax(features[out] @ fit(features[~out], wanted[~out]))
    temperature = report(held, wanted, companies)
    if not chosen.check:
        learned = PostFeatures(shipped, choose_words(inputs))
        weights = fit(learned.compute(inputs, shipped.vocabulary.split_inputs(inputs)), wanted) / temperature
        scale = np.abs(weights).max(axis=0) / 127
        buffer = io.BytesIO()
        words = np.frombuffer("\n".join(learned.word_list).encode(), dtype=np.uint8)
        np.savez_compressed(buffer, words=words, weights=np.round(weights / scale).astype(np.int8), scale=scale)
        (ROOT / "digest" / "data" / "tagging-posts.npz").write_bytes(buffer.getvalue())


def choose_words(inputs: list[TagInput]) -> list[str]:
    """The words of several posts, of title, lead and source."""
    counts = Counter(word for item in inputs for word in PostFeatures.extract_words(item))
    return sorted(word for word, count in counts.items() if count >= MIN_WORD_COUNT and count < 0.3 * len(inputs))


def report(held: Floats, wanted: Floats, companies: np.ndarray[tuple[int], np.dtype[np.str_]]) -> float:
    """Print the figures of the held-out sources; return the temperature that makes 0.7 mean it."""
    best, right = held.argmax(axis=1), wanted[np.arange(len(held)), held.argmax(axis=1)] > 0
    print(f"first choice acceptable: {right.mean():.3f}")
    options = []
    for temperature in (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0):
        sharp = softmax(np.log(held + 1e-9) / temperature)
        likely = (sharp * wanted).sum(axis=1)
        options.append((-np.log(likely + 1e-6).mean(), temperature))
    loss, temperature = min(options)
    sharp = softmax(np.log(held + 1e-9) / temperature)
    sure = sharp.max(axis=1) >= 0.7
    named = sure & (best != POST_CLASSES.index("other"))
    print(
        f"temperature {temperature} (loss {loss:.3f}); from 0.7 on: {sure.mean():.2f} of posts, right {right[sure].mean():.3f}"
    )
    print(f"  given a category: {named.mean():.2f} of posts, right {right[named].mean():.3f}")
    for place, name in enumerate(POST_CLASSES):
        mine = named & (best == place) if name != "other" else sure & (best == place)
        print(f"  {name:12} {int(mine.sum()):4}  right {right[mine].mean() if mine.any() else 0:.2f}")
    return float(temperature)


if __name__ == "__main__":
    main()
