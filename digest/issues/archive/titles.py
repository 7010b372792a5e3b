"""The title of a link and the words that go with it, as an editor would read them off the line."""

from __future__ import annotations

import re

from digest.issues.archive.units import Piece, Unit

# Words that say what a link is, not what it leads to.
_GENERIC = re.compile(
    r"(?i)\W*(the |a |their |its |this |see |read )?(full |original |technical |launch |announcement |project )?"
    r"(paper|papers|code|repo|repository|github|pdf|arxiv|link|links|here|blog|blog ?post|post|article|announcement|"
    r"report|demo|model card|weights|dataset|data|project( page)?|website|site|page|thread|tweet|video|talk|slides|"
    r"docs?|documentation|hugging ?face|hf|source|more|\d+|https?://\S+)\W*"
)
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_EDGES = " \t\n:–—-,.;|·•()[]"
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


def blurb(unit: Unit, link: Piece) -> str:
    """The words of the link's line. Of a line with several links, the words up to the next one if they say enough."""
    pieces = list(unit.pieces)
    here = next(n for n, piece in enumerate(pieces) if piece is link)
    others = [n for n, piece in enumerate(pieces) if piece.href and piece is not link]
    if others:
        until = next((n for n in others if n > here), len(pieces))
        after = _text(pieces[here + 1 : until])
        if len(after.split()) >= _FEW:
            return after
        return _text(pieces)
    if _text(pieces[:here]).strip(_EDGES):
        return _text(pieces)
    return _text(pieces[here + 1 :]) or _text(pieces)


def _text(pieces: list[Piece]) -> str:
    words = " ".join("".join(piece.text for piece in pieces).split())
    return _NUMBER.sub("", words).lstrip(" :–—-,.;|·•)]").strip()
