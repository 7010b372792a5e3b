"""Author lists are cut into names, and names and titles compare across spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.names import build_name_keys, build_title_key, extract_surname, split_names


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (["Ada Lovelace", "Alan Turing"], ["Ada Lovelace", "Alan Turing"]),
        (["Ada Lovelace, Alan Turing and Grace Hopper"], ["Ada Lovelace", "Alan Turing", "Grace Hopper"]),
        (["Lovelace, Ada; Turing, Alan"], ["Ada Lovelace", "Alan Turing"]),
        (["ada@example.org (Ada Lovelace)"], ["Ada Lovelace"]),
        (["Ada Lovelace (Analytical Engine Lab)"], ["Ada Lovelace"]),
        (["By Ada Lovelace"], ["Ada Lovelace"]),
        (["Martin Luther King, Jr."], ["Martin Luther King, Jr."]),
        (["Research and Development"], ["Research and Development"]),
        (["<b>Ada</b> Lovelace", "Ada Lovelace"], ["Ada Lovelace"]),
        (["OpenAI"], ["OpenAI"]),
        (["", "  "], []),
    ],
)
def test_names_are_cut_out_of_what_feeds_give(listed: list[str], names: list[str]) -> None:
    assert split_names(listed) == names


def test_surnames_are_compared_without_accents_and_suffixes() -> None:
    assert extract_surname("Jürgen Müller") == extract_surname("J. MULLER") == "muller"
    assert extract_surname("Martin Luther King, Jr.") == "king"
    assert build_name_keys(["Wei Xu"]) != build_name_keys(["Yan Xu"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E²Rank: Your Text", "E^2Rank – your  text"),
        ("Ask Don’t Tell", "ask don't tell"),
        ("Naïve Bayes!", "naive bayes"),
    ],
)
def test_title_keys_ignore_case_accents_and_signs(one: str, other: str) -> None:
    assert build_title_key(one).replace(" ", "") == build_title_key(other).replace(" ", "")


def test_a_plus_sign_tells_titles_apart() -> None:
    assert build_title_key("SAM 2++") != build_title_key("SAM 2")


@given(st.lists(st.text()))
def test_any_list_of_authors_gives_names_without_edges(listed: list[str]) -> None:
    names = split_names(listed)
    assert all(name and name == name.strip() for name in names)
    assert len(names) == len(set(names))
