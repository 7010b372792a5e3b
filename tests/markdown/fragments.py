"""Fragments of Markdown as people write them, and as they slip, from a grammar: the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

# By spaces; the plain ones first.
_WORDS = """
alpha beta model GPT-4 3.5 snake_case C++ R&D don't é 模型（LLM） 50% (aside) O(n) x=1 a/b end. why? so: yes; A*
"quoted" 'single' -- --- ...
2*3 C# $5 AT&T x<y a>b 1. - + = : ! # ~ ^ | \\ {x} {{y}} {%if%} &amp; &lt; <br> http://bare.example/x_y [1] ] [
` * ** _ __ ~~gone~~ $$x$$ [^1] {:.c} {#id} me@x.example -> <= \\* \\_ \\& \\\\ [x]
"""
_ADDRESSES = """
https://e.example/ https://e.example/a_(b) https://e.example/a?x=1&y=2#z https://e.example/a*b_c /archive/ #models
//e.example mailto:a@b.example javascript:x https://e.example/%7Ea https://é.example/ü https://e.example/a|b
ftp://e.example/ https://e.example/[1] https://e.example/a\\_b 2025/x.html ?q=1
"""
WORDS, ADDRESSES = _WORDS.split(), _ADDRESSES.split()
PLAIN = WORDS[:26]
SLIPS = [
    "| a | b |\n|---|---|\n| c | d |",
    "term\n: definition",
    "[^1]: note",
    "*[HTML]: Hyper",
    "[b]: https://e.example/b",
    "{: .c}",
    "* * *",
    "    code",
    "<div>\nx *y*\n</div>",
    "Title\n=====",
    "Sub\n---",
    "$$\nx\n$$",
    "2025. A year",
    "<!-- c -->",
    "- [ ] todo",
    "^",
    "> q\nlazy",
    "- a\nlazy",
    "text\n- a",
    "text\n> q",
    "text\n## h",
    "text\n```\nc\n```",
    "- a\n\n\n- b",
    "- a\n- b\n\npara",
    "## h\ntext",
    "* a\n- b",
    "-",
    "##",
    "#tag",
    "- a\n\n  b",
    "- a\n   - b",
    "- a\n> q",
    "```\nopen",
    "`` ` ``",
    "a`b``c`",
    "**50%**s",
    "**模型（LLM）**是",
    '[a](https://e.example "title")',
]


def fragments(seed: int, count: int) -> list[str]:
    """So many fragments, shortest first."""
    grammar = Grammar(Random(seed))
    return sorted((grammar.document() for _ in range(count)), key=len)


class Grammar:
    """One rule a method; what is drawn is mostly plain, so that much of it lies within the subset."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def words(self) -> str:
        return " ".join(
            self._random.choice(WORDS if self._random.random() < 0.06 else PLAIN)
            for _ in range(self._random.randint(1, 4))
        )

    def span(self, depth: int) -> str:
        if depth > 2 or self._random.random() < 0.5:
            return self.words()
        inner = self.line(depth + 1)
        shapes: list[Callable[[], str]] = [
            lambda: f"*{inner}*",
            lambda: f"_{inner}_",
            lambda: f"**{inner}**",
            lambda: f"__{inner}__",
            lambda: f"***{inner}***",
            lambda: f"`{self.words()}`",
            lambda: f"[{inner}]({self._random.choice(ADDRESSES)})",
            lambda: "<https://e.example/x_y>",
            lambda: self._random.choice(["wo*r*d", "wo_r_d", "wo**r**d", "*w*ord", "**w**ord", "_w_ord"]),
            lambda: "\\" + self._random.choice("*_[]()#`\\-+.!{}<>|&~^$"),
        ]
        return self._random.choice(shapes)()

    def line(self, depth: int = 0) -> str:
        breaks = [" "] * 9 + ["", "\n", "  \n", "\\\n"] if depth == 0 else [" "]
        out = self.span(depth)
        for _ in range(self._random.randint(0, 2)):
            out += self._random.choice(breaks) + self.span(depth)
        return out

    def block(self, depth: int) -> str:
        kinds: list[Callable[[], str]] = [
            *[self.line] * 6,
            lambda: self.list_of(depth),
            lambda: f"```\n{self.words()}\n\n{self.words()}\n```",
            lambda: f"{self._random.choice(['##', '###', '#'])} {self.span(1)}",
            lambda: self._random.choice(SLIPS),
        ]
        if depth < 2:
            kinds.append(lambda: _indented(self.document(depth + 1), "> ", "> "))
        return self._random.choice(kinds)()

    def list_of(self, depth: int) -> str:
        mark = self._random.choice(["- ", "- ", "- ", "* ", "1. "])
        between = self._random.choice(["\n", "\n", "\n\n"])
        lines = [self.line() for _ in range(self._random.randint(1, 3))]
        if depth < 2 and self._random.random() < 0.3:
            lines[-1] += f"{between}{self.list_of(depth + 1)}"
        return between.join(_indented(line, mark, " " * len(mark)) for line in lines)

    def document(self, depth: int = 0) -> str:
        between = self._random.choice(["\n\n", "\n\n", "\n\n", "\n"])
        return between.join(self.block(depth) for _ in range(self._random.randint(1, 2)))


def _indented(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first if not n else rest if line else rest.rstrip()) + line for n, line in enumerate(lines))
