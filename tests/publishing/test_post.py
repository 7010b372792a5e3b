"""The post: front matter, item lines, labels."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml

from digest.errors import RenderError
from digest.publishing.issue_view import Neighbour, SectionView
from digest.publishing.render.post import render_post_pages
from tests.publishing.samples import NEWSLETTER, issue, pick


def body(**changes: object) -> str:
    return render_post_pages(issue(**changes), NEWSLETTER)[0].body.decode()  # type: ignore[arg-type]


def one(**changes: object) -> str:
    """The post of an issue with one pick."""
    return body(sections=[SectionView("models", "Models", "models", picks=[pick(1, **changes)])])


def test_the_path_is_the_day_of_publication_and_the_period() -> None:
    assert render_post_pages(issue(), NEWSLETTER)[0].path == "_posts/2025-07-03-2025-06.md"


def test_front_matter_survives_any_title() -> None:
    title = 'Foo: "bar" # {{ x }} \' -- é 字'
    front = body(title=title, previous=Neighbour(title, "/2025/05/digest/")).split("---\n")[1]
    read = yaml.safe_load(front)
    assert read["title"] == title
    assert read["previous_issue"] == {"title": title, "path": "/2025/05/digest/"}
    assert read["permalink"] == "/2025/06/digest/"


def test_a_pick_shows_title_link_authors_venue_date_blurb_and_small_links() -> None:
    text = one()
    assert "### [Work number 1](https://arxiv.org/abs/2506.00001) {#arxiv-2506-00001}" in text
    assert "Ada Lovelace et al. · arXiv 2506.00001 · 12 Jun" in text
    assert "[PDF](https://arxiv.org/pdf/2506.00001)" in text


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "> We present an engine"),
        ({"origin": "model", "grounding_status": "quoted", "engine": "gemini:x"}, "> We present an engine"),
        ({"origin": "model", "grounding_status": "grounded", "engine": "gemini:flash-9"}, "Written by flash-9:"),
        ({"update_of": "2025-03"}, "Update: already covered in March 2025"),
        ({"withdrawn": date(2025, 7, 2)}, "Withdrawn on 2 July 2025"),
    ],
)
def test_labels_name_the_model_and_a_quotation_is_set_as_one(changes: dict[str, object], shown: str) -> None:
    assert shown in one(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"origin": "editor", "grounding_status": "editor"}, {"confidence": 0.3, "second_guess": "agents"}, {"blurb": ""}],
)
def test_neither_a_doubt_of_the_tagger_nor_a_label_is_published(changes: dict[str, object]) -> None:
    text = one(**changes)
    assert "Models?" not in text
    assert "Perhaps" not in text
    assert 'class="label"' not in text


def test_the_colophon_states_the_facts_of_its_page() -> None:
    text = render_post_pages(issue(), NEWSLETTER)[0].body.decode()
    assert "3 picks chosen by Ana Ferrer from 8,123 works read." in text
    assert "Texts quoted from their sources: 3." in text
    own = render_post_pages(issue(colophon="Made by *hand*."), NEWSLETTER)[0].body.decode()
    assert "Made by" in own
    assert " *hand*" not in own
    assert "chosen by" not in own
    assert "how" not in re.findall(
        r"\{#(\w+)\}", render_post_pages(issue(colophon="none"), NEWSLETTER)[0].body.decode()
    )


@pytest.mark.parametrize(("shown", "figures", "sources"), [("none", 0, 0), ("brief", 1, 0), ("table", 1, 1)])
def test_figures_are_shown_as_the_site_wants_them(shown: str, figures: int, sources: int) -> None:
    text = render_post_pages(issue(show_numbers=shown), NEWSLETTER)[0].body.decode()
    assert (text.count("{: .figures}"), text.count("{: .sources}")) == (figures, sources)


def test_every_anchor_in_the_contents_exists() -> None:
    text = body()
    wanted = set(re.findall(r"\]\(#([\w-]+)\)", text))
    assert wanted
    assert wanted <= set(re.findall(r"\{:?#([\w-]+)\}", text))


def test_no_liquid_is_left_in_a_hostile_issue() -> None:
    evil = "{{ site.title }} {% raw %} {% endraw %}"
    text = body(
        title=evil, intro=evil, outro=f"`{evil}`", corrections=[{"at": evil, "text": evil}], engines=[evil], notice=evil
    ).split("---\n", 2)[2]
    assert "{{" not in text
    assert "{%" not in text


def test_a_template_of_the_users_that_names_the_unknown_says_file_line_and_names() -> None:
    with pytest.raises(RenderError) as caught:
        render_post_pages(issue(), NEWSLETTER, {"post.md.j2": "a\n{{ view.titel }}\n"})
    assert str(caught.value).startswith("post.md.j2:2: IssueView has no 'titel' (did you mean 'title'?)")
    assert "view" in caught.value.hint


@pytest.mark.parametrize(
    "reach",
    [
        "view.picks.__func__.__globals__",
        "view.__class__",
        "view._x",
        "''.__class__.__mro__",
        "words.__init__.__globals__",
        "shown.blocks.append(1)",
        "view.numbers.update({'read': 1})",
    ],
)
def test_a_template_cannot_reach_python_nor_change_anything(reach: str) -> None:
    with pytest.raises(RenderError):
        render_post_pages(issue(), NEWSLETTER, {"post.md.j2": "{{ " + reach + " }}"})


@pytest.mark.parametrize(
    ("slip", "said", "hint"),
    [
        ("{% include 'itme.md.j2' %}", "no template is called 'itme.md.j2'", "digest templates list"),
        ("{{ view.title | shout }}", "No filter named 'shout'", "known filters: "),
        ("{% include 'post.md.j2' %}", "includes itself", "take out"),
    ],
)
def test_a_template_that_names_no_filter_no_template_or_itself_says_so(slip: str, said: str, hint: str) -> None:
    with pytest.raises(RenderError) as caught:
        render_post_pages(issue(), NEWSLETTER, {"post.md.j2": f"a\n{slip}"})
    assert said in str(caught.value)
    assert hint in caught.value.hint
    assert str(caught.value).startswith("post.md.j2")


def test_a_template_with_a_slip_names_its_line() -> None:
    with pytest.raises(RenderError) as caught:
        render_post_pages(issue(), NEWSLETTER, {"item.md.j2": "ok\n{% if %}\n"})
    assert (caught.value.template, caught.value.line) == ("item.md.j2", 2)
