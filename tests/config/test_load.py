"""sources.yaml is read whole; every mistake names its line, what was found and what is allowed, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config.loader import load_config, parse_config
from digest.errors import ConfigError

GOOD = """\
newsletter: {title: T}
sources:
  - {id: a, kind: feed, url: "https://e.org/feed"}
taxonomy:
  categories:
    - {slug: models, title: Models, description: New models and reports}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert caught.value.exit_code == 2
    return caught.value.message.splitlines()


def test_defaults_fill_what_is_not_said() -> None:
    config = parse_config(GOOD)
    assert config.cadence.shortlist == 100
    assert config.model.provider == "auto"
    assert config.sources[0].label == "a"
    assert config.newsletter.address == "https://example.org"


def test_a_misspelt_kind_names_line_and_nearest() -> None:
    (line,) = mistakes(GOOD.replace("kind: feed", "kind: feeed"))
    assert line.startswith("sources.yaml:3: sources[0].kind: 'feeed' is unknown (did you mean 'feed'?)")


def test_all_mistakes_are_told_at_once() -> None:
    text = """\
newsletter:
  titel: T
  timezone: Europe/Madird
sources:
  - {id: A B, kind: feed, url: "ftp://x"}
  - {id: b, kind: arxiv}
  - {id: c, kind: page, url: "https://c.example", selectors: {item: "li["}}
taxonomy:
  categories:
    - {slug: models, title: Models, description: New models and reports, quota: -1}
cadence: {fetch_hour_utc: 25}
mail: {transport: pigeon}
"""
    told = "\n".join(mistakes(text))
    for part in (
        "sources.yaml:2: newsletter.titel: unknown key (did you mean 'title'?)",
        "newsletter.title: missing",
        "sources.yaml:3: newsletter.timezone",
        "sources.yaml:5: sources[0].id",
        "sources.yaml:5: sources[0].url: must be an http or https address (found 'ftp://x')",
        "sources.yaml:6: sources[1]: an arXiv source needs 'categories'",
        "sources.yaml:7: sources[2].selectors.item: 'li[' is no CSS selector",
        "sources.yaml:10: taxonomy.categories[0].quota",
        "sources.yaml:11: cadence.fetch_hour_utc",
        "sources.yaml:12: mail.transport: 'pigeon' is unknown; allowed: outbox, smtp",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "found nothing"),
        ("- a", "found a list"),
        ("newsletter: [", ":1: not YAML"),
        (GOOD + "newsletter: {title: U}\n", "sources.yaml:7: newsletter: given twice"),
        (GOOD.replace("slug: models", "slug: other"), "'other' is used twice"),
        (
            GOOD.replace("slug: models", "slug: RAG"),
            "'RAG' is not written as it should be; allowed: lower",
        ),
        ("a: \x00", "not YAML"),
        (GOOD.replace("{title: T}", "{title: 17}"), "newsletter.title: must be text; put it in quotes (found 17)"),
        (GOOD.replace("{title: T}", "T"), "newsletter: must be keys with values, such as name: value (found 'T')"),
        (GOOD + "mail: {port: smtp}\n", "mail.port: must be a whole number (found 'smtp')"),
        (GOOD + "cadence: {fetch_hour_utc: 25}\n", "cadence.fetch_hour_utc: must be 23 or less (found 25)"),
        (GOOD + "cadence: {autopilot: perhaps}\n", "cadence.autopilot: must be true or false (found 'perhaps')"),
        (GOOD + "model: {timeout_seconds: 0}\n", "model.timeout_seconds: must be more than 0 (found 0)"),
    ],
)
def test_what_is_no_configuration_is_named(text: str, part: str) -> None:
    assert part in "\n".join(mistakes(text))


def test_no_mistake_is_told_in_the_words_of_a_validation_library() -> None:
    told = "\n".join(mistakes(GOOD.replace("sources:\n", "sources: 3\nx:\n") + "site: 3\nmodel: {price: 3}\n"))
    assert "input should" not in told
    assert "tuple" not in told
    assert "instance of" not in told


def test_a_source_id_may_stand_once(tmp_path: Path) -> None:
    twice = GOOD.replace("taxonomy:", '  - {id: a, kind: feed, url: "https://e.org/2"}\ntaxonomy:')
    assert any("used twice" in line for line in mistakes(twice))


def test_a_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources\.yaml is not in") as caught:
        load_config(tmp_path / "sources.yaml")
    assert "digest init" in caught.value.hint
