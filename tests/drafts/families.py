"""Three drafts of one month, made from a seed: last generated, edited by hand, newly generated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from digest.drafts.edit import apply_marks
from digest.drafts.model import AddedUrl, Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection
from tests.drafts.drafts import WHEN

_SLUGS = ("models", "agents", "safety", "eval")


@dataclass(frozen=True, slots=True)
class Family:
    base: Draft
    mine: Draft
    new: Draft


def family(seed: int) -> Family:
    """The three drafts of a seed; `new` is a generation of its own, `mine` an edit of `base`."""
    dice = Random(seed)
    base = generated(dice, "old")
    return Family(base, edited(dice, base), generated(dice, "new"))


def generated(dice: Random, tone: str) -> Draft:
    """What the program could write of twelve works: each a pick, a candidate or left out."""
    keys = [f"arxiv:2510.{n:05d}" for n in range(12)]
    dice.shuffle(keys)
    slugs = [slug for slug in _SLUGS if dice.random() < 0.8] or ["models"]
    cut, end = dice.randint(0, 6), dice.randint(6, 12)
    groups: dict[str, list[DraftPick]] = {slug: [] for slug in slugs}
    for key in keys[:cut]:
        groups[dice.choice(slugs)].append(_proposed(dice, key, tone))
    sections = (DraftSection(s, s.title(), closing=_some(dice, "", tone), entries=tuple(groups[s])) for s in slugs)
    return Draft(
        "2026-10",
        f"Digest {_some(dice, '', tone)}",
        WHEN,
        intro=_some(dice, "", f"{tone} intro"),
        sections=tuple(sections),
        predictions=tuple(DraftPrediction(n, f"bet {n}") for n in range(3) if dice.random() < 0.7),
        shortlist=tuple(_listed(dice, key) for key in keys[cut:end]),
    )


def _proposed(dice: Random, key: str, tone: str) -> DraftPick:
    text = dice.choice(["", f"{tone} blurb {key}", f"same blurb {key}"])
    flags = ("90 %",) if dice.random() < 0.2 else ()
    return DraftPick(
        key, f"Work {key}", "https://x.org/", _some(dice, "facts", tone), text, "source", "abstract", flags
    )


def _listed(dice: Random, key: str) -> DraftCandidate:
    return DraftCandidate(key, f"Work {key}", "https://x.org/", category=dice.choice(_SLUGS), score=dice.random())


def _some(dice: Random, *choices: Any) -> Any:
    return dice.choice(choices)


def edited(dice: Random, sheet: Draft) -> Draft:
    """Up to eight edits of an editor's kind, then settled."""
    for _ in range(dice.randint(0, 8)):
        sheet = dice.choice(_EDITS)(dice, sheet)
    return apply_marks(sheet, {slug: slug.title() for slug in _SLUGS})


def _with_section(dice: Random, sheet: Draft, change: Any) -> Draft:
    if not sheet.sections:
        return sheet
    here = dice.randrange(len(sheet.sections))
    sections = list(sheet.sections)
    sections[here] = change(sections[here])
    return replace(sheet, sections=tuple(sections))


def _rewrite(dice: Random, sheet: Draft) -> Draft:
    def change(section: DraftSection) -> DraftSection:
        entries = tuple(
            replace(e, blurb=f"hand {dice.random()}", origin="editor", engine="", flags=())
            if isinstance(e, DraftPick) and dice.random() < 0.5
            else e
            for e in section.entries
        )
        return replace(section, entries=entries)

    return _with_section(dice, sheet, change)


def _label(dice: Random, sheet: Draft) -> Draft:
    def change(section: DraftSection) -> DraftSection:
        entries = (
            replace(e, highlight=_some(dice, None, f"why {dice.random()}"), note=_some(dice, True, False), title="Own")
            if isinstance(e, DraftPick) and dice.random() < 0.5
            else e
            for e in section.entries
        )
        return replace(section, entries=tuple(entries))

    return _with_section(dice, sheet, change)


def _shuffle(dice: Random, sheet: Draft) -> Draft:
    return _with_section(dice, sheet, lambda s: replace(s, entries=tuple(dice.sample(s.entries, len(s.entries)))))


def _drop(dice: Random, sheet: Draft) -> Draft:
    return _with_section(dice, sheet, lambda s: replace(s, entries=s.entries[:-1]))


def _prose(dice: Random, sheet: Draft) -> Draft:
    return _with_section(dice, sheet, lambda s: replace(s, intro=f"prose {dice.random()}"))


def _add(dice: Random, sheet: Draft) -> Draft:
    added = AddedUrl(f"https://own.org/{dice.randint(0, 2)}", f"mine {dice.random()}")
    return _with_section(dice, sheet, lambda s: replace(s, entries=(added, *s.entries)))


def _head(dice: Random, sheet: Draft) -> Draft:
    return replace(sheet, intro=f"own intro {dice.random()}", title="Own title", scratch=f"later {dice.random()}")


def _move(dice: Random, sheet: Draft) -> Draft:
    picks = [pick for _, pick in sheet.iter_picks()]
    if not picks:
        return sheet
    chosen = dice.choice(picks)
    emptied = tuple(replace(s, entries=tuple(e for e in s.entries if e != chosen)) for s in sheet.sections)
    return _with_section(dice, replace(sheet, sections=emptied), lambda s: replace(s, entries=(*s.entries, chosen)))


def _mark(dice: Random, sheet: Draft) -> Draft:
    lines = (
        replace(c, mark=_some(dice, " ", "-", "x"), editor_text=_some(dice, "", f"w {dice.random()}"))
        for c in sheet.shortlist
    )
    return replace(sheet, shortlist=tuple(lines))


def _lift(dice: Random, sheet: Draft) -> Draft:
    if not sheet.shortlist:
        return sheet
    first, *rest = dice.sample(sheet.shortlist, len(sheet.shortlist))
    sheet = replace(sheet, shortlist=tuple(rest))
    return _with_section(dice, sheet, lambda s: replace(s, entries=(first.to_pick(), *s.entries)))


def _unlist(dice: Random, sheet: Draft) -> Draft:
    return replace(sheet, shortlist=sheet.shortlist[1:])


def _own_section(dice: Random, sheet: Draft) -> Draft:
    if any(section.slug == "own" for section in sheet.sections):
        return sheet
    own = DraftSection("own", "Own", f"own words {dice.random()}")
    return replace(sheet, sections=(own, *sheet.sections))


def _close(dice: Random, sheet: Draft) -> Draft:
    return replace(sheet, sections=sheet.sections[:-1]) if len(sheet.sections) > 1 else sheet


def _answer(dice: Random, sheet: Draft) -> Draft:
    return replace(
        sheet, predictions=tuple(replace(n, outcome="wrong", comment=f"n {dice.random()}") for n in sheet.predictions)
    )


_EDITS = (
    _rewrite, _label, _shuffle, _drop, _prose, _add, _head, _move, _mark, _lift, _unlist, _own_section, _close, _answer
)  # fmt: skip
