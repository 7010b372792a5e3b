"""What is not of the categories' world is `other`, abstract or not; news about AI and papers are left as they are."""

from __future__ import annotations

import pytest

from digest.config.schema import Category, Taxonomy
from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from digest.protocols import TagInput
from digest.tagging.embedded import EmbeddedTagger
from digest.tagging.weights import load_shipped_weights

ELSEWHERE = [
    ("How to bake sourdough bread", "Mix flour, water and salt, let the dough rest overnight and bake it until brown."),
    ("City council votes on parking rules", "The council decided on Tuesday that parking will cost two euros an hour."),
    (
        "Ten best beaches in Portugal",
        "White sand, warm water and good fish: readers chose places for a summer holiday.",
    ),
    ("Weather for the weekend", "Rain on Saturday, sunshine on Sunday with highs of twenty degrees."),
    ("Film review: a quiet winter", "The director's second film is slow, cold and beautiful."),
    ("The history of aqueducts", "How engineers of antiquity brought water over valleys and hills to the cities."),
    ("检索增强生成综述", "面向大语言模型的检索增强生成"),
    ("🤖🤖🤖", "🤖"),
]
NEWS = [
    ("Anthropic raises ten billion dollars", ""),
    ("OpenAI opens a ChatGPT for doctors", "The service starts on Tuesday in three countries."),
    ("What the law wants of AI from August", "Rules for general purpose models apply; fines may be high."),
    ("A robot that folds laundry", "It takes ten minutes for a shirt, and one in four comes out well."),
]


@pytest.mark.parametrize(("title", "text"), ELSEWHERE, ids=[title for title, _ in ELSEWHERE])
def test_a_text_of_another_world_is_other_however_long_it_is(taxonomy: Taxonomy, title: str, text: str) -> None:
    for body in (text, " ".join([text] * 20)):
        [verdict] = EmbeddedTagger(taxonomy).tag([TagInput(title, body)])
        assert verdict.category == "other"
        assert verdict.secondary in taxonomy.slugs


@pytest.mark.parametrize(("title", "text"), NEWS, ids=[title for title, _ in NEWS])
def test_news_about_ai_in_everyday_words_is_still_sorted(title: str, text: str) -> None:
    assert load_shipped_weights().domain_detector.compute_probability(TagInput(title, text)) > 0.95


def test_known_titles_are_of_the_world_the_tagger_learned_in() -> None:
    chances = [
        load_shipped_weights().domain_detector.compute_probability(paper.item)
        for paper in parse_labelled_papers(read_golden_set())
    ]
    assert sum(chance > 0.95 for chance in chances) >= 0.95 * len(chances)


def test_a_text_without_a_readable_word_has_no_chance() -> None:
    for title in ("", "   ", "§ ¶ †", "Ω" * 5000, "\x00"):
        assert load_shipped_weights().domain_detector.compute_probability(TagInput(title)) == 0


def test_a_category_of_the_owners_takes_what_is_of_its_own_world(taxonomy: Taxonomy) -> None:
    baking = Category(
        slug="baking",
        title="Baking",
        description="Bread, dough, flour, ovens and cakes: how to bake at home.",
        exemplars=("Rye bread with a starter", "Why dough must rest"),
    )
    wider = taxonomy.model_copy(update={"categories": (*taxonomy.categories, baking)})
    [verdict] = EmbeddedTagger(wider).tag([TagInput(*ELSEWHERE[0])])
    assert verdict.category == "baking"


def test_what_the_editor_sorted_by_hand_is_not_doubted_for_its_words(taxonomy: Taxonomy) -> None:
    bread = TagInput(*ELSEWHERE[0])
    [verdict] = EmbeddedTagger(taxonomy, [(bread, "applications")]).tag([bread])
    assert verdict.category == "applications"
