"""The editor's prose: parsed once as CommonMark, then written as HTML, as plain text, or as Markdown that kramdown
shows the same."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from digest.markdown.escape import Md, escape_code, escape_inside, link, opening
from digest.text import one_line, strip_hidden

_TAGS = {"p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "h2", "h3", "blockquote", "br", "hr"}


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _tokens(prose: str) -> list[Token]:
    return _parser().parse(strip_hidden(prose))


def _tree(prose: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(_tokens(prose))


def to_html_line(prose: str, base: str = "") -> str:
    """The same in one line, without paragraphs."""
    spans = [_html(node, base).strip() for node in _tree(prose).walk() if node.type == "inline"]
    return _clean(" ".join(spans))


def to_html(prose: str, base: str = "") -> str:
    """HTML of prose, sanitised; links that begin with `/` are put below `base`."""
    rendered = "".join(_html(node, base) for node in _tree(prose).children)
    return _clean(rendered)


def _clean(rendered: str) -> str:
    return nh3.clean(rendered, tags=_TAGS, attributes={"a": {"href"}}, link_rel=None, url_schemes={"http", "https"})


def _html(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("text", "softbreak", "hardbreak"):
        return {"softbreak": "\n", "hardbreak": "<br />"}.get(kind, html.escape(node.content, quote=False))
    if kind in ("code_inline", "fence", "code_block"):
        code = f"<code>{html.escape(node.content, quote=False)}</code>"
        return code if kind == "code_inline" else f"<pre>{code}</pre>\n"
    if kind == "image":
        return _html_link(node, str(node.attrs.get("src", "")), html.escape(node.content), base)
    inner = "".join(_html(child, base) for child in node.children)
    if kind == "link":
        return _html_link(node, str(node.attrs.get("href", "")), inner, base)
    if (kind == "paragraph" and node.hidden) or kind == "inline":
        return inner
    if kind == "heading":
        return f"<{_heading(node)}>{inner}</{_heading(node)}>\n" if inner else ""
    return f"<{node.tag}>{inner}</{node.tag}>" + ("" if kind in ("em", "strong") else "\n")


def _html_link(node: SyntaxTreeNode, to: str, words: str, base: str) -> str:
    target = "" if within(node, "link") else address(to, base)
    return f'<a href="{html.escape(target)}">{words}</a>' if target and words.strip() else words


def _heading(node: SyntaxTreeNode) -> str:
    return "h2" if node.tag in ("h1", "h2") else "h3"


def within(node: SyntaxTreeNode, kind: str) -> bool:
    """Whether a node stands in one of that kind: no page has a link within a link."""
    above = node.parent
    while above is not None and above.type != kind:
        above = above.parent
    return above is not None


def address(to: str, base: str) -> str:
    """Where a link leads: the web, a place on this site, an anchor; empty for all else."""
    if to.startswith("//"):
        return ""
    if to.startswith("/"):
        absolute = link(f"https://site.invalid{to}")
        return base + absolute.removeprefix("https://site.invalid") if absolute else ""
    if re.fullmatch(r"#[A-Za-z0-9_.:-]+", to):
        return to
    return link(to)


def rewrite(prose: str, base: str = "") -> Md:
    """Markdown written anew from the prose's tree: kramdown shows what CommonMark reads, and Liquid sees nothing."""
    return Md(_blocks(_tree(prose).children, base))


def inline(prose: str, base: str = "") -> Md:
    """The same as one line, for a list item or a table cell: the words of all its paragraphs."""
    parts = [_inline(node.children, base) for node in _tree(prose).walk() if node.type == "inline"]
    return opening(" ".join(part.strip() for part in parts))


def _blocks(nodes: Sequence[SyntaxTreeNode], base: str, between: str = "\n\n") -> str:
    """Blocks one after the other; kramdown lets a list or a quotation go on where a lone `^` does not end it."""
    out = ""
    for node, before in zip(nodes, (None, *nodes), strict=False):
        open_ended = before is not None and before.type in ("bullet_list", "ordered_list", "blockquote")
        out += ("\n\n^\n\n" if open_ended else between if before is not None else "") + _block(node, base)
    return out


