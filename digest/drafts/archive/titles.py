"""The title of a link and the words that go with it, as an editor would read them off the line."""

from __future__ import annotations

import re
from itertools import takewhile

from digest.drafts.archive.blocks import EMPTY_TEXT, Span, StyledText, TextBlock, build_styled_text, join_styled_texts

# Words that say what a link is, not what it leads to.
_GENERIC_LINK_TEXT = re.compile(
    r"(?i)\W*(the |a |their |its |this |see |read )?(full |original |technical |launch |announcement |project )?"
    r"(paper|papers|code|repo|repository|github|pdf|arxiv|link|links|here|blog|blog ?post|post|article|announcement|"
    r"report|demo|model card|weights|dataset|data|project( page)?|website|site|page|thread|tweet|video|talk|slides|"
    r"docs?|documentation|hugging ?face|hf|source|more|\^?\d+|\^\w+|https?://\S+)\W*"
)
_LIST_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_LEADING_PUNCTUATION = " :–—-,.;|·•)]"
_TITLE_LABEL = re.compile(
    r"(?i)\W*(?:\[[^\[\]]{1,20}\]|\([^()]{1,20}\)|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?|"
    r"[^\W\d]{3,9}\.? \d{1,2}(?:, \d{4})?|\d{1,2}\.? [^\W\d]{3,9}(?: \d{4})?)?\W*"
)  # before a title: nothing, `[Paper]`, `(Jan 12)`, `2025-01-12 —`, `12 January:`
_SEPARATOR = re.compile(r"\s*[:–—.-]\s")
_GENERIC_LINKS = re.compile(
    "\\s*[(\\[]+\\s*\0\\d+\0(?:[\\s,;/|·&]|and|\0\\d+\0)*[)\\]]+|(?:\\s*[→>|·]*\\s*\0\\d+\0)+(?=\\W*$)"
)  # links that only lead somewhere: in brackets, or at the end
_LINK_PLACEHOLDER = re.compile("\0(\\d+)\0")
_SPACE_BEFORE_PUNCTUATION = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")  # a space that is left before a sign
_EDGE_PUNCTUATION = " \t\n:–—-,.;|·•()[]"
_LINK_CONJUNCTION = re.compile(
    r"(?i)[\W_]*(?:and|or|und|oder|et|ou|y|o|e|i)?[\W_]*"
)  # what stands between links of one kind
_SENTENCE_END = re.compile(r"[.!?;。！？]['\"’”)\]]*\s*$|\n\s*$")
_MIN_PROSE_WORDS = 4  # words; a shorter piece between two links says nothing by itself


def extract_link_title(block: TextBlock, link: Span) -> str:
    """The link's own words; for `paper`, `code` or a bare address the bold or first words of its line."""
    own = link.text.strip(' \t\n"“”:–—,.;')
    if own and not _GENERIC_LINK_TEXT.fullmatch(own):
        return own
    bold = next(
        (piece.text for piece in block.spans if piece.is_bold and not _GENERIC_LINK_TEXT.fullmatch(piece.text)), ""
    )
    named = next(
        (piece.text for piece in block.spans if piece.href and not _GENERIC_LINK_TEXT.fullmatch(piece.text)), ""
    )
    lead = re.split(r"(?<=[.!?])\s|[:–—(\[]|\s-\s|https?://", _LIST_NUMBER.sub("", block.text))[0]
    return next((words for text in (bold, named, lead) if (words := text.strip(_EDGE_PUNCTUATION + '"“”'))), own)


def find_item_links(block: TextBlock) -> tuple[Span, ...]:
    """The links that are items: all, but for a later `paper` or `here` in the prose on a work that was named."""
    links = block.links
    if not block.is_list_item or len(links) < 2 or _GENERIC_LINK_TEXT.fullmatch(links[0].text):
        return links
    out, prose, behind = [links[0]], False, False
    for piece in block.spans:
        if piece is links[0]:
            behind = True
        elif behind and not piece.href:
            prose = prose or not _LINK_CONJUNCTION.fullmatch(piece.text)
        elif behind and not (prose and _GENERIC_LINK_TEXT.fullmatch(piece.text)):
            out.append(piece)
    return tuple(out)


