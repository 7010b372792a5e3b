"""Find constructs in the editor's prose that render differently elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from digest.markdown.render import is_within, resolve_link
from digest.text import strip_hidden

_ALLOWED_SPANS = {"text", "softbreak", "em", "strong", "link", "code_inline", "image"}
_ALLOWED_BLOCKS = {"heading", "fence", "bullet_list", "list_item", "blockquote", "paragraph"}
_UNSUPPORTED_NAMES = {
    "ordered_list": "a numbered list",
    "hr": "a horizontal rule",
    "hardbreak": "a forced line break",
    "code_block": "an indented block (fence it with ```)",
}
_SHOWN_AS_TEXT = "which is shown as text"

# Constructs of other dialects, mostly of kramdown: https://kramdown.gettalong.org/syntax.html
_LINE_PATTERNS = (
    (re.compile(r"\*\[[^\]]+\]:"), f"an abbreviation, {_SHOWN_AS_TEXT}"),
    (re.compile(r":[ \t]"), f"a definition, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\[[ xX]\](?:[ \t]|$)"), f"a box to tick, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\[[^\]]+\]:"), f"an address to refer to, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\^[ \t]*$"), f"a lone ^, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\d+\.[ \t]"), f"a line that begins like a numbered list, {_SHOWN_AS_TEXT}"),
    (re.compile(r"=+"), f"a line of =, {_SHOWN_AS_TEXT}"),
    (re.compile(r".*\\ *$"), "a line that ends in a backslash"),
)
_TEXT_PATTERNS = (
    (re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(\s[^<>]*)?/?>|<!--|<\?|<![A-Z]"), f"HTML, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\{\{|\{%"), f"Liquid, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\{:|\{#"), f"an attribute list, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\|"), f"a |, {_SHOWN_AS_TEXT} and makes no table (write \\|)"),
    (re.compile(r"\$\$"), f"a formula, {_SHOWN_AS_TEXT}"),
    (re.compile(r"\[\^[^\]]"), f"a footnote, {_SHOWN_AS_TEXT}"),
    (re.compile(r"~~"), f"~~ for deleted text, {_SHOWN_AS_TEXT}"),
    (re.compile("`"), "a backtick that opens no code (write \\`)"),
    (re.compile(r"\]\("), "a link without an address that a page may have"),
)
_LEFTOVER_MARKER = re.compile(r"\*(?=\S)|(?<![^\W\d_])_(?=\S)")
_UNUSED_MARKER = "a {0} that emphasises nothing (check the characters beside it, or write \\{0})"
_NEEDLESS_ESCAPES = set("&^%,;/?@")  # characters before which kramdown shows the backslash


@dataclass(frozen=True, slots=True)
class LintWarning:
    """A construct that renders differently elsewhere; `line` is 1-based."""

    line: int
    message: str


@cache
def _parser() -> MarkdownIt:
    """Leave out the last step, which joins escaped characters with bare ones."""
    return MarkdownIt("commonmark", {"html": False}).disable("text_join")


def lint_markdown(prose: str) -> list[LintWarning]:
    """Find what is outside the subset: paragraphs, emphasis, links, `-` lists, `##` headings, quotes, fenced code."""
    source = strip_hidden(prose)
    lines = source.split("\n")
    tree = SyntaxTreeNode(_parser().parse(source))
    warnings = {warning for node in tree.walk(include_self=False) for warning in _lint_node(node, lines)}
    return [LintWarning(line, message) for line, message in sorted(warnings)]


def _lint_node(node: SyntaxTreeNode, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the warnings of a block, or of the spans of its text, each with its line."""
    first = node.map[0] + 1 if node.map else 1
    if node.type == "inline":
        for at, message in _lint_inline(node):
            yield first + node.content[:at].count("\n"), message
        for number, line in enumerate(node.content.split("\n"), first):
            yield from ((number, message) for pattern, message in _LINE_PATTERNS if pattern.match(line))
            if number > first and line.startswith("<"):
                yield number, "a line that begins with <; join it to the one before"
            if "\t" in lines[number - 1]:
                yield number, "a tab; write spaces"
    elif node.map:
        yield from ((first, message) for message in _lint_block(node, lines))


def _lint_block(node: SyntaxTreeNode, lines: Sequence[str]) -> Iterator[str]:
    if node.type == "heading":
        yield from _lint_heading(node)
    elif node.type == "fence":
        yield from _lint_fence(node, lines)
    elif node.type == "bullet_list" and node.markup != "-":
        yield f"a list marked with {node.markup}; mark it with -"
    elif node.type in ("list_item", "blockquote") and not node.children:
        yield "a quotation or a list's line without text"
    elif node.type not in _ALLOWED_BLOCKS:
        yield _describe_unsupported(node)
    before = node.previous_sibling
    is_below_block = before is not None and before.type in ("bullet_list", "blockquote")
    if is_below_block and lines[_get_start_line(node) - 1].strip("> \t"):
        yield "this begins right below a list or a quotation; leave a blank line between"


