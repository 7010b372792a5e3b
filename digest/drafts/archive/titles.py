"""Find the title of a link and the blurb that belongs to it, as an editor would read them off the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from digest.drafts.archive.blocks import EMPTY_TEXT, Span, StyledText, TextBlock, build_styled_text, join_styled_texts
from digest.resources import load_lexicon

_GENERIC_LINK_TEXT, _TITLE_LABEL = (
    re.compile("".join(load_lexicon()["archive"][name])) for name in ("generic_link_text", "title_label")
)
_LIST_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_LEADING_PUNCTUATION = " :–—-,.;|·•)]"
_EDGE_PUNCTUATION = " \t\n:–—-,.;|·•()[]"
_SEPARATOR = re.compile(r"\s*[:–—.-]\s")
# Generic links that only lead somewhere: in brackets, or at the end.
_GENERIC_LINKS = re.compile(
    "\\s*[(\\[]+\\s*\0\\d+\0(?:[\\s,;/|·&]|and|\0\\d+\0)*[)\\]]+|(?:\\s*[→>|·]*\\s*\0\\d+\0)+(?=\\W*$)"
)
_LINK_PLACEHOLDER = re.compile("\0(\\d+)\0")
_SPACE_BEFORE_PUNCTUATION = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")
# Between links of one kind.
_LINK_CONJUNCTION = re.compile(r"(?i)[\W_]*(?:and|or|und|oder|et|ou|y|o|e|i)?[\W_]*")
_SENTENCE_END = re.compile(r"[.!?;。！？]['\"’”)\]]*\s*$|\n\s*$")
# A shorter text between two links has no meaning of its own.
_MIN_PROSE_WORDS = 4


def extract_link_title(block: TextBlock, link: Span) -> str:
    """Return the link's text, or for `paper`, `code` or an address the bold or first words of its line."""
    own = link.text.strip(' \t\n"“”:–—,.;')
    if own and not _GENERIC_LINK_TEXT.fullmatch(own):
        return own
    specific = [span for span in block.spans if not _GENERIC_LINK_TEXT.fullmatch(span.text)]
    bold = next((span.text for span in specific if span.is_bold), "")
    named = next((span.text for span in specific if span.href), "")
    lead = re.split(r"(?<=[.!?])\s|[:–—(\[]|\s-\s|https?://", _LIST_NUMBER.sub("", block.text))[0]
    stripped = (text.strip(_EDGE_PUNCTUATION + '"“”') for text in (bold, named, lead))
    return next(filter(None, stripped), own)


def find_item_links(block: TextBlock) -> tuple[Span, ...]:
    """Find the links that are items: all but a later `paper` or `here` in the prose on a named work."""
    links = block.links
    if not block.is_list_item or len(links) < 2 or _GENERIC_LINK_TEXT.fullmatch(links[0].text):
        return links
    items, is_prose = [links[0]], False
    first = next(number for number, span in enumerate(block.spans) if span is links[0])
    for span in block.spans[first + 1 :]:
        if not span.href:
            is_prose = is_prose or not _LINK_CONJUNCTION.fullmatch(span.text)
        elif not (is_prose and _GENERIC_LINK_TEXT.fullmatch(span.text)):
            items.append(span)
    return tuple(items)


def group_item_links(block: TextBlock) -> list[tuple[Span, tuple[Span, ...]]]:
    """Group the links of a line: its main link is the work, the others are further links of it.

    In a paragraph each sentence that begins with a work begins another one.
    """
    items = {id(link) for link in find_item_links(block)}
    groups: list[tuple[Span, list[Span]]] = []
    before = ""
    for span in block.spans:
        if any(span is link for link in block.links):
            begins = not block.is_list_item and id(span) in items and _SENTENCE_END.search(before)
            if not groups or begins:
                groups.append((span, []))
            elif span.href and span.href != groups[-1][0].href:
                groups[-1][1].append(span)
        before = span.text if span.text.strip() or "\n" in span.text else before
    return [(link, tuple(further)) for link, further in groups]