def extract_link_blurb(block: TextBlock, link: Span) -> StyledText:
    """The words of the link's line, without the title they follow and without `(paper, code)` and bare addresses.

    Of a line with several items, the words up to the next sentence that opens one.
    """
    pieces = list(block.spans)
    here = next(n for n, piece in enumerate(pieces) if piece is link)
    behind = pieces[here + 1 :]
    if any(piece.href for piece in pieces if piece is not link):
        near = next((n for n, piece in enumerate(pieces) if piece.href and n > here), len(pieces))
        if len(_join_spans(pieces[here + 1 : near]).text.split()) >= _MIN_PROSE_WORDS:
            return _join_spans(pieces[here + 1 : _find_next_item(block, here)])
        row = _find_link_row_end(pieces)
        behind = pieces[row:]
        if not (behind and _SEPARATOR.match(behind[0].text)) and sum(map(_is_named_link, pieces[:row])) > 1:
            return _join_spans(pieces)  # `One and Two came out`: the titles are part of the sentence
    elif not _join_spans(pieces[:here]).text.strip(_EDGE_PUNCTUATION):
        return _join_spans(behind) or _join_spans(pieces)
    whole = _join_spans(pieces)
    if behind and _SEPARATOR.match(behind[0].text) and _begins_with_link(pieces):
        return _join_spans(behind) or whole
    return _remove_title(extract_link_title(block, link), whole) or whole


def _begins_with_link(spans: list[Span]) -> bool:
    """The line begins with a link, behind a label or a date at most."""
    before = "".join(piece.text for piece in takewhile(lambda piece: not piece.href, spans))
    return _TITLE_LABEL.fullmatch(_LIST_NUMBER.sub("", before)) is not None


def _find_link_row_end(spans: list[Span]) -> int:
    """The number of the piece behind the first links of a line, which nothing but `and` or a comma parts."""
    first = next(n for n, piece in enumerate(spans) if piece.href)
    for number in range(first + 1, len(spans)):
        if not spans[number].href and (number + 1 == len(spans) or not _LINK_CONJUNCTION.fullmatch(spans[number].text)):
            return number
    return len(spans)


def _remove_title(name: str, text: StyledText) -> StyledText:
    """The words without the title they begin with, and the label or the date before it."""
    at = text.text.find(name)
    if not name or at < 0 or not _TITLE_LABEL.fullmatch(text.text[:at]):
        return text
    return text[at + len(name) :].strip(_LEADING_PUNCTUATION)


def _find_next_item(block: TextBlock, position: int) -> int:
    """The number of the first piece behind this one that is an item and opens a sentence."""
    taken = {id(link) for link in find_item_links(block)}
    pieces = enumerate(block.spans)
    opens = (n for n, p in pieces if n > position and id(p) in taken and _SENTENCE_END.search(block.spans[n - 1].text))
    return next(opens, len(block.spans))


def _join_spans(spans: list[Span]) -> StyledText:
    """The words of pieces on one line; `paper` and addresses in brackets or at the end only lead somewhere."""
    marked = join_styled_texts(
        build_styled_text(piece.style, f"\0{number}\0" if _is_generic_link(piece) else piece.text)
        for number, piece in enumerate(spans)
    )
    words = (
        marked.remove(_GENERIC_LINKS)
        .substitute(_LINK_PLACEHOLDER, lambda match: _build_link_text(spans[int(match[1])]))
        .fold_whitespace()
    )
    return words.remove(_SPACE_BEFORE_PUNCTUATION).remove(_LIST_NUMBER).strip(_LEADING_PUNCTUATION)


def _is_generic_link(span: Span) -> bool:
    return span.href is not None and _GENERIC_LINK_TEXT.fullmatch(span.text) is not None


def _is_named_link(span: Span) -> bool:
    return bool(span.href) and not _is_generic_link(span)


def _build_link_text(span: Span) -> StyledText:
    return EMPTY_TEXT if span.text.startswith(("http://", "https://")) else build_styled_text(span.style, span.text)
