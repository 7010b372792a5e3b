"""The embedded tagger on titles anybody can look up: default categories, the owner's own, corrections, abstention."""

from __future__ import annotations

from typing import Any

import pytest

from digest.config.schema import Category, Taxonomy
from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from digest.protocols import Classification, TagInput
from digest.tagging.embedded import EmbeddedTagger

QUANTUM = Category(
    slug="quantum",
    title="Quantum computing",
    description="Quantum computers: qubits, error correction, quantum circuits and algorithms, quantum advantage.",
    exemplars=(
        "Quantum error correction below the surface code threshold",
        "Quantum supremacy using a programmable superconducting processor",
        "Quantum Computing in the NISQ era and beyond",
    ),
)
ABOUT_QUANTUM = [
    TagInput("Evidence for the utility of quantum computing before fault tolerance"),
    TagInput("Logical quantum processor based on reconfigurable atom arrays"),
    TagInput("Variational quantum algorithms for noisy qubits"),
]
ABOUT_JAILBREAKS = TagInput("Universal and Transferable Adversarial Attacks on Aligned Language Models")
ABOUT_RAG = TagInput("Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks")


def with_category(taxonomy: Taxonomy, extra: Category) -> Taxonomy:
    return taxonomy.model_copy(update={"categories": (*taxonomy.categories, extra)})


def categories(tagger: EmbeddedTagger, inputs: list[TagInput]) -> list[str]:
    return [verdict.category for verdict in tagger.tag(inputs)]


def test_four_of_five_golden_titles_are_sorted_right_from_the_title_alone(taxonomy: Taxonomy) -> None:
    papers = parse_labelled_papers(read_golden_set())
    said = categories(EmbeddedTagger(taxonomy), [paper.item for paper in papers])
    assert sum(s in paper.acceptable for s, paper in zip(said, papers, strict=True)) >= 0.8 * len(papers)


def test_the_golden_set_holds_twenty_distinct_titles_of_each_category(taxonomy: Taxonomy) -> None:
    papers = parse_labelled_papers(read_golden_set())
    assert len({paper.key for paper in papers}) == len({paper.item.title for paper in papers}) == len(papers) >= 160
    for slug in taxonomy.slugs:
        assert sum(paper.acceptable == (slug,) for paper in papers) >= 20


def test_verdicts_come_in_order_and_do_not_depend_on_their_company(taxonomy: Taxonomy) -> None:
    tagger = EmbeddedTagger(taxonomy)
    inputs = [ABOUT_RAG, ABOUT_JAILBREAKS, *ABOUT_QUANTUM] * 3
    together = tagger.tag(inputs)
    assert together == [tagger.tag([item])[0] for item in inputs]
    assert [v.category for v in together[:2]] == ["rag", "safety"]


def test_nothing_to_tag_gives_no_verdicts(taxonomy: Taxonomy) -> None:
    assert EmbeddedTagger(taxonomy).tag([]) == []


@pytest.mark.parametrize("title", ["", "   ", "§ ¶ †", "Ω" * 5000, "Зимний вечер", "{{ evil }} | \x00"])
def test_text_without_known_words_is_other_or_unsure_and_never_an_error(taxonomy: Taxonomy, title: str) -> None:
    [verdict] = EmbeddedTagger(taxonomy).tag([TagInput(title)])
    assert verdict.confidence < 0.7


def test_below_the_threshold_a_verdict_is_other_and_keeps_its_guess(taxonomy: Taxonomy) -> None:
    strict = taxonomy.model_copy(update={"threshold": 1.0})
    [verdict] = EmbeddedTagger(strict).tag([ABOUT_RAG])
    assert (verdict.category, verdict.secondary) == ("other", "rag")


def test_a_threshold_of_zero_never_abstains(taxonomy: Taxonomy) -> None:
    loose = taxonomy.model_copy(update={"threshold": 0.0})
    assert "other" not in categories(EmbeddedTagger(loose), [TagInput(""), TagInput("Hello"), ABOUT_RAG])


