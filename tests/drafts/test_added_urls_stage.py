"""Addresses typed into a draft become works at the next draft, check or approval; works they name twice are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digest.app import Workspace
from digest.db.items import load_items_by_key
from digest.drafts.archive import import_archive, read_archive
from digest.drafts.edit import add_typed_url, move_to_shortlist
from digest.drafts.editing import edit_draft, load_current_draft, prefetch_url
from digest.drafts.model import Draft, DraftCandidate
from digest.drafts.parser import parse_draft
from digest.drafts.storage import get_draft_path
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.urls import work_key
from tests.small import filled

PERIOD = "2025-06"
NOWHERE = "http://127.0.0.1:9/private"


@pytest.fixture
def drafted(tmp_path: Path) -> Iterator[Workspace]:
    with filled(tmp_path) as workspace:
        workspace.draft(PERIOD)
        edit(workspace, " -->\n\n## ", " -->\n\nWords of mine.\n\n## ")
        for section in sheet(workspace).sections:
            edit(workspace, f"{{#{section.slug}}}\n", f"{{#{section.slug}}}\n\nA line of mine.\n")
        yield workspace


def file(workspace: Workspace) -> Path:
    return get_draft_path(workspace.context, workspace.context.parse_period(PERIOD))


def edit(workspace: Workspace, old: str, new: str) -> None:
    text = file(workspace).read_text(encoding="utf-8")
    assert old in text
    file(workspace).write_text(text.replace(old, new, 1), encoding="utf-8")


def sheet(workspace: Workspace) -> Draft:
    return parse_draft(file(workspace).read_text(encoding="utf-8"))


def add(workspace: Workspace, line: str) -> str:
    """Type a line at the end of the last section; the section's slug."""
    edit(workspace, "---\n\n## Shortlist", f"{line}\n\n---\n\n## Shortlist")
    return sheet(workspace).sections[-1].slug


def where(workspace: Workspace, key: str) -> list[str]:
    return [section.slug for section, pick in sheet(workspace).iter_picks() if pick.key == key]


@pytest.mark.parametrize("command", ["draft", "approve"])
def test_a_work_that_is_a_pick_already_moves_and_the_draft_can_be_read(drafted: Workspace, command: str) -> None:
    key = next(pick.key for _, pick in sheet(drafted).iter_picks())
    slug = add(drafted, f"- <https://arxiv.org/pdf/{key.removeprefix('arxiv:')}v2> my words")
    drafted.draft(PERIOD) if command == "draft" else drafted.approve(PERIOD, accept_gaps=True)
    assert where(drafted, key) == [slug]
    assert next(pick for _, pick in sheet(drafted).iter_picks() if pick.key == key).blurb == "my words"


def test_an_address_that_cannot_be_read_is_told_and_stays_until_it_is_corrected(drafted: Workspace) -> None:
    add(drafted, f"- <{NOWHERE}> my words")
    report = drafted.draft(PERIOD)
    assert [problem.split(" waits")[0] for problem in report.problems] == [NOWHERE]
    assert [added.text for _, added in sheet(drafted).iter_added_urls()] == ["my words"]
    for command in (drafted.check, drafted.approve):
        with pytest.raises(CheckFailedError, match=f"{NOWHERE}, which the draft adds, cannot be read") as refused:
            command(PERIOD, accept_gaps=True)
        assert "correct the address in site/_drafts/2025-06.md" in refused.value.message
    edit(drafted, f"- <{NOWHERE}> my words", "")
    drafted.approve(PERIOD, accept_gaps=True)


def test_a_dry_run_asks_nobody(drafted: Workspace) -> None:
    add(drafted, f"- <{NOWHERE}> my words")
    assert drafted.draft(PERIOD, dry_run=True).problems == []


def test_the_check_sees_ticked_lines_as_the_approval_does(drafted: Workspace) -> None:
    line = DraftCandidate("arxiv:2506.00001", "Any")
    file(drafted).write_text(render_draft(replace(sheet(drafted), sections=(), shortlist=(line,))), encoding="utf-8")
    with pytest.raises(CheckFailedError, match="there are no picks"):
        drafted.check(PERIOD, accept_gaps=True)
    edit(drafted, "- [ ]", "- [x]")
    drafted.check(PERIOD, accept_gaps=True)


def test_a_ticked_line_has_text_after_the_next_draft(drafted: Workspace) -> None:
    key = next(pick.key for _, pick in sheet(drafted).iter_picks())
    chosen = move_to_shortlist(sheet(drafted), DraftCandidate(key, "Its title"), " ")
    file(drafted).write_text(render_draft(chosen).replace("- [ ]", "- [x]", 1), encoding="utf-8")
    drafted.draft(PERIOD)
    pick = next(pick for _, pick in sheet(drafted).iter_picks() if pick.key == key)
    assert (pick.origin, bool(pick.blurb)) == ("source", True)


def test_what_an_earlier_issue_had_is_known_by_the_store_whatever_the_draft_says(
    drafted: Workspace, tmp_path: Path
) -> None:
    pick = next(pick for _, pick in sheet(drafted).iter_picks())
    links = "\n".join(f"{n}. [Older work {n}](https://old.example/{n}) words" for n in range(6))
    past = f"# Digest of May 2025\n\n## Agents\n\n{links}\n\n## Safety\n\n1. [{pick.title}]({pick.url}) it was here\n"
    (tmp_path / "past.md").write_text(past + links.replace("old", "older"), encoding="utf-8")
    import_archive(drafted.context, read_archive(drafted.context, [str(tmp_path / "past.md")], {}))
    with pytest.raises(CheckFailedError, match="already covered in 2025-05") as refused:
        drafted.check(PERIOD, accept_gaps=True)
    assert "`> Update of 2025-05`" in refused.value.message
    edit(drafted, "</small>\n", "</small>\n\n> Update of 2025-05\n")
    drafted.check(PERIOD, accept_gaps=True)


def test_an_address_added_at_the_desk_is_its_work_at_once_where_the_store_knows_it(drafted: Workspace) -> None:
    period = drafted.context.parse_period(PERIOD)
    key = next(pick.key for _, pick in sheet(drafted).iter_picks())
    slug, version = sheet(drafted).sections[-1].slug, load_current_draft(drafted.context, period).version
    url = f"https://arxiv.org/pdf/{key.removeprefix('arxiv:')}"
    edit_draft(drafted.context, period, version, lambda here: add_typed_url(here, slug, url, "my words"))
    assert where(drafted, key) == [slug]
    assert list(sheet(drafted).iter_added_urls()) == []


def test_an_address_that_nobody_can_read_now_is_left_for_later(drafted: Workspace) -> None:
    prefetch_url(drafted.context, NOWHERE)
    with drafted.context.db.read() as session:
        assert load_items_by_key(session, [work_key(NOWHERE)]) == {}
