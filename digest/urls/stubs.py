"""Recognise what a server sends in place of a page: a browser check, a sign-in wall, or a stub that only forwards."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

from digest.protocols import Response
from digest.urls.canonical import extract_site

_MAX_STUB_BYTES = 20_000  # a page that only forwards, or only checks the browser, is short
_META_REFRESH = re.compile(
    rb"""<meta[^>]*http-equiv\s*=\s*["']?refresh["']?[^>]*content\s*=\s*["']\s*[0-5](?:\.\d+)?\s*[;,]\s*url\s*=\s*'?([^"'>]+)""",
    re.I,
)
_CHALLENGE = re.compile(
    rb"anubis_challenge|/\.within\.website/|_cf_chl_opt|/cdn-cgi/challenge-platform/|awswaf|captcha-delivery\.com"
    rb"|px-captcha|_Incapsula_Resource|sgcaptcha|ddos-guard/js-challenge|go-away-challenge",
    re.I,
)

_SCRIPT_REFRESH = re.compile(
    rb"""<script[^>]*>\s*(?:window\.|document\.|top\.|self\.)*location(?:\.href)?\s*(?:=|\.(?:replace|assign)\()\s*["']([^"'<>]+)["']""",
    re.I,
)
_PARAGRAPH = re.compile(rb"<(?:p|article|main)\b", re.I)
_PASSWORD_FIELD = re.compile(rb"""<input[^>]*type\s*=\s*["']?password""", re.I)
_SIGN_IN_PATH = re.compile(
    r"/(?:log-?in|sign-?in|wp-login\.php|sso|oauth2?|session/new|users/sign_in|authorize)(?:/|$|\.)", re.I
)
_SIGN_IN_TITLE = re.compile(
    r"(?i)(?:please )?(?:sign[ -]?in|log[ -]?in|login|anmelden|anmeldung|connexion|se connecter|iniciar sesi[oó]n|accedi|"
    r"subscribe to (?:read|continue)|sign (?:in|up) to (?:read|continue).*)(?:\W.*)?"
)
_GONE_TITLE = re.compile(
    r"(?i)(?:error\W{0,3})?(?:404(?:\W.*)?|(?:the |this )?(?:page|post|article|content|site) (?:was |is |could )?not "
    r"(?:be )?(?:found|available)(?:\W.*)?|not found(?:\W.*)?|(?:page|post|article) (?:does not|doesn.t) exist(?:\W.*)?|"
    r"seite nicht gefunden(?:\W.*)?|page (?:introuvable|non trouvée)(?:\W.*)?|p[aá]gina no encontrada(?:\W.*)?|"
    r"pagina non trovata(?:\W.*)?|(?:this )?domain (?:name )?(?:is |may be )?for sale(?:\W.*)?)"
)
_CHECK_TITLE = re.compile(
    r"(?i)(?:just a moment|making sure you.?.?re not a bot|attention required|checking your browser|are you (?:a )?(?:human|robot)|"
    r"verif(?:y|ying) (?:that )?you are (?:a )?human|one moment,? please|access denied|ddos protection|security check|"
    r"please enable javascript|pardon our interruption|request unsuccessful)(?:\W.*)?"
)
_FORWARD_TITLE = re.compile(
    r"(?i)(?:you are being )?(?:redirect(?:ing|ed)?|weiterleitung|redirection)(?:\W.*)?|(?:page |this page has )?moved(?: permanently)?\W*"
)


def describe_stand_in(title: str, asked_url: str, url: str, body: bytes) -> str:
    """Describe what was served in place of the page that was asked for; "" for the page itself.

    A real post may have any of these titles, so a page with a text of its own must also look like a stand-in.
    """
    asked_path, path = urlsplit(asked_url).path.strip("/"), urlsplit(url).path.strip("/")
    has_text = len(_PARAGRAPH.findall(body)) > 4
    has_moved_to_sign_in = bool(_SIGN_IN_PATH.search(f"/{path}")) and not _SIGN_IN_PATH.search(f"/{asked_path}")
    if has_moved_to_sign_in or (_SIGN_IN_TITLE.fullmatch(title) and _PASSWORD_FIELD.search(body)):
        return "a sign-in page"
    if asked_path and not path:
        return "the site's home page, so the page is gone"
    if has_text:
        return ""
    rules = ((_GONE_TITLE, "a page that says it was not found"), (_CHECK_TITLE, "a browser check"),
             (_FORWARD_TITLE, "a page that only forwards"))  # fmt: skip
    return next((what for pattern, what in rules if pattern.fullmatch(title)), "")


def find_meta_refresh(response: Response) -> str:
    """Find where a short page forwards to at once, by its head or a script, on its own site; else return ""."""
    if response.status != 200 or len(response.body) > _MAX_STUB_BYTES:
        return ""
    match = _META_REFRESH.search(response.body)
    if not match and len(_PARAGRAPH.findall(response.body)) <= 1 and "html" in response.headers.get("content-type", ""):
        match = _SCRIPT_REFRESH.search(response.body)
    target = unescape(match[1].decode("utf-8", "replace").strip()) if match else ""
    absolute = urljoin(response.url, target)
    is_elsewhere = extract_site(absolute) != extract_site(response.url) or absolute.partition("#")[0] == response.url
    return "" if not target or is_elsewhere else target


def is_challenge(response: Response) -> bool:
    """Whether a browser check was served in place of the page; a long page that only mentions one is none."""
    if response.headers.get("cf-mitigated") == "challenge":
        return True
    is_html = "html" in response.headers.get("content-type", "")
    return is_html and len(response.body) <= _MAX_STUB_BYTES and _CHALLENGE.search(response.body) is not None
