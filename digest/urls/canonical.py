"""Canonical spelling of a URL, without the parts that do not change what it shows."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, quote, urlsplit, urlunsplit


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TRACKERS = _split_words(
    "__hsfp __hssc __hstc __readwiselocation _bhlid _branch_match_id _branch_referrer _bta_c _bta_tid _ga _gl"
    " _hsenc _hsmi _ke _openstat _sm_au_ at_campaign at_medium bsft_clkid bsft_uid campaign_content campaign_id"
    " campaign_medium campaign_name campaign_source campaign_term campaignid cmpid dclid ef_id epik fb_action_ids"
    " fb_action_types fb_comment_id fb_ref fb_source fbclid feature_src gad_campaignid gad_source gbraid gclid"
    " gclsrc gdffi gdfms gdftrk guccounter guce_referrer guce_referrer_sig hmb_campaign hmb_medium hmb_source"
    " hsa_acc hsa_ad hsa_cam hsa_grp hsctatracking igsh igshid itm_campaign itm_medium itm_source li_fat_id mc_cid"
    " mc_eid mc_tc mkcid mkevt mkrid mkt_tok ml_subscriber ml_subscriber_hash msclkid ns_campaign ns_mchannel"
    " ns_source oly_anon_id oly_enc_id rb_clickid s_cid s_kwcid sc_channel sc_cid share_id spm sr_share srsltid"
    " syclid trk trkinfo ttclid twclid vero_conv vero_id wbraid wickedid wt_mc xtor yclid ysclid"
)
_TRACKER_PREFIXES = ("utm_", "mtm_", "pk_", "matomo_", "hsa_", "guce_", "stm_")
_HOST_VALUE = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}/?", re.I)
_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/:@!$&'()*+,;=-._~%"
_QUERY_SAFE = _PATH_SAFE + "?"
_EDGE_CHARACTERS = "".join(map(chr, range(33))) + "\x7f\x85\xa0"
_INNER_WHITESPACE = re.compile(r"[\t\r\n]")
_HTTP_URL = re.compile(r"https?://[^\s/?#\\]+", re.I)
_CANONICAL_URL = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?")

# Two addresses of one work on one host: (host, pattern on the address behind the host, the one spelling).
_MIRROR_PATHS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("openreview.net", re.compile(r"/(?:pdf|forum|references/pdf)\?(?:[^#]*&)?id=([\w-]+).*"), r"/forum?id=\1"),
    ("x.com", re.compile(r"/(?:\w+|i/web)/status/(\d+).*"), r"/i/status/\1"),
    ("youtube.com", re.compile(r"/watch\?(?:[^#]*&)?v=([\w-]{11}).*"), r"/watch?v=\1"),
    ("youtube.com", re.compile(r"/(?:shorts|live|embed)/([\w-]{11}).*"), r"/watch?v=\1"),
    ("youtu.be", re.compile(r"/([\w-]{11}).*"), r"/watch?v=\1"),
    ("aclanthology.org", re.compile(r"/([\w.-]+?\.\d+|[A-Z]\d{2}-\d+)(?:\.pdf|\.bib)?/?"), r"/\1"),
)
# Other names of a host.
_SAME_HOSTS = {"twitter.com": "x.com", "mobile.twitter.com": "x.com", "m.youtube.com": "youtube.com"}
# Redirectors that carry the address they lead to: (host, path) to the parameters that may hold it.
_REDIRECTORS = {
    ("google.com", "/url"): "url q",
    ("l.facebook.com", "/l.php"): "u",
    ("lm.facebook.com", "/l.php"): "u",
    ("l.instagram.com", ""): "u",
    ("youtube.com", "/redirect"): "q",
    ("linkedin.com", "/safety/go"): "url",
    ("out.reddit.com", ""): "url",
    ("duckduckgo.com", "/l"): "uddg",
    ("slack-redir.net", "/link"): "url",
    ("t.umblr.com", "/redirect"): "z",
}
_SUFFIX_LABELS = _split_words("ac co com edu gob gov go gv net ne nom or org sch")
_SHARED_HOSTS = _split_words(
    "beehiiv.com blogspot.com ghost.io github.io gitlab.io herokuapp.com hf.space medium.com mirror.xyz netlify.app"
    " notion.site pages.dev readthedocs.io substack.com tumblr.com vercel.app web.app wordpress.com"
)


def is_http_url(url: str) -> bool:
    """Whether this is an http or https address with a host, the only kind that is shown or fetched."""
    return bool(_CANONICAL_URL.fullmatch(url)) or (bool(_HTTP_URL.match(url)) and bool(_split_url(url).hostname))


@lru_cache(maxsize=4096)
def canonicalise_url(url: str) -> str:
    """Remove fragment, default port and trackers, and normalise the rest; idempotent, never raises."""
    if _CANONICAL_URL.fullmatch(url):
        return url if url.count("/") > 2 else url + "/"
    url = _INNER_WHITESPACE.sub("", url.strip(_EDGE_CHARACTERS))
    parts = _split_url(url)
    scheme = parts.scheme.lower()
    host = _encode_host(parts.hostname or "")
    if scheme not in _PORTS or not host:
        return _normalise_escapes(url, _QUERY_SAFE + "#[]")
    if target := _unwrap_redirector(host, parts):
        return canonicalise_url(target)
    path = _resolve_dots(_normalise_escapes(parts.path.replace("\\", "/"), _PATH_SAFE)) or "/"
    pairs = _normalise_escapes(parts.query, _QUERY_SAFE).split("&")
    query = "&".join(pair for pair in pairs if pair and not _is_tracker(pair))
    return urlunsplit((scheme, _build_netloc(host, parts), path, query, ""))


def _unwrap_redirector(host: str, parts: SplitResult) -> str:
    """Return the address that a counting redirector carries, as in Google Alerts; else ""."""
    name = _REDIRECTORS.get((host.removeprefix("www."), parts.path.rstrip("/")))
    if not name:
        return ""
    values = parse_qs(parts.query)
    return next((v[0] for key in name.split() if (v := values.get(key)) and _HTTP_URL.match(v[0])), "")


def build_match_url(url: str) -> str:
    """Build the form in which addresses are compared: https, without a slash at the end."""
    plain = canonicalise_url(url)
    if not plain.startswith(("http://", "https://")):
        return plain
    host, slash, rest = plain.partition("://")[2].partition("/")
    host, rest = _unify_mirror(host, slash + rest)
    path, mark, query = rest.partition("?")
    return f"https://{host}{path.rstrip('/')}{mark}{query}"


def extract_site(url: str) -> str:
    """Extract the registrable domain (`example.co.uk` of `blog.example.co.uk`), or "" without a host.

    Subdomains of shared hosts such as github.io count as sites of their own.
    """
    host = extract_host(url)
    labels = host.split(".")
    if len(labels) < 3 or labels[-1].isdigit() or ":" in host:
        return host
    two = ".".join(labels[-2:])
    deep = two in _SHARED_HOSTS or (len(labels[-1]) == 2 and labels[-2] in _SUFFIX_LABELS)
    return ".".join(labels[-3:]) if deep else two


def extract_host(url: str) -> str:
    """Extract the host of an http address, lower-case and without port, or ""."""
    plain = canonicalise_url(url)
    return (_split_url(plain).hostname or "") if plain.startswith(("http://", "https://")) else ""


@lru_cache(maxsize=1024)
def _split_url(url: str) -> SplitResult:
    """Split an address; one that cannot be read has no parts."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return SplitResult("", "", url, "", "")
    return parts