def _block(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("fence", "code_block"):
        return f"<pre><code>{escape_code(node.content)}</code></pre>"
    if kind == "hr":
        return "<hr />"
    if kind == "heading":
        words = _children(node, base)
        return f"{'#' * int(_heading(node)[1])} {words}" if words else ""
    if kind == "blockquote":
        return _prefixed(_blocks(node.children, base), "> ", "> ")
    if kind in ("bullet_list", "ordered_list"):
        return _list(node, base)
    return opening(_children(node, base))


def _list(node: SyntaxTreeNode, base: str) -> str:
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items = []
    for number, item in enumerate(node.children, 1):
        mark = "- " if node.type == "bullet_list" else f"{number}. "
        body = _blocks(item.children, base, "\n" if tight else "\n\n")
        items.append(_prefixed(body, mark, " " * len(mark)))
    return ("\n" if tight else "\n\n").join(items)


def _prefixed(body: str, first: str, rest: str) -> str:
    lines = body.split("\n")
    return "\n".join(
        (first if i == 0 else rest) + line if line or i == 0 else rest.rstrip() for i, line in enumerate(lines)
    )


def _children(node: SyntaxTreeNode, base: str) -> str:
    return "".join(_inline(child.children, base) for child in node.children if child.type == "inline").strip()


def _inline(nodes: Iterable[SyntaxTreeNode], base: str) -> str:
    """Spans one after the other; an exclamation mark before a link would make an image of it."""
    out = ""
    for span in (_span(node, base) for node in nodes):
        out = (f"{out[:-1]}&#33;" if out.endswith("!") and span.startswith("[") else out) + span
    return out


def _span(node: SyntaxTreeNode, base: str) -> str:
    """Emphasis is written as tags: kramdown and CommonMark differ on stars beside letters and on stars in stars."""
    simple: dict[str, Callable[[], str]] = {
        "text": lambda: escape_inside(node.content),
        "softbreak": lambda: " ",
        "hardbreak": lambda: "<br />",
        "code_inline": lambda: f"<code>{escape_code(node.content)}</code>",
        "em": lambda: f"<em>{_inline(node.children, base)}</em>",
        "strong": lambda: f"<strong>{_inline(node.children, base)}</strong>",
        "link": lambda: _md_link(node, _inline(node.children, base), str(node.attrs.get("href", "")), base),
        "image": lambda: _md_link(node, escape_inside(node.content), str(node.attrs.get("src", "")), base),
    }
    return simple[node.type]()


def _md_link(node: SyntaxTreeNode, words: str, to: str, base: str) -> str:
    target = "" if within(node, "link") else address(to, base).replace("&", "&amp;")
    return f"[{words}]({target})" if target and words.strip() else words


def to_text(prose: str, base: str = "") -> str:
    """Plain text of prose: paragraphs apart by a blank line, a link's address after its words."""
    return "\n\n".join(text for node in _tree(prose).children if (text := _text(node, base).strip()))


def to_words(prose: str) -> str:
    """The words of prose on one line, for descriptions: no addresses, no marks, no blocks of code."""
    spans = (node for node in _tree(prose).walk() if node.type == "inline")
    return one_line(" ".join("".join(_word(node) for node in span.walk()) for span in spans))


def _word(node: SyntaxTreeNode) -> str:
    return node.content if node.type in ("text", "code_inline") else " " * node.type.endswith("break")


def _text(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("text", "code_inline", "fence", "code_block"):
        return node.content
    if kind in ("softbreak", "hardbreak"):
        return " "
    inner = "".join(_text(child, base) for child in node.children)
    if kind == "link":
        target = address(str(node.attrs.get("href", "")), base)
        return inner if target in ("", inner) or target.startswith("#") else f"{inner} ({target})"
    if kind == "list_item":
        return _prefixed(inner.strip(), "- ", "  ") + "\n"
    if kind == "blockquote":
        return _prefixed(inner.strip(), "> ", "> ") + "\n\n"
    return inner + ("\n\n" if kind == "paragraph" and not node.hidden else "\n" if kind == "paragraph" else "")
