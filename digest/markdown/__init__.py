"""Markdown that every parser reads alike: foreign text escaped into it, the editor's prose rewritten from its tree."""

from digest.markdown.emphasis import InlineStyle, write_styled_text
from digest.markdown.escape import SafeMarkdown, encode_link, escape_code_text, escape_markdown
from digest.markdown.lint import LintWarning, lint_markdown
from digest.markdown.prose import (
    render_description,
    render_html,
    render_html_line,
    render_text,
    rewrite_markdown,
    rewrite_markdown_line,
)

__all__ = [
    "InlineStyle",
    "LintWarning",
    "SafeMarkdown",
    "encode_link",
    "escape_code_text",
    "escape_markdown",
    "lint_markdown",
    "render_description",
    "render_html",
    "render_html_line",
    "render_text",
    "rewrite_markdown",
    "rewrite_markdown_line",
    "write_styled_text",
]