def test_a_second_guess_is_never_the_first(taxonomy: Taxonomy) -> None:
    for verdict in EmbeddedTagger(taxonomy).tag([paper.item for paper in parse_labelled_papers(read_golden_set())]):
        assert verdict.secondary != verdict.category
        assert 0 <= verdict.confidence <= 1


def test_a_category_of_the_owners_works_from_a_description_and_three_titles(taxonomy: Taxonomy) -> None:
    tagger = EmbeddedTagger(with_category(taxonomy, QUANTUM))
    assert categories(tagger, ABOUT_QUANTUM) == ["quantum"] * 3


def test_a_category_of_the_owners_leaves_the_rest_alone(taxonomy: Taxonomy) -> None:
    inputs = [paper.item for paper in parse_labelled_papers(read_golden_set())]
    before = categories(EmbeddedTagger(taxonomy), inputs)
    after = categories(EmbeddedTagger(with_category(taxonomy, QUANTUM)), inputs)
    moved = [(i.title, a) for i, b, a in zip(inputs, before, after, strict=True) if a != b]
    assert len(moved) <= 2, moved


def test_a_taxonomy_wholly_of_the_owners_sorts_by_its_own_words() -> None:
    garden = Category(
        slug="garden", title="Gardens", description="Growing vegetables, flowers, soil, seeds and pruning roses"
    )
    money = Category(
        slug="money", title="Money", description="Interest rates, banks, bonds, inflation and stock markets"
    )
    tagger = EmbeddedTagger(Taxonomy(threshold=0, categories=(garden, money)))
    inputs = [TagInput("When to sow tomato seeds in cold soil"), TagInput("Central bank raises interest rates again")]
    assert categories(tagger, inputs) == ["garden", "money"]


def test_a_known_slug_with_another_meaning_follows_its_description(taxonomy: Taxonomy) -> None:
    fashion = Category(
        slug="models",
        title="Fashion models",
        description="Catwalks, fashion shows, photographers and the people who wear the clothes.",
    )
    others = tuple(c for c in taxonomy.categories if c.slug != "models")
    tagger = EmbeddedTagger(taxonomy.model_copy(update={"categories": (fashion, *others)}))
    assert "models" not in categories(tagger, [TagInput("Llama 2: Open Foundation and Fine-Tuned Chat Models")])


def test_a_keyword_in_the_title_speaks_for_a_category_of_the_owners(taxonomy: Taxonomy) -> None:
    def confidence(**more: Any) -> Classification:
        category = Category(slug="chips", title="Chips", description="Processors that run neural networks", **more)
        tagger = EmbeddedTagger(with_category(taxonomy, category).model_copy(update={"threshold": 0}))
        return tagger.tag([TagInput("Wafer-scale engines in the datacenter")])[0]

    assert confidence(keywords=("wafer",)).category == "chips"
    assert confidence().category != "chips" or confidence().confidence <= confidence(keywords=("wafer",)).confidence


LESSONS = [
    "Sparse autoencoders find interpretable features in language models",
    "Scaling sparse autoencoders to frontier language models",
    "Interpreting attention heads with sparse autoencoders",
    "Transcoders find interpretable circuits in language models",
]


def test_after_corrections_similar_items_move_and_others_do_not(taxonomy: Taxonomy) -> None:
    similar = [
        TagInput("Gated sparse autoencoders find better interpretable features"),
        TagInput("Sparse autoencoders reveal interpretable features in a large language model"),
    ]
    plain = EmbeddedTagger(taxonomy)
    assert "safety" not in categories(plain, similar)
    taught = EmbeddedTagger(taxonomy, [(TagInput(title), "safety") for title in LESSONS])
    assert categories(taught, similar) == ["safety", "safety"]
    apart = [paper.item for paper in parse_labelled_papers(read_golden_set())]
    before, after = categories(plain, apart), categories(taught, apart)
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= 2