def _get_start_line(node: SyntaxTreeNode) -> int:
    return node.map[0] if node.map else 0


def _describe_unsupported(node: SyntaxTreeNode) -> str:
    return f"{_UNSUPPORTED_NAMES.get(node.type, node.type)} is outside the allowed subset"


def _lint_heading(node: SyntaxTreeNode) -> Iterator[str]:
    if node.tag not in ("h2", "h3"):
        yield f"a heading of level {node.tag[1]}; write it with ##"
    elif not node.markup.startswith("#"):
        yield "a heading that is underlined; write it with ##"
    if not any(child.content for child in node.children):
        yield "a heading without text"


def _lint_fence(node: SyntaxTreeNode, lines: Sequence[str]) -> Iterator[str]:
    end = node.map[1] if node.map else 0
    last = lines[end - 1].strip("> \t")
    if end - _get_start_line(node) < 2 or not last.startswith(node.markup) or set(last) != set(node.markup):
        yield f"a block of code that is never closed with {node.markup}"


def _lint_inline(inline: SyntaxTreeNode) -> Iterator[tuple[int, str]]:
    """Yield the warnings of the spans of a block, each with its position."""
    for at, node in _locate_spans(inline):
        if node.type == "text":
            yield from ((at, message) for pattern, message in _TEXT_PATTERNS if pattern.search(node.content))
            yield from _lint_leftover_markers(inline.content, at, node)
        elif node.type == "text_special":
            if node.info == "escape" and node.content in _NEEDLESS_ESCAPES:
                yield at, f"a backslash before {node.content}, which needs none"
        elif node.type in ("em", "strong"):
            yield from ((at, message) for message in _lint_emphasis(node))
        elif node.type == "link":
            yield from ((at, message) for message in _lint_link(node, inline.content))
        elif node.type == "code_inline" and (node.markup in node.content or inline.content[at - 1 : at].isspace()):
            yield at, "code with a space or a backtick at its edge"
        elif node.type not in _ALLOWED_SPANS:
            yield at, _describe_unsupported(node)


def _locate_spans(inline: SyntaxTreeNode) -> Iterator[tuple[int, SyntaxTreeNode]]:
    """Yield every span with its position; for links and emphasis, the position of their text."""
    source, position = inline.content.replace("\n", " "), 0
    for node in inline.walk(include_self=False):
        if node.type in ("softbreak", "hardbreak"):
            yield position, node
            position = inline.content.find("\n", position) + 1
            continue
        start = -1 if node.children else source.find(node.content, position)
        yield max(position, start), node
        position = position if start < 0 else start + len(node.content)


def _lint_leftover_markers(source: str, at: int, text: SyntaxTreeNode) -> Iterator[tuple[int, str]]:
    """Yield markers that emphasise nothing here but would elsewhere, because a second one follows."""
    end, before = at + len(text.content), text.previous_sibling
    for match in takewhile(lambda match: match.start() < end, _LEFTOVER_MARKER.finditer(source, at)):
        if re.search(rf"\S\{match[0]}", source[match.end() :]):
            yield match.start(), _UNUSED_MARKER.format(match[0])
    if before is not None and before.type in ("em", "strong") and text.content.startswith(before.markup[0]):
        yield at, _UNUSED_MARKER.format(before.markup[0])


def _lint_emphasis(node: SyntaxTreeNode) -> Iterator[str]:
    nested = [child.type in ("em", "strong") for child in node.children if child.content or child.children]
    if is_within(node, node.type) or (len(nested) > 1 and (nested[0] or nested[-1])):
        yield "emphasis that begins or ends within emphasis"


def _lint_link(node: SyntaxTreeNode, source: str) -> Iterator[str]:
    href = str(node.attrs.get("href", ""))
    path = unquote(href.partition("//")[2].partition("/")[2])
    if not resolve_link(href, ""):
        yield "a link that is neither http nor https, nor a place on this site"
    elif path not in unquote(source) or "|" in path:
        yield "an address with characters that parsers read differently; write them as %5C, %7C"
    if not any(below.content.strip("^") for below in node.walk() if not below.children):
        yield "a link without text"
    if is_within(node, "link"):
        yield "a link within a link"
    if node.attrs.get("title"):
        yield "a link's title, which is not shown"
