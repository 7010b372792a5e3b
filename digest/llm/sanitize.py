"""Clean text for prompts, and the text that models return: remove hidden characters, links and markup."""

from __future__ import annotations

import re
import unicodedata

from digest.text import normalise_line, strip_hidden

MAX_PROMPT_CHARACTERS = 4_000
_MAX_MODEL_TEXT = 20_000  # characters; no reply that is printed needs more

_COMMENT = re.compile(r"(?s)<!--.*?(?:-->|$)")
_HIDDEN_ELEMENT = re.compile(
    r"(?is)<(script|style|template|noscript)\b.*?(?:</\1\s*>|$)|<(?=[^<>]*\bhidden\b)[^<>]*>.*?(?:</\w+>|$)"
)
_TAG = re.compile(r"(?i)</?(?:a|b|br|code|div|em|h[1-6]|i|img|li|ol|p|pre|span|strong|sub|sup|table|td|tr|ul)\b[^<>]*>")
# Fillers and selectors that are not of Unicode's format class and still show nothing.
BLANK_CHARACTERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

_MARKDOWN_LINK = re.compile(r"!?\[([^\]\[]*)\]\((?:[^()]|\([^()]*\))*\)")
_TOP_LEVEL_DOMAINS = (  # behind which a word is an address however it is spelled
    "com|org|net|io|ai|dev|co|app|xyz|info|me|ru|cn|de|uk|fr|eu|example|test|invalid|gg|ly|sh|tech|site"
    "|online|top|click|link|zip|biz|shop|store|page|cloud|pro|live|news|blog|club|edu|gov"
)
_FILE_EXTENSIONS = (  # endings of names of files and programs that no address has
    "js|jsx|ts|tsx|mjs|cpp|hpp|cu|json|jsonl|yaml|yml|toml|txt|csv|tsv|xml|html|css|tex|bib|pdf|png|jpe?g|gif|svg"
    "|ipynb|onnx|gguf|safetensors|parquet|exe|cfg|ini|log|tar|gz"
)
_DOT = r"(?:\\?[.\u3002\uff61\u2024\uff0e]|\s?\[\.\]\s?|\s?\(dot\)\s?|\sdot\s)"
LINK_PATTERN = re.compile(
    r"(?:\b(?:https?|ftp|file|data|javascript|mailto|tel|hxxps?):\S+|\bwww\.\S+|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]+"
    r"|\bthis https? URL\b"  # where arXiv has taken one out
    r"|\bh ?t ?t ?p ?s? ?: ?/ ?/(?: ?[\w.-])*"
    rf"|(?<![\w@.-])(?:[\w-]+{_DOT}){{1,127}}(?:{_TOP_LEVEL_DOMAINS})\b(?:[:/]\S*)?"
    # Any other word behind a dot, unless it begins a sentence or ends the name of a file or a shortened word.
    rf"|(?<![\w@.-])(?:[^\W_][\w-]+[.\u3002\uff61\u2024\uff0e])+(?!(?:{_FILE_EXTENSIONS})\b)"
    r"(?-i:[^\W\d_A-Z]{2,24}|[A-Z]{2,24})\b(?![.\w])(?:[:/]\S*)?"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\S*)?"
    r"|(?<![\w@.])@[A-Za-z]\w{2,}(?!\w))",
    re.I,
)


def sanitise_for_prompt(text: str, limit: int = MAX_PROMPT_CHARACTERS) -> str:
    """Return the visible text on one line, at most `limit` characters."""
    text = _TAG.sub(" ", _HIDDEN_ELEMENT.sub(" ", _COMMENT.sub(" ", text)))
    text = BLANK_CHARACTERS.sub("", strip_hidden(text))
    visible = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cn"))
    return normalise_line(visible)[:limit].rstrip()


def clean_model_text(text: str, title: str = "") -> tuple[str, tuple[str, ...]]:
    """Return a model's text as one line of plain text, and what was removed: links, markup, a repeated title."""
    removed: list[str] = []

    def drop(match: re.Match[str]) -> str:
        removed.append(match[0])
        return " "

    text = _COMMENT.sub(" ", strip_hidden(unicodedata.normalize("NFC", text[:_MAX_MODEL_TEXT])))
    removed += [match[0] for match in _MARKDOWN_LINK.finditer(text)]
    text = re.sub(r"</?[A-Za-z][^<>]*>|\{\{[^{}]*\}\}|\{%[^{}]*%\}", drop, _MARKDOWN_LINK.sub(r"\1", text))
    text = re.sub(r"(?m)^[^\S\n]*(?:#{1,6}|[-*>]|\d+\.)\s+", "", text)
    text = re.sub(r"\*\*|__|`+|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", "", text)
    text = _strip_title(normalise_line(text), title)
    while LINK_PATTERN.search(text := normalise_line(re.sub(r"\s+(?=[.,;:!?])|\s*\(\s*\)|\s*\[\s*\]", "", text))):
        text = LINK_PATTERN.sub(drop, text)  # removing one may join the halves of another
    return text, tuple(removed)


def _strip_title(text: str, title: str) -> str:
    """Remove the title and a colon at the start, which models like to add."""
    start = normalise_line(title)
    if start and text.casefold().startswith(start.casefold()):
        rest = text[len(start) :].lstrip()
        if rest[:1] in (":", "-", "–", "—", "."):
            return rest[1:].lstrip()
    return text


def defang_links(text: str) -> str:
    """Return a text for a warning: its addresses stay readable, and are no links any more."""
    return LINK_PATTERN.sub(lambda link: re.sub(r"[.:@\u3002\uff61\u2024\uff0e]", r"[\g<0>]", link[0]), text)
