"""What a merge promises for any three drafts of one month."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.drafts.merge import merge_drafts
from digest.drafts.model import AddedUrl, Draft
from tests.drafts.families import family

many = settings(max_examples=120, deadline=None)
seeds = st.integers(0, 2**40)


@many
@given(seeds)
def test_an_untouched_draft_is_replaced_by_the_new_one(seed: int) -> None:
    made = family(seed)
    assert merge_drafts(made.base, made.base, made.new) == (made.new, [])


@many
@given(seeds)
def test_when_nothing_new_was_generated_the_editors_draft_stays_as_it_is(seed: int) -> None:
    made = family(seed)
    assert merge_drafts(made.base, made.mine, made.base) == (made.mine, [])


@many
@given(seeds)
def test_no_word_of_the_editor_is_lost(seed: int) -> None:
    made = family(seed)
    merged, _ = merge_drafts(made.base, made.mine, made.new)
    assert _words(made.mine) - _words(made.base) <= _words(merged)


@many
@given(seeds)
def test_what_the_editor_removed_stays_removed(seed: int) -> None:
    made = family(seed)
    merged, _ = merge_drafts(made.base, made.mine, made.new)
    assert not (_keys(made.base) - _keys(made.mine)) & _keys(merged)


@many
@given(seeds)
def test_what_the_editor_picked_stays_picked_where_it_was_put(seed: int) -> None:
    made = family(seed)
    merged, _ = merge_drafts(made.base, made.mine, made.new)
    before = _places(made.base)
    moved = {pair for pair in _places(made.mine) if pair not in before}
    assert moved <= _places(merged)


@many
@given(seeds)
def test_new_works_appear_once_each(seed: int) -> None:
    made = family(seed)
    merged, _ = merge_drafts(made.base, made.mine, made.new)
    fresh = _keys(made.new) - _keys(made.base)
    keys = [pick.key for _, pick in merged.iter_picks()] + [line.key for line in merged.shortlist]
    assert fresh <= set(keys)
    assert len(keys) == len(set(keys))


@many
@given(seeds)
def test_every_conflict_is_shown_in_the_draft(seed: int) -> None:
    made = family(seed)
    merged, told = merge_drafts(made.base, made.mine, made.new)
    shown = {*merged.conflicts, *(c for _, pick in merged.iter_picks() for c in pick.conflicts)}
    assert {(c.field, c.generated) for c in told} <= {(c.field, c.text) for c in shown}


@many
@given(seeds)
def test_merging_again_changes_nothing(seed: int) -> None:
    made = family(seed)
    merged, _ = merge_drafts(made.base, made.mine, made.new)
    assert merge_drafts(made.new, merged, made.new) == (merged, [])


def _words(sheet: Draft) -> set[str]:
    """Every text that an editor can have written."""
    said = {sheet.intro, sheet.outro, sheet.scratch, sheet.title}
    said |= {note.comment for note in sheet.predictions} | {line.editor_text for line in sheet.shortlist}
    for section in sheet.sections:
        said |= {section.intro, section.closing}
        said |= {entry.text for entry in section.entries if isinstance(entry, AddedUrl)}
    return said | {
        text for _, pick in sheet.iter_picks() if pick.origin == "editor" for text in (pick.blurb, pick.highlight or "")
    }


def _keys(sheet: Draft) -> set[str]:
    return {pick.key for _, pick in sheet.iter_picks()} | {line.key for line in sheet.shortlist}


def _places(sheet: Draft) -> set[tuple[str, str]]:
    return {(section.slug, pick.key) for section, pick in sheet.iter_picks()}
