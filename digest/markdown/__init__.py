"""Markdown that every parser reads alike: foreign text escaped into it, the editor's prose rewritten from its tree."""

from digest.markdown.emphasis import Style, emphasised
from digest.markdown.escape import Md, escape, escape_code, link
from digest.markdown.lint import Remark, lint
from digest.markdown.prose import inline, rewrite, to_html, to_html_line, to_text, to_words

__all__ = [
    "Md",
    "Remark",
    "Style",
    "emphasised",
    "escape",
    "escape_code",
    "inline",
    "link",
    "lint",
    "rewrite",
    "to_html",
    "to_html_line",
    "to_text",
    "to_words",
]
