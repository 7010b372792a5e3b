"""The title of a link and the words that go with it, as an editor would read them off the line."""

from __future__ import annotations

import re

from digest.issues.archive.units import Piece, Unit

# Words that say what a link is, not what it leads to.
_GENERIC = re.compile(
    r"(?i)\W*(the |a |their |its |this |see |read )?(full |original |technical |launch |announcement |project )?"
    r"(paper|papers|code|repo|repository|github|pdf|arxiv|link|links|here|blog|blog ?post|post|article|announcement|"
    r"report|demo|model card|weights|dataset|data|project( page)?|website|site|page|thread|tweet|video|talk|slides|"
    r"docs?|documentation|hugging ?face|hf|source|more|\^?\d+|\^\w+|https?://\S+)\W*"
)
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
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


def blurb(unit: Unit, link: Piece) -> str:
    """The words of the link's line. Of a line with several items, the words up to the next sentence that opens one."""
    pieces = list(unit.pieces)
    here = next(n for n, piece in enumerate(pieces) if piece is link)
    if any(piece.href for piece in pieces if piece is not link):
        near = next((n for n, piece in enumerate(pieces) if piece.href and n > here), len(pieces))
        if len(_text(pieces[here + 1 : near]).split()) >= _FEW:
            return _text(pieces[here + 1 : _next_item(unit, here)])
        return _text(pieces)
    if _text(pieces[:here]).strip(_EDGES):
        return _text(pieces)
    return _text(pieces[here + 1 :]) or _text(pieces)


def _next_item(unit: Unit, here: int) -> int:
    """The number of the first piece behind this one that is an item and opens a sentence."""
    taken = {id(link) for link in items(unit)}
    pieces = enumerate(unit.pieces)
    opens = (n for n, p in pieces if n > here and id(p) in taken and _ENDED.search(unit.pieces[n - 1].text))
    return next(opens, len(unit.pieces))


def _text(pieces: list[Piece]) -> str:
    words = " ".join("".join(piece.text for piece in pieces).split())
    return _NUMBER.sub("", words).lstrip(" :–—-,.;|·•)]").strip()
