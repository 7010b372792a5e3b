"""Words that were set bold, emphasised or as code, written as Markdown in which they are so, and nothing else is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import IntFlag
from itertools import groupby

from digest.markdown.escape import SafeMarkdown, escape_inline, escape_line_start
from digest.text import strip_hidden


class InlineStyle(IntFlag):
    """How a sign is set; the value of emphasis is the number of its stars."""

    PLAIN = 0
    EM = 1
    STRONG = 2
    CODE = 4


_STARS = InlineStyle.EM | InlineStyle.STRONG


def write_styled_text(text: str, styles: Sequence[InlineStyle]) -> SafeMarkdown:
    """One line of prose that shows `text` with each of its signs in the style of the same place.

    Emphasis that CommonMark could not tell from its neighbour's is left out; the words are always the same.
    """
    text, styles = _drop_hidden_characters(text, styles)
    settled = list(_normalise_styles(text, styles))
    for start, end in _find_emphasised_spans(settled):
        settled[start:end] = _simplify_nesting(text[start:end], settled[start:end])
    return escape_line_start("".join(_write_runs(text, settled)))


def _drop_hidden_characters(text: str, styles: Sequence[InlineStyle]) -> tuple[str, list[InlineStyle]]:
    """Without hidden signs, and without the spaces that are one too many then."""
    signs, kept = [" "], list[InlineStyle]()
    for sign, style in zip(text, styles, strict=True):
        if (sign := strip_hidden(sign)) and not (sign.isspace() and signs[-1].isspace()):
            signs.append(sign)
            kept.append(style)
    return "".join(signs[1:]), kept


def _normalise_styles(text: str, styles: Sequence[InlineStyle]) -> Iterator[InlineStyle]:
    """A space is what the signs on both sides are, since no emphasis begins or ends with one; a backtick is no code."""
    edges = [InlineStyle.PLAIN, *styles, InlineStyle.PLAIN]
    for sign, before, here, after in zip(text, edges, styles, edges[2:], strict=False):
        found = before & here & after if sign == " " else here
        yield found & _STARS if sign == "`" else found


def _find_emphasised_spans(styles: Sequence[InlineStyle]) -> list[tuple[int, int]]:
    """From where to where signs are emphasised, in whatever way."""
    groups = [list(group) for on, group in groupby(range(len(styles)), lambda n: bool(styles[n] & _STARS)) if on]
    return [(group[0], group[-1] + 1) for group in groups]


def _simplify_nesting(text: str, styles: Sequence[InlineStyle]) -> list[InlineStyle]:
    """A stretch in which all is emphasised one way, and some words within it another way too."""
    outer = _STARS
    for style in styles:
        outer &= style
    if not outer:  # bold beside emphasis without a space
        return [style & ~InlineStyle.EM for style in styles]
    out = list(styles)
    inner = [style & _STARS & ~outer for style in styles]
    for start, end in _find_emphasised_spans(inner):
        apart = start > 0 and end < len(text) and all(map(_is_boundary, (text[start - 1], text[end])))
        if not apart:
            out[start:end] = [style & (outer | InlineStyle.CODE) for style in styles[start:end]]
    return out


def _is_boundary(sign: str) -> bool:
    """Whether stars beside this sign are emphasis whatever is on their other side."""
    return sign == " " or unicodedata.category(sign).startswith("P")


def _write_runs(text: str, styles: Sequence[InlineStyle]) -> Iterator[str]:
    """Runs of one style with the stars between them; a plain letter beside stars may have to be an entity."""
    here, before = 0, InlineStyle.PLAIN
    for style, run in groupby(styles):
        end = here + len(list(run))
        yield "*" * ((before ^ style) & _STARS)
        if style & InlineStyle.CODE:
            yield f"`{text[here:end]}`"
        elif style:
            yield escape_inline(text[here:end])
        else:
            yield _escape_beside_stars(
                text[here:end], _is_ambiguous_edge(text, styles, here - 1), _is_ambiguous_edge(text, styles, end)
            )
        here, before = end, style
    yield "*" * (before & _STARS)


def _is_ambiguous_edge(text: str, styles: Sequence[InlineStyle], at: int) -> bool:
    """Whether stars between this sign and a plain letter would not be read as emphasis."""
    if not 0 <= at < len(text) or not styles[at] & _STARS:
        return False
    return bool(styles[at] & InlineStyle.CODE) or not text[at].isalnum()


def _escape_beside_stars(text: str, is_first_ambiguous: bool, is_last_ambiguous: bool) -> str:
    start, end = (
        int(is_first_ambiguous and not _is_boundary(text[0])),
        len(text) - int(is_last_ambiguous and not _is_boundary(text[-1])),
    )
    if start > end:  # one letter between two
        return _encode_entities(text)
    return _encode_entities(text[:start]) + escape_inline(text[start:end]) + _encode_entities(text[end:])


def _encode_entities(text: str) -> str:
    return "".join(f"&#{ord(sign)};" for sign in text)
