"""Words that were set bold, emphasised or as code, written as Markdown in which they are so, and nothing else is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import IntFlag
from itertools import groupby

from digest.markdown.escape import Md, escape_inside, opening
from digest.text import strip_hidden


class Style(IntFlag):
    """How a sign is set; the value of emphasis is the number of its stars."""

    PLAIN = 0
    EM = 1
    STRONG = 2
    CODE = 4


_STARS = Style.EM | Style.STRONG


def emphasised(text: str, styles: Sequence[Style]) -> Md:
    """One line of prose that shows `text` with each of its signs in the style of the same place.

    Emphasis that CommonMark could not tell from its neighbour's is left out; the words are always the same.
    """
    text, styles = _seen(text, styles)
    settled = list(_settled(text, styles))
    for start, end in _stretches(settled):
        settled[start:end] = _nested(text[start:end], settled[start:end])
    return opening("".join(_written(text, settled)))


def _seen(text: str, styles: Sequence[Style]) -> tuple[str, list[Style]]:
    """Without hidden signs, and without the spaces that are one too many then."""
    signs, kept = [" "], list[Style]()
    for sign, style in zip(text, styles, strict=True):
        if (sign := strip_hidden(sign)) and not (sign.isspace() and signs[-1].isspace()):
            signs.append(sign)
            kept.append(style)
    return "".join(signs[1:]), kept


def _settled(text: str, styles: Sequence[Style]) -> Iterator[Style]:
    """A space is what the signs on both sides are, since no emphasis begins or ends with one; a backtick is no code."""
    edges = [Style.PLAIN, *styles, Style.PLAIN]
    for sign, before, here, after in zip(text, edges, styles, edges[2:], strict=False):
        found = before & here & after if sign == " " else here
        yield found & _STARS if sign == "`" else found


def _stretches(styles: Sequence[Style]) -> list[tuple[int, int]]:
    """From where to where signs are emphasised, in whatever way."""
    groups = [list(group) for on, group in groupby(range(len(styles)), lambda n: bool(styles[n] & _STARS)) if on]
    return [(group[0], group[-1] + 1) for group in groups]


def _nested(text: str, styles: Sequence[Style]) -> list[Style]:
    """A stretch in which all is emphasised one way, and some words within it another way too."""
    outer = _STARS
    for style in styles:
        outer &= style
    if not outer:  # bold beside emphasis without a space
        return [style & ~Style.EM for style in styles]
    out = list(styles)
    inner = [style & _STARS & ~outer for style in styles]
    for start, end in _stretches(inner):
        apart = start > 0 and end < len(text) and all(map(_parts, (text[start - 1], text[end])))
        if not apart:
            out[start:end] = [style & (outer | Style.CODE) for style in styles[start:end]]
    return out


def _parts(sign: str) -> bool:
    """Whether stars beside this sign are emphasis whatever is on their other side."""
    return sign == " " or unicodedata.category(sign).startswith("P")


def _written(text: str, styles: Sequence[Style]) -> Iterator[str]:
    """Runs of one style with the stars between them; a plain letter beside stars may have to be an entity."""
    here, before = 0, Style.PLAIN
    for style, run in groupby(styles):
        end = here + len(list(run))
        yield "*" * ((before ^ style) & _STARS)
        if style & Style.CODE:
            yield f"`{text[here:end]}`"
        elif style:
            yield escape_inside(text[here:end])
        else:
            yield _beside(text[here:end], _awkward(text, styles, here - 1), _awkward(text, styles, end))
        here, before = end, style
    yield "*" * (before & _STARS)


def _awkward(text: str, styles: Sequence[Style], at: int) -> bool:
    """Whether stars between this sign and a plain letter would not be read as emphasis."""
    if not 0 <= at < len(text) or not styles[at] & _STARS:
        return False
    return bool(styles[at] & Style.CODE) or not text[at].isalnum()


def _beside(text: str, first: bool, last: bool) -> str:
    start, end = int(first and not _parts(text[0])), len(text) - int(last and not _parts(text[-1]))
    if start > end:  # one letter between two
        return _entity(text)
    return _entity(text[:start]) + escape_inside(text[start:end]) + _entity(text[end:])


def _entity(text: str) -> str:
    return "".join(f"&#{ord(sign)};" for sign in text)
