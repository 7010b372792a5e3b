"""A blog's archive for the tests: eight essays and two recaps, with the slips that real posts have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

from digest.config.schema import Category
from digest.drafts.archive.headings import HeadingMap
from digest.drafts.archive.posts import ArchivePost, parse_archive_post

CATEGORIES = [
    Category(slug=slug, title=title, description="a section of the issue", aliases=aliases)
    for slug, title, aliases in [
        ("models", "Models", ()),
        ("techniques", "Techniques", ("methods",)),
        ("rag", "Retrieval and RAG", ()),
        ("agents", "Agents", ()),
        ("safety", "Safety", ()),
        ("eval", "Evaluation", ("benchmarks",)),
        ("applications", "Applications", ()),
        ("beyond", "Beyond language", ()),
    ]
]
SAID = {"AI Security and alignment": "safety", "Everything else": "beyond"}
HEADINGS = HeadingMap(CATEGORIES, SAID)
SECTIONS = {
    "Models": "models",
    "🧠 Techniques & methods": "techniques",
    "RAG": "rag",
    "AI Agents": "agents",
    "AI Security and alignment": "safety",
    "Evaluations": "eval",
    "Applications of LLMs": "applications",
    "Everything else": "beyond",
}
MONTHS = [f"{date(2025, n, 1):%B}" for n in range(1, 13)]
_WORDS = ("model", "reads", "learns", "slowly", "better", "data", "scale", "paper", "shows", "that", "small", "teams")


def sentence(dice: Random, length: int = 9) -> str:
    return " ".join(dice.choice(_WORDS) for _ in range(length)).capitalize() + "."


def by_category() -> tuple[str, dict[str, str]]:
    """A numbered recap under eight headings, as Markdown; and the category of each address in it."""
    dice = Random(1)
    want: dict[str, str] = {}
    lines = ["---", "layout: post", 'title: "My 2024: a year in review"', "date: 2024-12-28", "---", ""]
    lines += [
        "Read also [last year's](/2023/review/) review.",
        "",
        "* toc",
        "{:toc}",
        "",
        "[![cover](/c.png)](/c.png)",
        "",
    ]
    for heading, slug in SECTIONS.items():
        lines += [f"## {heading} {{#{slug}-2024}}", "", f"{sentence(dice)}", ""]
        for number in range(1, 7):
            urls = [f"https://arxiv.org/abs/24{number:02d}.{len(want):05d}"]
            blurb, name = sentence(dice), f"{slug.title()} work {number}"
            line = [
                f"**[{name}]({urls[0]})**: {blurb}",
                f"[{name}]({urls[0]}) - {blurb}",
                f"**{name}** ([paper]({urls[0]}), [code](https://github.com/o/{slug}{number})). {blurb}",
                f"[{name}] ({urls[0]}) {blurb}",
                f"**{name}**: {blurb} [Link]({urls[0]})",
                f"{blurb} It is called [{name}]({urls[0]}) and {blurb}",
            ][number - 1]
            want[urls[0]] = slug  # a further link of its line is no work of its own
            lines += [f"{number}. {line}"]
        lines += ["", "![a chart](/chart.png)", ""]
    lines += [
        "That's all, thanks for reading! Follow me on [X](https://x.com/me) and [subscribe](https://me.org/feed).",
        "",
    ]
    lines += ["## Citation", "", "Cite as [this](https://me.org/cite).", ""]
    return "\n".join(lines), want


def by_month() -> tuple[str, dict[str, str]]:
    """A bulleted recap under twelve months, as Markdown; and the period of each address in it."""
    dice = Random(2)
    want: dict[str, str] = {}
    lines = ["---", "layout: post", "title: What happened in AI", "date: 2025-12-30 10:00:00 +0100", "---", ""]
    lines += ["An intro with [a link](https://me.org/intro) of no weight.", ""]
    for number, name in enumerate(MONTHS, 1):
        heading = f"## {name}" if number % 2 else f"**{name}: the month of {dice.choice(_WORDS)}**"
        lines += [heading, ""]
        for item in range(11):
            url = f"https://news.org/{number}/{item}"
            want[url] = f"2025-{number:02d}"
            line = f"[Launch {number}.{item}]({url}): {sentence(dice)}"
            if item == 4:
                other = f"https://lab.org/{number}"
                line = f"[Launch {number}.{item}]({url}) and [its rival {number}]({other}) came on one day"
            if item == 7:
                line += " [Dead]()"
            lines.append(f"* {line}")
        lines += [""]
    lines += ["---", "", "Until next year! My [talks](https://me.org/talks).", ""]
    return "\n".join(lines), want


def essay(number: int) -> str:
    """An essay with sections, prose links, a list of sources."""
    dice = Random(100 + number)
    lines = [
        "---",
        "layout: post",
        f"title: On {dice.choice(_WORDS)} {number}",
        f"date: 2025-0{number + 1}-11",
        "---",
        "",
    ]
    for part, heading in enumerate(("Why", "Agents", "Evaluation", "Models today")):
        lines += [f"## {heading}", ""]
        for k in range(4):
            link = f"[{dice.choice(_WORDS)}](https://essay.org/{number}/{part}/{k})"
            lines += [f"{' '.join(sentence(dice, 30) for _ in range(5))} As {link} says. {sentence(dice, 40)}", ""]
        lines += [f"- {sentence(dice)}", f"- {sentence(dice)}", ""]
    lines += ["## References", ""]
    lines += [f"{n}. [Source {n}](https://essay.org/{number}/ref/{n}), {sentence(dice)}" for n in range(1, 15)]
    return "\n".join(lines)


def archive() -> list[ArchivePost]:
    """Ten posts of some 200 kB, newest first."""
    texts = [("2024-12-28-review.md", by_category()[0]), ("2025-12-30-what.md", by_month()[0])]
    texts += [(f"2025-0{n + 1}-11-essay.md", essay(n)) for n in range(8)]
    return [parse_archive_post(name, text) for name, text in texts]


def dated(title: str, html: str, year: int = 2025, month: int = 6) -> ArchivePost:
    return ArchivePost(title, html, "https://me.org/post/", datetime(year, month, 3, tzinfo=UTC))
