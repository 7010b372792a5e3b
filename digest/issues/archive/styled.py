"""Words that keep how they were set while they are cut to what belongs to an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from digest.markdown import Style


@dataclass(frozen=True, slots=True)
class Words:
    """A text, and the style of each of its signs."""

    text: str
    styles: tuple[Style, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __getitem__(self, part: slice) -> Words:
        return Words(self.text[part], self.styles[part])

    def sub(self, pattern: re.Pattern[str], other: Callable[[re.Match[str]], Words]) -> Words:
        """The words with `other` in place of each match."""
        here, parts = 0, list[Words]()
        for match in pattern.finditer(self.text):
            parts += [self[here : match.start()], other(match)]
            here = match.end()
        return joined([*parts, self[here:]])

    def without(self, pattern: re.Pattern[str]) -> Words:
        """The words without what matches."""
        return self.sub(pattern, lambda _: NONE)

    def stripped(self, left: str | None = None) -> Words:
        """The words without outer spaces, and without the signs `left` before them."""
        words = self[len(self.text) - len(self.text.lstrip(left)) :] if left else self
        begin = len(words.text) - len(words.text.lstrip())
        return words[begin : max(begin, len(words.text.rstrip()))]

    def one_line(self) -> Words:
        """The words with one space for every space between them."""
        return self.sub(_SPACES, lambda match: Words(" ", self.styles[match.start() : match.start() + 1])).stripped()


NONE = Words("", ())
_SPACES = re.compile(r"\s+")


def joined(parts: Iterable[Words]) -> Words:
    """The parts one after the other."""
    found = list(parts)
    return Words("".join(part.text for part in found), tuple(style for part in found for style in part.styles))


def set_in(style: Style, text: str) -> Words:
    """A text that is all of one style."""
    return Words(text, (style,) * len(text))
