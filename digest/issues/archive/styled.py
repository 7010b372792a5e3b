"""Words that keep how they were set while they are cut to what belongs to an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from digest.markdown import InlineStyle


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text, and the style of each of its signs."""

    text: str
    styles: tuple[InlineStyle, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __getitem__(self, part: slice) -> StyledText:
        return StyledText(self.text[part], self.styles[part])

    def substitute(self, pattern: re.Pattern[str], other: Callable[[re.Match[str]], StyledText]) -> StyledText:
        """The words with `other` in place of each match."""
        here, parts = 0, list[StyledText]()
        for match in pattern.finditer(self.text):
            parts += [self[here : match.start()], other(match)]
            here = match.end()
        return join_styled_texts([*parts, self[here:]])

    def remove(self, pattern: re.Pattern[str]) -> StyledText:
        """The words without what matches."""
        return self.substitute(pattern, lambda _: EMPTY_TEXT)

    def strip(self, left: str | None = None) -> StyledText:
        """The words without outer spaces, and without the signs `left` before them."""
        words = self[len(self.text) - len(self.text.lstrip(left)) :] if left else self
        begin = len(words.text) - len(words.text.lstrip())
        return words[begin : max(begin, len(words.text.rstrip()))]

    def fold_whitespace(self) -> StyledText:
        """The words with one space for every space between them."""
        return self.substitute(
            _WHITESPACE, lambda match: StyledText(" ", self.styles[match.start() : match.start() + 1])
        ).strip()


EMPTY_TEXT = StyledText("", ())
_WHITESPACE = re.compile(r"\s+")


def join_styled_texts(parts: Iterable[StyledText]) -> StyledText:
    """The parts one after the other."""
    found = list(parts)
    return StyledText("".join(part.text for part in found), tuple(style for part in found for style in part.styles))


def build_styled_text(style: InlineStyle, text: str) -> StyledText:
    """A text that is all of one style."""
    return StyledText(text, (style,) * len(text))
