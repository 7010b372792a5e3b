"""Write text that was set bold, emphasised or as code as Markdown in which exactly that text is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import IntFlag
from itertools import groupby

from digest.markdown.escape import SafeMarkdown, escape_inline, escape_line_start
from digest.text import strip_hidden


class InlineStyle(IntFlag):
    """The style of a character; the value of emphasis is the number of its stars."""

    PLAIN = 0
    EM = 1
    STRONG = 2
    CODE = 4


# The end of a last sentence in bold: the judgement that follows what a work is.
_BOLD_END = re.compile(r"(\*\*|__)(\w{0,2}[.!?…]?)$")
_MIN_VERDICT_WORDS = 3
_STARS = InlineStyle.EM | InlineStyle.STRONG


def write_styled_text(text: str, styles: Sequence[InlineStyle]) -> SafeMarkdown:
    """Write one line of prose that shows each character of `text` in the style at the same position.

    Emphasis that CommonMark could not separate from its neighbour's is left out; the text is always the same.
    """
    text, styles = _drop_hidden_characters(text, styles)
    normalised = list(_normalise_styles(text, styles))
    for start, end in _find_emphasised_spans(normalised):
        normalised[start:end] = _simplify_nesting(text[start:end], normalised[start:end])
    return escape_line_start("".join(_write_runs(text, normalised)))


def _drop_hidden_characters(text: str, styles: Sequence[InlineStyle]) -> tuple[str, list[InlineStyle]]:
    """Drop hidden characters and the spaces that double without them."""
    signs, visible_styles = [" "], list[InlineStyle]()
    for sign, style in zip(text, styles, strict=True):
        if (sign := strip_hidden(sign)) and not (sign.isspace() and signs[-1].isspace()):
            signs.append(sign)
            visible_styles.append(style)
    return "".join(signs[1:]), visible_styles


def _normalise_styles(text: str, styles: Sequence[InlineStyle]) -> Iterator[InlineStyle]:
    """Give a space the style common to both sides, as no emphasis begins or ends with one; a backtick is no code."""
    edges = [InlineStyle.PLAIN, *styles, InlineStyle.PLAIN]
    for sign, before, style, after in zip(text, edges, styles, edges[2:], strict=False):
        normalised = before & style & after if sign == " " else style
        yield normalised & _STARS if sign == "`" else normalised


def _find_emphasised_spans(styles: Sequence[InlineStyle]) -> list[tuple[int, int]]:
    """Find the spans that are emphasised in any way."""
    groups = [list(group) for on, group in groupby(range(len(styles)), lambda n: bool(styles[n] & _STARS)) if on]
    return [(group[0], group[-1] + 1) for group in groups]


def _simplify_nesting(text: str, styles: Sequence[InlineStyle]) -> list[InlineStyle]:
    """Keep the style common to a span, and inner emphasis only where its stars are unambiguous."""
    outer = _STARS
    for style in styles:
        outer &= style
    if not outer:  # bold beside emphasis without a space
        return [style & ~InlineStyle.EM for style in styles]
    out = list(styles)
    inner = [style & _STARS & ~outer for style in styles]
    for start, end in _find_emphasised_spans(inner):
        is_separate = start > 0 and end < len(text) and all(map(_is_boundary, (text[start - 1], text[end])))
        if not is_separate:
            out[start:end] = [style & (outer | InlineStyle.CODE) for style in styles[start:end]]
    return out


def _is_boundary(sign: str) -> bool:
    """Return whether stars beside this character are emphasis whatever is on their other side."""
    return sign == " " or unicodedata.category(sign).startswith("P")


def _write_runs(text: str, styles: Sequence[InlineStyle]) -> Iterator[str]:
    """Yield runs of one style with the stars between them; a plain letter beside stars may become an entity."""
    start, before = 0, InlineStyle.PLAIN
    for style, run in groupby(styles):
        end = start + len(list(run))
        yield "*" * ((before ^ style) & _STARS)
        if style & InlineStyle.CODE:
            yield f"`{text[start:end]}`"
        elif style:
            yield escape_inline(text[start:end])
        else:
            yield _escape_beside_stars(
                text[start:end], _is_ambiguous_edge(text, styles, start - 1), _is_ambiguous_edge(text, styles, end)
            )
        start, before = end, style
    yield "*" * (before & _STARS)


def _is_ambiguous_edge(text: str, styles: Sequence[InlineStyle], at: int) -> bool:
    """Return whether stars between this character and a plain letter would not be emphasis."""
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


def split_verdict(markdown: str) -> tuple[str, str]:
    """Split a text from its verdict, the last sentence if it is bold; the verdict has no asterisks around it."""
    text = markdown.strip()
    if end := _BOLD_END.search(text):
        before, mark, verdict = text[: end.start()].rpartition(end[1])
        verdict = " ".join(f"{verdict}{end[2]}".split())
        is_sentence = before[-1:].isspace() and before.rstrip()[-1:] in tuple(".!?…:;)]”’\"'*_")
        if mark and is_sentence and "\n\n" not in verdict and len(verdict.split()) >= _MIN_VERDICT_WORDS:
            return before.rstrip(), verdict
    return markdown, ""
