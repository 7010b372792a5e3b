"""Kind of an item, from its key, address and title: paper, post, release, talk, news or code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from urllib.parse import urlsplit

_PAPER_KEYS = ("arxiv:", "doi:")


@dataclass(frozen=True, slots=True)
class _KindRules:
    hosts: Mapping[str, str]  # host -> kind
    release_paths: Sequence[re.Pattern[str]]
    titles: Mapping[str, Sequence[re.Pattern[str]]]


def classify_kind(key: str, url: str, title: str) -> str:
    """Tell the kind of an item (paper, post, release, talk, news or code) from its key, address and title."""
    rules = _load_rules()
    if key.startswith(_PAPER_KEYS):
        return "paper"
    if any(pattern.search(url) for pattern in rules.release_paths):
        return "release"
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    labels = host.split(".")
    kind = next((rules.hosts[h] for i in range(len(labels)) if (h := ".".join(labels[i:])) in rules.hosts), "")
    if kind:
        return kind
    return next((name for name in ("talk", "release") if any(p.search(title) for p in rules.titles[name])), "post")


def is_promotional(title: str) -> bool:
    """Return whether a title announces business, events or changes rather than a finding."""
    return any(pattern.search(title) for pattern in _load_rules().titles["promotional"])


@lru_cache(maxsize=1)
def _load_rules() -> _KindRules:
    data = tomllib.loads((resources.files("digest") / "data" / "kinds.toml").read_text(encoding="utf-8"))
    return _KindRules(
        hosts={host: kind for kind, hosts in data["hosts"].items() for host in hosts.split()},
        release_paths=[re.compile(pattern, re.I) for pattern in data["paths"]["release"]],
        titles={
            # The name of what is released begins with a capital letter.
            name: [re.compile(pattern, 0 if name == "release" else re.I) for pattern in patterns]
            for name, patterns in data["titles"].items()
        },
    )
