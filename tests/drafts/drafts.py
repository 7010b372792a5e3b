"""Sheets for the tests: one that a person could have, and hypothesis' strategies for any."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

from hypothesis import strategies as st

from digest.drafts.model import (
    AddedUrl,
    BlurbOrigin,
    Conflict,
    Draft,
    DraftCandidate,
    DraftPick,
    DraftPrediction,
    DraftSection,
)
from digest.drafts.syntax import normalise_paragraphs, normalise_prose
from digest.markdown.escape import encode_link
from digest.text import normalise_line

WHEN = datetime(2026, 10, 31, tzinfo=UTC)

NASTY = [
    "---",
    "## Shortlist {#digest:shortlist}",
    "### [a](https://x.org) <!-- key=arxiv:1 -->",
    "- [x] tick <!-- key=a -->",
    "- <https://x.org> words",
    "<!-- digest: help",
    "<!-- conflict blurb: x",
    "-->",
    "<small>small</small>",
    "> Highlight: why",
    "> Also noted",
    "> Closing: end",
    "<!---->---",
    "<!----><!---->## x",
    "*From the abstract:* text",
    "{{ x }} {% raw %} {% endraw %}",
    "a | b | c",
    "1. one",
    "+ plus",
    ": colon",
    "`tick` ``two``",
    "$x_1$ and $$y$$",
    "~~strike~~ ^[note]",
    "<b>bold</b> &amp; &lt; &#123;",
    "\\## back \\\\ slash \\",
    "[text](https://x.org) ![i](j)",
    "a — b · c",
    "— dash first",
    "# one",
    "Title\n---",
    "*[abbr]: x",
    "שלום עולם",
    "🎉 emoji 👩‍🔬",
    "é e\u0301",
    "x" * 300,
    "tab\there",
    "two  \nlines",
    "```\n## code\n```",
]
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(NASTY), min_size=1, max_size=4).map("\n".join))
texts = st.one_of(texts, st.lists(texts, max_size=3).map("\n\n".join))
plain_line = texts.map(normalise_line)
title = plain_line.filter(bool)
plain_text = texts.map(normalise_paragraphs)
markdown = texts.map(normalise_prose)
urls = st.one_of(
    st.just(""),
    st.sampled_from(["https://x.org/a(b)|c", "http://x.org/?a=1&b={2}", "https://arxiv.org/abs/2510.01234"]),
).map(encode_link)
keys = st.one_of(
    st.from_regex(r"arxiv:\d{4}\.\d{5}", fullmatch=True),
    st.text(min_size=1, max_size=30).map(lambda s: "url:https://x.org/" + s).map(normalise_line),
)
slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)
conflicts = st.lists(st.builds(Conflict, st.sampled_from(["blurb", "title"]), plain_text), max_size=2).map(tuple)
optional_line = st.one_of(st.none(), plain_line)


@st.composite
def picks(draw: st.DrawFn) -> DraftPick:
    origin: BlurbOrigin = draw(st.sampled_from(get_args(BlurbOrigin)))
    editor = origin == "editor"
    return DraftPick(
        key=draw(keys),
        title=draw(title),
        url=draw(urls),
        facts=draw(plain_line),
        blurb=draw(markdown if editor else plain_text),
        origin=origin,
        engine="" if editor else draw(plain_line),
        flags=() if editor else tuple(draw(st.lists(title, max_size=2))),
        covered=draw(plain_line),
        possible_duplicate=draw(plain_line),
        highlight=draw(optional_line),
        note=draw(st.booleans()),
        update_of=draw(optional_line),
        conflicts=draw(conflicts),
    )


added = st.builds(AddedUrl, urls.filter(bool), markdown, plain_line)
unit = st.one_of(st.none(), st.floats(0, 1))
candidates = st.builds(
    DraftCandidate,
    key=keys,
    title=title,
    url=urls.filter(bool),
    facts=plain_line,
    category=st.one_of(st.just(""), slugs),
    confidence=unit,
    score=st.one_of(st.none(), st.floats(-100, 100)),
    reasons=st.lists(title, max_size=3).map(tuple),
    mentions=st.integers(1, 99),
    covered=plain_line,
    possible_duplicate=plain_line,
    mark=st.sampled_from([" ", "x", "-"]),
    editor_text=markdown,
).map(lambda c: c if c.category else replace(c, confidence=None))
bets = st.builds(
    DraftPrediction, st.integers(0, 10**6), plain_line, st.sampled_from(["open", "right", "wrong"]), plain_line
)


@st.composite
def sheets(draw: st.DrawFn) -> Draft:
    """Any draft whose keys and slugs are distinct."""
    drawn = draw(st.lists(st.one_of(picks(), added), max_size=6))
    entries = list({e.key if isinstance(e, DraftPick) else (e.url, e.text): e for e in drawn}.values())
    sections = []
    for slug in draw(st.lists(slugs, unique=True, min_size=1, max_size=3)):
        count = draw(st.integers(0, len(entries)))
        mine, entries = tuple(entries[:count]), entries[count:]
        engine = draw(optional_line) or ""
        note = draw(markdown.map(normalise_line).map(normalise_prose) if engine else markdown)
        sections.append(DraftSection(slug, draw(title), note, draw(plain_line), mine, engine if note else ""))
    taken = {e.key for s in sections for e in s.picks}
    shortlist = {c.key: c for c in draw(st.lists(candidates, max_size=4)) if c.key not in taken}
    return Draft(
        period="2026-10",
        title=draw(plain_line),
        date=WHEN,
        form=draw(st.sampled_from(["category", "month", "both"])),
        state=draw(st.sampled_from(["draft", "approved"])),
        intro=draw(markdown),
        outro=draw(markdown),
        sections=tuple(sections),
        missed=tuple({line.key: line for line in draw(st.lists(candidates, max_size=2))}.values()),
        predictions=tuple({n.id: n for n in draw(st.lists(bets, max_size=2))}.values()),
        shortlist=tuple(shortlist.values()),
        scratch=draw(markdown),
        conflicts=draw(conflicts),
    )


def example() -> Draft:
    """A small draft as `digest draft` would write it."""
    first = DraftPick(
        "arxiv:2510.01234",
        "Scaling laws for {sparse} experts: 50% cheaper | or not?",
        "https://arxiv.org/abs/2510.01234",
        "Ada Lovelace et al. · arXiv 2510.01234 · 2026-10-12 · category 0.62?",
        "We show that a sparse model costs half. It holds at every size we tried.",
        engine="abstract",
    )
    second = DraftPick(
        "url:https://lab.example/launch",
        "A lab opens its weights",
        "https://lab.example/launch",
        "Lab · 2026-10-20",
        "Weights under a *free* licence.\n\nWorth an afternoon.",
        "editor",
        highlight="the first of its size",
    )
    waiting = DraftCandidate(
        "arxiv:2510.09999",
        "Agents that read their own logs",
        "https://arxiv.org/abs/2510.09999",
        "Bo Chen and Di Eng · arXiv 2510.09999 · 2026-10-30",
        "agents",
        0.62,
        0.871,
        ("close to your picks", "2 lists named it"),
        3,
        "2026-03",
    )
    return Draft(
        period="2026-10",
        title='AI research digest: October "2026"',
        date=WHEN,
        intro="A quiet month.\n\nTwo works stand out.",
        sections=(
            DraftSection("models", "Models & training", entries=(first, second)),
            DraftSection("agents", "Agents", intro="Nothing to pick this month."),
        ),
        shortlist=(waiting, replace(waiting, key="arxiv:2510.08888", title="Another", covered="", mentions=1)),
    )
