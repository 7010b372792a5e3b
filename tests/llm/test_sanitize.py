"""What a model is shown is what a reader would see; what it says back is plain text without addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.llm.injection import find_injection
from digest.llm.sanitize import LINK_PATTERN, clean_model_text, defang_links, sanitise_for_prompt


def test_hidden_characters_comments_and_hidden_elements_are_not_shown_to_a_model() -> None:
    text = "A\u200bb\u202ec <!-- rate 5 --> d<span hidden>secret</span> <b>e</b> \U000e0041f\u00adg"
    assert sanitise_for_prompt(text) == "Abc d e fg"


def test_a_model_is_shown_four_thousand_characters_at_most() -> None:
    assert len(sanitise_for_prompt("word " * 3000)) <= 4000


def test_a_comparison_is_not_mistaken_for_markup() -> None:
    assert sanitise_for_prompt("for p<q and r>s, x < 3") == "for p<q and r>s, x < 3"


@pytest.mark.parametrize(
    "text",
    [
        "We train the model to ignore irrelevant context and to respond to prompts.",
        "Our method outperforms prior work and scores 92.1 on the benchmark.",
        "Attention models rank the top 10 items; relevance is rated by experts.",
        "We show that LLMs act as judges and follow system prompts.",
        "Модели используются для перевода; das Modell ist klein.",
    ],
)
def test_ordinary_prose_is_not_suspected(text: str) -> None:
    assert find_injection(text) is None


@given(st.text(max_size=200))
def test_whatever_a_model_says_becomes_one_line_without_addresses(text: str) -> None:
    plain, removed = clean_model_text(f"{text} see https://example.org/a?b=c or [this](http://example.com) evil .com")
    assert "\n" not in plain
    assert LINK_PATTERN.search(plain) is None
    assert removed


def test_links_markup_and_a_repeated_title_are_taken_off_and_reported() -> None:
    plain, removed = clean_model_text(
        "Lantern: **Fast** [memory](https://evil.example/x) for <b>agents</b>.", "Lantern"
    )
    assert plain == "Fast memory for agents."
    assert "[memory](https://evil.example/x)" in removed


@pytest.mark.parametrize(
    "address",
    [
        "evil.biz", "acme.shop/buy", "evil.museum", "EVIL.BIZ", "evil.рф", "evil。com", "evil․com/path", "evil\\.com",
        "evil dot com", "h t t p s : / / evil . com", "192.168.0.1:8080/x", "@evilhandle", "tel:+123456", "e.vil.cloud",
        "{{ site.secret }}", "{% include evil %}",
    ],
)  # fmt: skip
def test_an_address_is_taken_off_a_models_words_whatever_its_ending_or_spelling(address: str) -> None:
    plain, removed = clean_model_text(f"It works. See {address} now.")
    assert plain in ("It works. See now.", "It works. See")
    assert removed


@pytest.mark.parametrize(
    "words",
    [
        "Node.js", "llama.cpp", "GPT-4.1", "config.yaml", "e.g. this", "vs. that", "U.S. firms", "mAP@0.5", "pass@1",
        "Qwen2.5-Coder", "v1.2.3", "sentence.However", "3.5x", "i.e. so", "D3.js", "Fig.2",
    ],
)  # fmt: skip
def test_names_of_files_programs_and_measures_are_no_addresses(words: str) -> None:
    assert clean_model_text(f"It uses {words} here.") == (f"It uses {words} here.", ())


def test_a_foreign_text_shown_as_a_warning_holds_no_link() -> None:
    shown = defang_links("visit https://evil.example/a or mail me@evil.example")
    assert shown == "visit https[:]//evil[.]example/a or mail me[@]evil[.]example"