def extract_link_blurb(block: TextBlock, link: Span) -> StyledText:
    """Return the text of the link's line without its title, `(paper, code)` and addresses.

    On a line with several items, the text ends at the next sentence that begins with one.
    """
    spans = block.spans
    position = next(number for number, span in enumerate(spans) if span is link)
    following = spans[position + 1 :]
    if any(span.href for span in spans if span is not link):
        next_link = next((n for n, span in enumerate(spans) if span.href and n > position), len(spans))
        if len(_join_spans(spans[position + 1 : next_link]).text.split()) >= _MIN_PROSE_WORDS:
            return _join_spans(spans[position + 1 : _find_next_item(block, position)])
        row_end = _find_link_row_end(spans)
        following = spans[row_end:]
        named_links = sum(bool(span.href) and not _is_generic_link(span) for span in spans[:row_end])
        # `One and Two came out`: the titles are part of the sentence.
        if named_links > 1 and not (following and _SEPARATOR.match(following[0].text)):
            return _join_spans(spans)
    elif not _join_spans(spans[:position]).text.strip(_EDGE_PUNCTUATION):
        return _join_spans(following) or _join_spans(spans)
    line = _join_spans(spans)
    # Only a label or a date may precede the first link.
    label = "".join(span.text for span in takewhile(lambda span: not span.href, spans))
    begins_with_link = _TITLE_LABEL.fullmatch(_LIST_NUMBER.sub("", label))
    if begins_with_link and following and _SEPARATOR.match(following[0].text):
        return _join_spans(following) or line
    return _remove_title(extract_link_title(block, link), line) or line


def _find_link_row_end(spans: Sequence[Span]) -> int:
    """Find the end of the first links, which only `and` or a comma separates."""
    first = next(number for number, span in enumerate(spans) if span.href)
    for number, span in enumerate(spans[first + 1 :], first + 1):
        if not span.href and (number + 1 == len(spans) or not _LINK_CONJUNCTION.fullmatch(span.text)):
            return number
    return len(spans)


def _remove_title(title: str, text: StyledText) -> StyledText:
    """Remove the title at the beginning, and the label or the date before it."""
    start = text.text.find(title)
    if not title or start < 0 or not _TITLE_LABEL.fullmatch(text.text[:start]):
        return text
    return text[start + len(title) :].strip(_LEADING_PUNCTUATION)


def _find_next_item(block: TextBlock, position: int) -> int:
    """Find the next item that begins a sentence of a paragraph; a line of a list is one item."""
    if block.is_list_item:
        return len(block.spans)
    items = {id(link) for link in find_item_links(block)}
    for number, span in enumerate(block.spans):
        if number > position and id(span) in items and _SENTENCE_END.search(block.spans[number - 1].text):
            return number
    return len(block.spans)


def _join_spans(spans: Sequence[Span]) -> StyledText:
    """Join spans to one line; removes addresses, and generic links in brackets or at the end."""

    def restore_link(match: re.Match[str]) -> StyledText:
        span = spans[int(match[1])]
        is_address = span.text.startswith(("http://", "https://"))
        return EMPTY_TEXT if is_address else build_styled_text(span.style, span.text)

    marked = join_styled_texts(
        build_styled_text(span.style, f"\0{number}\0" if _is_generic_link(span) else span.text)
        for number, span in enumerate(spans)
    )
    text = marked.remove(_GENERIC_LINKS).substitute(_LINK_PLACEHOLDER, restore_link).fold_whitespace()
    return text.remove(_SPACE_BEFORE_PUNCTUATION).remove(_LIST_NUMBER).strip(_LEADING_PUNCTUATION)


def _is_generic_link(span: Span) -> bool:
    return span.href is not None and _GENERIC_LINK_TEXT.fullmatch(span.text) is not None