def test_a_corrected_item_itself_gets_what_the_editor_said(taxonomy: Taxonomy) -> None:
    [verdict] = EmbeddedTagger(taxonomy, [(ABOUT_JAILBREAKS, "eval")]).tag([ABOUT_JAILBREAKS])
    assert verdict.category == "eval"


def test_a_correction_that_says_what_the_tagger_said_changes_little(taxonomy: Taxonomy) -> None:
    [before] = EmbeddedTagger(taxonomy).tag([ABOUT_RAG])
    [after] = EmbeddedTagger(taxonomy, [(ABOUT_RAG, "rag")]).tag([ABOUT_RAG])
    assert after.category == before.category
    assert after.confidence >= before.confidence


def test_a_correction_to_a_category_that_is_gone_is_passed_over(taxonomy: Taxonomy) -> None:
    taught = EmbeddedTagger(taxonomy, [(ABOUT_RAG, "long-gone")])
    assert taught.tag([ABOUT_RAG]) == EmbeddedTagger(taxonomy).tag([ABOUT_RAG])


LAW = Category(
    slug="law",
    title="Law",
    description="Language models for law: courts, contracts, statutes, judgments and lawyers.",
    exemplars=(
        "LegalBench: A Collaboratively Built Benchmark for Measuring Legal Reasoning in Large Language Models",
        "ChatLaw: Open-Source Legal Large Language Model",
    ),
)


def test_words_that_half_of_all_papers_have_make_no_item_the_owners(taxonomy: Taxonomy) -> None:
    tagger = EmbeddedTagger(with_category(taxonomy, LAW))
    elsewhere = [
        TagInput("StatEval: A Comprehensive Benchmark for Large Language Models in Statistics"),
        TagInput("NorwAI's Large Language Models: Technical Report"),
        TagInput("Measuring Massive Multitask Language Understanding"),
        TagInput("Language Modeling by Language Models"),
    ]
    assert "law" not in categories(tagger, elsewhere)
    belong = [
        TagInput("LLMs in Interpreting Legal Documents"),
        TagInput("Predicting court judgments from the facts of a case"),
        TagInput("Drafting contracts with language models: what lawyers think"),
    ]
    assert categories(tagger, belong) == ["law"] * 3


def test_every_shipped_exemplar_is_tagged_as_its_category(taxonomy: Taxonomy) -> None:
    tagger = EmbeddedTagger(taxonomy)
    for category in taxonomy.categories:
        verdicts = tagger.tag([TagInput(title) for title in category.exemplars])
        assert {verdict.category for verdict in verdicts} == {category.slug}


def test_a_title_among_the_exemplars_of_a_shipped_category_moves_it_and_its_like(taxonomy: Taxonomy) -> None:
    title = "Speculative decoding with a small draft model"
    moved = taxonomy.model_copy(
        update={
            "categories": tuple(
                c.model_copy(update={"exemplars": (*c.exemplars, title)}) if c.slug == "safety" else c
                for c in taxonomy.categories
            )
        }
    )
    assert EmbeddedTagger(taxonomy).tag([TagInput(title)])[0].category != "safety"
    assert EmbeddedTagger(moved).tag([TagInput(title)])[0].category == "safety"


def test_a_keyword_of_a_shipped_category_puts_it_ahead(taxonomy: Taxonomy) -> None:
    keyed = taxonomy.model_copy(
        update={
            "categories": tuple(
                c.model_copy(update={"keywords": ("speculative",)}) if c.slug == "eval" else c
                for c in taxonomy.categories
            )
        }
    )
    item = TagInput("Speculative decoding with a small draft model")
    verdict = EmbeddedTagger(keyed).tag([item])[0]
    assert "eval" in (verdict.category, verdict.secondary)
    assert EmbeddedTagger(taxonomy).tag([item])[0].category != "eval"
