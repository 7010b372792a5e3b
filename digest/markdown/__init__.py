"""Markdown that every parser reads alike: foreign text escaped into it, the editor's prose rewritten from its tree."""

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
