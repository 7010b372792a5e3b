"""arXiv identifiers in every common spelling, where a host or prefix marks them as such."""

from __future__ import annotations

import re
from urllib.parse import unquote

from digest.text import shorten_text

# https://info.arxiv.org/help/arxiv_identifier.html: 4 digits to 2014, 5 since; the month is 01-12; old ids end in 2007.
_NEW = r"(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-8]\d)(?:0[1-9]|1[0-2])\.\d{5}"
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga"
    "|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph"
    "|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_OLD = rf"(?:{_ARCHIVES})(?:\.[a-z-]{{2,}})?/(?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])\d{{3}}"
_ID = rf"({_NEW}|{_OLD})"  # more may follow it in an address: people link to arxiv.org/abs/2307.000400

_COMMON_LINK = re.compile(rf"https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/({_NEW})")
_BARE = re.compile(rf"{_ID}(?:v\d+)?(?:\s*\[[\w.\-]+\])?$", re.I)
_PREFIXED = re.compile(rf"(?:oai:\s*arxiv\.org:|(?:doi:\s*)?10\.48550/arxiv\.|arxiv(?::\s*|\.)){_ID}", re.I)
_LINK = re.compile(r"(?:https?:)?(?://)?(?:[^/@\s]*@)?([a-z0-9.\-]+\.[a-z]{2,})(?::\d+)?/([^?#]*)", re.I)
_IN_TEXT = re.compile(rf"(?:arxiv(?:\.org/(?:abs|pdf|html)/|:\s*|\.)|(?:huggingface|hf)\.co/papers/){_ID}(?!\d)", re.I)
# What may stand before the id in the path, per host. Elsewhere a number with a dot is not a paper.
_ARXIV = r"(?:abs|pdf|html|ps|src|e-print|format|tb|cits|ftp/[\w.-]+/papers/\d{4})/"
_BEFORE_ID = {
    "arxiv.org": _ARXIV,
    "lanl.gov": _ARXIV,
    "ar5iv.org": r"(?:abs|html|pdf)/",
    "alphaxiv.org": r"(?:[a-z]{2}/)?(?:(?:abs|overview|pdf|html|resources|blog|chat|audio)/)?",
    "huggingface.co": r"papers/",
    "hf.co": r"papers/",
    "hf-mirror.com": r"papers/",
    "talk2arxiv.org": r"(?:abs|pdf)/",
    "papers.cool": r"arxiv/",
    "scirate.com": r"arxiv/",
    "doi.org": r"10\.48550/",
    "semanticscholar.org": r"(?:(?:graph/)?v1/)?(?:(?:arxiv|paper)/)?",
    "arxiv-vanity.com": r"papers/",
    "emergentmind.com": r"papers/",
    "arxiv-txt.org": r"(?:raw/)?(?:abs|pdf)/",
    "adsabs.harvard.edu": r"abs/",
}
# Files of old papers, whose archive is a folder and not a part of the name.
_FILE_PATH = re.compile(
    rf"/?(?:ftp|ps_cache)/((?:{_ARCHIVES}))/(?:papers|pdf|ps)/\d{{4}}/((?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])\d{{3}})", re.I
)
_PATHS = {host: re.compile(rf"/?{before}(?:arxiv[.:])?{_ID}", re.I) for host, before in _BEFORE_ID.items()}

# What an author writes in a comment: "Superseded by arXiv:2509.00001", "this work is subsumed by our later paper, …".
_SUPERSEDED = re.compile(r"\b(?:superseded|subsumed|(?P<maybe>replaced)) by\s+(?P<work>[^\n]+)", re.I)
_NAMED_ID = re.compile(rf"(?<![\d.])(?:arxiv[:./\w]*?)?{_ID}(?![\d.]*\d)", re.I)
_MAX_DESCRIPTION_LENGTH = 80  # characters of a work that is described


def extract_arxiv_id(text: str) -> str | None:
    """Extract the arXiv id, without version and subject class, of a URL, DOI, OAI identifier or bare id."""
    if fast := _COMMON_LINK.match(text):
        return fast[1]
    text = text.strip()
    if not text.startswith("http") and (match := _PREFIXED.match(text) or _BARE.match(text)):
        return _normalise_id(match[1])
    link = _LINK.match(text)
    pattern = _find_path_pattern(link[1].lower()) if link else None
    if not link or not pattern:
        return None
    path = unquote(link[2])
    if match := pattern.match(path):
        return _normalise_id(match[1])
    match = _FILE_PATH.match(path) if pattern is _PATHS["arxiv.org"] else None
    return f"{match[1].lower()}/{match[2]}" if match else None


def find_arxiv_ids(text: str) -> list[str]:
    """Find the distinct arXiv ids that a text names by link or as `arXiv:...`, in order."""
    return list(dict.fromkeys(_normalise_id(match) for match in _IN_TEXT.findall(text)))


def _find_path_pattern(host: str) -> re.Pattern[str] | None:
    """Find the path pattern of a host or of the domain it belongs to."""
    while host:
        if host in _PATHS:
            return _PATHS[host]
        host = host.partition(".")[2]
    return None


def _normalise_id(identifier: str) -> str:
    """Shorten `math.CA/0611800` to `math/0611800`; return new ids unchanged."""
    archive, slash, number = identifier.lower().partition("/")
    return f"{archive.partition('.')[0]}/{number}" if slash else identifier


def find_superseding_work(comment: str | None) -> str:
    """Find the work that replaced a paper by its authors' comment: `arXiv 2509.00001`, or their description."""
    match = _SUPERSEDED.search(comment or "")
    if match is None:
        return ""
    named_id = _NAMED_ID.search(match["work"])
    if named_id:
        return f"arXiv {_normalise_id(named_id[1])}"
    if match["maybe"]:  # replaced manually by a new version
        return ""
    return shorten_text(re.split(r"[.;](?:\s|$)", match["work"], maxsplit=1)[0].strip(), _MAX_DESCRIPTION_LENGTH)
