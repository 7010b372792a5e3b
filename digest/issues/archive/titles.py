"""The title of a link and the words that go with it, as an editor would read them off the line."""

from __future__ import annotations

import re
from itertools import takewhile

from digest.issues.archive.styled import NONE, Words, joined, set_in
from digest.issues.archive.units import Piece, Unit

# Words that say what a link is, not what it leads to.
_GENERIC = re.compile(
    r"(?i)\W*(the |a |their |its |this |see |read )?(full |original |technical |launch |announcement |project )?"
    r"(paper|papers|code|repo|repository|github|pdf|arxiv|link|links|here|blog|blog ?post|post|article|announcement|"
    r"report|demo|model card|weights|dataset|data|project( page)?|website|site|page|thread|tweet|video|talk|slides|"
    r"docs?|documentation|hugging ?face|hf|source|more|\^?\d+|\^\w+|https?://\S+)\W*"
)
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_HEAD = " :–—-,.;|·•)]"
_LABEL = re.compile(
    r"(?i)\W*(?:\[[^\[\]]{1,20}\]|\([^()]{1,20}\)|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?|"
    r"[^\W\d]{3,9}\.? \d{1,2}(?:, \d{4})?|\d{1,2}\.? [^\W\d]{3,9}(?: \d{4})?)?\W*"
)  # before a title: nothing, `[Paper]`, `(Jan 12)`, `2025-01-12 —`, `12 January:`
_SEPARATED = re.compile(r"\s*[:–—.-]\s")
_LEADING = re.compile(
    "\\s*[(\\[]+\\s*\0\\d+\0(?:[\\s,;/|·&]|and|\0\\d+\0)*[)\\]]+|(?:\\s*[→>|·]*\\s*\0\\d+\0)+(?=\\W*$)"
)  # links that only lead somewhere: in brackets, or at the end
_MARKED = re.compile("\0(\\d+)\0")
_LOOSE = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")  # a space that is left before a sign
_EDGES = " \t\n:–—-,.;|·•()[]"
_BETWEEN = re.compile(r"(?i)[\W_]*(?:and|or|und|oder|et|ou|y|o|e|i)?[\W_]*")  # what stands between links of one kind
_ENDED = re.compile(r"[.!?;。！？]['\"’”)\]]*\s*$|\n\s*$")
_FEW = 4  # words; a shorter piece between two links says nothing by itself


def title(unit: Unit, link: Piece) -> str:
    """The link's own words; for `paper`, `code` or a bare address the bold or first words of its line."""
    own = link.text.strip(' \t\n"“”:–—,.;')
    if own and not _GENERIC.fullmatch(own):
        return own
    bold = next((piece.text for piece in unit.pieces if piece.bold and not _GENERIC.fullmatch(piece.text)), "")
    named = next((piece.text for piece in unit.pieces if piece.href and not _GENERIC.fullmatch(piece.text)), "")
    lead = re.split(r"(?<=[.!?])\s|[:–—(\[]|\s-\s|https?://", _NUMBER.sub("", unit.text))[0]
    return next((words for text in (bold, named, lead) if (words := text.strip(_EDGES + '"“”'))), own)


def items(unit: Unit) -> tuple[Piece, ...]:
    """The links that are items: all, but for a later `paper` or `here` in the prose on a work that was named."""
    links = unit.links
    if not unit.listed or len(links) < 2 or _GENERIC.fullmatch(links[0].text):
        return links
    out, prose, behind = [links[0]], False, False
    for piece in unit.pieces:
        if piece is links[0]:
            behind = True
        elif behind and not piece.href:
            prose = prose or not _BETWEEN.fullmatch(piece.text)
        elif behind and not (prose and _GENERIC.fullmatch(piece.text)):
            out.append(piece)
    return tuple(out)


def blurb(unit: Unit, link: Piece) -> Words:
    """The words of the link's line, without the title they follow and without `(paper, code)` and bare addresses.

    Of a line with several items, the words up to the next sentence that opens one.
    """
    pieces = list(unit.pieces)
    here = next(n for n, piece in enumerate(pieces) if piece is link)
    behind = pieces[here + 1 :]
    if any(piece.href for piece in pieces if piece is not link):
        near = next((n for n, piece in enumerate(pieces) if piece.href and n > here), len(pieces))
        if len(_text(pieces[here + 1 : near]).text.split()) >= _FEW:
            return _text(pieces[here + 1 : _next_item(unit, here)])
        row = _last_of_row(pieces)
        behind = pieces[row:]
        if not (behind and _SEPARATED.match(behind[0].text)) and sum(map(_names, pieces[:row])) > 1:
            return _text(pieces)  # `One and Two came out`: the titles are part of the sentence
    elif not _text(pieces[:here]).text.strip(_EDGES):
        return _text(behind) or _text(pieces)
    whole = _text(pieces)
    if behind and _SEPARATED.match(behind[0].text) and _opens(pieces):
        return _text(behind) or whole
    return _without(title(unit, link), whole) or whole


def _opens(pieces: list[Piece]) -> bool:
    """The line begins with a link, behind a label or a date at most."""
    before = "".join(piece.text for piece in takewhile(lambda piece: not piece.href, pieces))
    return _LABEL.fullmatch(_NUMBER.sub("", before)) is not None


def _last_of_row(pieces: list[Piece]) -> int:
    """The number of the piece behind the first links of a line, which nothing but `and` or a comma parts."""
    first = next(n for n, piece in enumerate(pieces) if piece.href)
    for number in range(first + 1, len(pieces)):
        if not pieces[number].href and (number + 1 == len(pieces) or not _BETWEEN.fullmatch(pieces[number].text)):
            return number
    return len(pieces)


def _without(name: str, words: Words) -> Words:
    """The words without the title they begin with, and the label or the date before it."""
    at = words.text.find(name)
    if not name or at < 0 or not _LABEL.fullmatch(words.text[:at]):
        return words
    return words[at + len(name) :].stripped(_HEAD)


def _next_item(unit: Unit, here: int) -> int:
    """The number of the first piece behind this one that is an item and opens a sentence."""
    taken = {id(link) for link in items(unit)}
    pieces = enumerate(unit.pieces)
    opens = (n for n, p in pieces if n > here and id(p) in taken and _ENDED.search(unit.pieces[n - 1].text))
    return next(opens, len(unit.pieces))


def _text(pieces: list[Piece]) -> Words:
    """The words of pieces on one line; `paper` and addresses in brackets or at the end only lead somewhere."""
    marked = joined(
        set_in(piece.style, f"\0{number}\0" if _leads(piece) else piece.text) for number, piece in enumerate(pieces)
    )
    words = marked.without(_LEADING).sub(_MARKED, lambda match: _named(pieces[int(match[1])])).one_line()
    return words.without(_LOOSE).without(_NUMBER).stripped(_HEAD)


def _leads(piece: Piece) -> bool:
    return piece.href is not None and _GENERIC.fullmatch(piece.text) is not None


def _names(piece: Piece) -> bool:
    return bool(piece.href) and not _leads(piece)


def _named(piece: Piece) -> Words:
    return NONE if piece.text.startswith(("http://", "https://")) else set_in(piece.style, piece.text)