def _build_netloc(host: str, parts: SplitResult) -> str:
    """Build host and port without a default port, user name and password."""
    port = parts.port
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None or port == _PORTS[parts.scheme.lower()] else f"{shown}:{port}"


def _encode_host(host: str) -> str:
    """Encode the host for DNS (IDNA 2008 with UTS 46 mapping)."""
    host = host.lower().rstrip(".")
    if not host.isascii():
        import idna

        with suppress(idna.IDNAError):
            return idna.encode(host, uts46=True).decode()
    return _normalise_escapes(host, ":-._~%").lower()


def _normalise_escapes(text: str, safe: str) -> str:
    """Normalise percent-encoding: unreserved characters bare, the rest in capitals (RFC 3986 6.2.2)."""
    if text.isascii() and "%" not in text and text.isalnum():
        return text
    text = _ESCAPE.sub(_normalise_escape, text)
    text = re.sub(r"%(?![0-9A-F]{2})", "%25", text)
    return quote(text.encode("utf-8", "surrogatepass"), safe=safe)


def _normalise_escape(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _resolve_dots(path: str) -> str:
    """Resolve `.` and `..` segments (RFC 3986 5.2.4)."""
    if "/." not in path:
        return path
    resolved: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del resolved[-1:]
        elif segment != ".":
            resolved.append(segment)
    end = "/" if segments[-1] in (".", "..") and resolved else ""
    return "/" + "/".join(resolved) + end


def _is_tracker(pair: str) -> bool:
    """Whether a `name=value` of the query says only where the reader came from."""
    name, _, value = pair.partition("=")
    name = name.lower()
    if name in ("ref", "source", "src"):
        return bool(_HOST_VALUE.fullmatch(value)) or value.lower().startswith("rss")
    return name in _TRACKERS or name.startswith(_TRACKER_PREFIXES)


def _unify_mirror(host: str, rest: str) -> tuple[str, str]:
    """Unify host and path where one work is shown at several addresses."""
    bare = host.removeprefix("www.")
    bare = _SAME_HOSTS.get(bare, bare)
    for name, pattern, template in _MIRROR_PATHS:
        if bare == name and (match := pattern.fullmatch(rest)):
            return "youtube.com" if bare == "youtu.be" else bare, match.expand(template)
    return host, rest
