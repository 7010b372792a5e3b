"""Parse the editor's prose as CommonMark and write it as HTML, plain text or Markdown that kramdown shows alike."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from digest.markdown.escape import SafeMarkdown, encode_link, escape_code_text, escape_inline, escape_line_start
from digest.text import normalise_line, strip_hidden

PICTURE_FOLDER = "assets/pictures"  # of the site; only pictures there are shown, others become links
_ALLOWED_TAGS = {"p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "h2", "h3", "blockquote", "br", "hr"}
_ALLOWED_TAGS |= {"img", "figure", "figcaption"}
_ALLOWED_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width", "height", "loading"}}
_PICTURE = re.compile(rf"/{PICTURE_FOLDER}/[\w.-]+-(\d+)x(\d+)\.(?:png|jpg|gif|webp)", re.ASCII)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _parse_tree(prose: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(_parser().parse(strip_hidden(prose)))


def render_html_line(prose: str, base: str = "") -> str:
    """Render prose as sanitised HTML on one line, without paragraphs."""
    spans = [_render_html_node(node, base).strip() for node in _parse_tree(prose).walk() if node.type == "inline"]
    return _sanitise_html(" ".join(spans))


def render_html(prose: str, base: str = "") -> str:
    """Render prose as sanitised HTML; links that begin with `/` are put below `base`."""
    return _sanitise_html("".join(_render_html_node(node, base) for node in _parse_tree(prose).children))


def _sanitise_html(rendered: str) -> str:
    cleaned = nh3.clean(
        rendered,
        tags=_ALLOWED_TAGS,
        attributes=_ALLOWED_ATTRIBUTES,
        attribute_filter=_filter_attribute,
        link_rel=None,
        url_schemes={"http", "https"},
    )
    return re.sub(r"<img(?![^>]* src=)[^>]*>", "", cleaned)


def _filter_attribute(tag: str, attribute: str, value: str) -> str | None:
    """Drop the address of a picture that is not the site's."""
    is_foreign = (tag, attribute) == ("img", "src") and not re.search(rf"{_PICTURE.pattern}$", value, re.ASCII)
    return None if is_foreign else value


def _render_html_node(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("text", "softbreak", "hardbreak"):
        return {"softbreak": "\n", "hardbreak": "<br />"}.get(kind, html.escape(node.content, quote=False))
    if kind in ("code_inline", "fence", "code_block"):
        code = f"<code>{html.escape(node.content, quote=False)}</code>"
        return code if kind == "code_inline" else f"<pre>{code}</pre>\n"
    if kind == "image":
        label = html.escape(node.content)
        return _render_picture(node, base) or _render_html_link(node, str(node.attrs.get("src", "")), label, base)
    if figure := _render_figure(node, base):
        return f"{figure}\n"
    inner = "".join(_render_html_node(child, base) for child in node.children)
    if kind == "link":
        return _render_html_link(node, str(node.attrs.get("href", "")), inner, base)
    if (kind == "paragraph" and node.hidden) or kind == "inline":
        return inner
    if kind == "heading":
        return f"<{_heading_tag(node)}>{inner}</{_heading_tag(node)}>\n" if inner else ""
    return f"<{node.tag}>{inner}</{node.tag}>" + ("" if kind in ("em", "strong") else "\n")


def _render_html_link(node: SyntaxTreeNode, href: str, label: str, base: str) -> str:
    target = "" if is_within(node, "link") else resolve_link(href, base)
    return f'<a href="{html.escape(target)}">{label}</a>' if target and label.strip() else label


def _render_figure(node: SyntaxTreeNode, base: str) -> str:
    """Render a paragraph of a picture alone, with its caption; "" for any other node."""
    spans = node.children[0].children if node.type == "paragraph" and node.children else []
    picture = _render_picture(spans[0], base) if len(spans) == 1 and spans[0].type == "image" else ""
    caption = html.escape(str(spans[0].attrs.get("title", "")), quote=False) if picture else ""
    caption = caption.replace("{", "&#123;").replace("}", "&#125;")
    return f"<figure>{picture}{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>" if picture else ""


def _render_picture(node: SyntaxTreeNode, base: str) -> str:
    """Render a picture of the site with the size in its name; "" for any other picture."""
    source = str(node.attrs.get("src", ""))
    match = _PICTURE.fullmatch(source)
    if match is None:
        return ""
    alt = html.escape(node.content).replace("{", "&#123;").replace("}", "&#125;").replace("|", "&#124;")
    size = f'width="{match[1]}" height="{match[2]}" loading="lazy"'
    return f'<img src="{html.escape(base + source)}" alt="{alt}" {size}>'


def _heading_tag(node: SyntaxTreeNode) -> str:
    return "h2" if node.tag in ("h1", "h2") else "h3"


def is_within(node: SyntaxTreeNode, node_type: str) -> bool:
    """Return whether a node is inside a node of that type: no page has a link within a link."""
    parent = node.parent
    while parent is not None and parent.type != node_type:
        parent = parent.parent
    return parent is not None


def resolve_link(href: str, base: str) -> str:
    """Return the target of a link to the web, to this site or to an anchor; "" for any other."""
    if href.startswith("//"):
        return ""
    if href.startswith("/"):
        absolute = encode_link(f"https://site.invalid{href}")
        return base + absolute.removeprefix("https://site.invalid") if absolute else ""
    if re.fullmatch(r"#[A-Za-z0-9_.:-]+", href):
        return href
    return encode_link(href)


def rewrite_markdown(prose: str, base: str = "") -> SafeMarkdown:
    """Write prose as Markdown that kramdown shows as CommonMark reads it and that holds no Liquid."""
    return SafeMarkdown(_write_blocks(_parse_tree(prose).children, base))


def rewrite_markdown_line(prose: str, base: str = "") -> SafeMarkdown:
    """Write the text of all paragraphs as one line of Markdown, for a list item or a table cell."""
    parts = [_write_inline(node.children, base) for node in _parse_tree(prose).walk() if node.type == "inline"]
    return escape_line_start(" ".join(part.strip() for part in parts))


def _write_blocks(nodes: Sequence[SyntaxTreeNode], base: str, between: str = "\n\n") -> str:
    """Write blocks; a lone `^` ends a list or a quotation, which kramdown would continue."""
    out = ""
    for node, before in zip(nodes, (None, *nodes), strict=False):
        open_ended = before is not None and before.type in ("bullet_list", "ordered_list", "blockquote")
        out += ("\n\n^\n\n" if open_ended else between if before is not None else "") + _write_block(node, base)
    return out


def _write_block(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("fence", "code_block"):
        return f"<pre><code>{escape_code_text(node.content)}</code></pre>"
    if kind == "hr":
        return "<hr />"
    if figure := _render_figure(node, base):
        return figure
    if kind == "heading":
        text = _write_children(node, base)
        return f"{'#' * int(_heading_tag(node)[1])} {text}" if text else ""
    if kind == "blockquote":
        return _prefix_lines(_write_blocks(node.children, base), "> ", "> ")
    if kind in ("bullet_list", "ordered_list"):
        return _write_list(node, base)
    return escape_line_start(_write_children(node, base))


def _write_list(node: SyntaxTreeNode, base: str) -> str:
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items = []
    for number, item in enumerate(node.children, 1):
        mark = "- " if node.type == "bullet_list" else f"{number}. "
        body = _write_blocks(item.children, base, "\n" if tight else "\n\n")
        items.append(_prefix_lines(body, mark, " " * len(mark)))
    return ("\n" if tight else "\n\n").join(items)


def _prefix_lines(body: str, first: str, rest: str) -> str:
    lines = body.split("\n")
    return "\n".join(
        (first if i == 0 else rest) + line if line or i == 0 else rest.rstrip() for i, line in enumerate(lines)
    )


def _write_children(node: SyntaxTreeNode, base: str) -> str:
    return "".join(_write_inline(child.children, base) for child in node.children if child.type == "inline").strip()


def _write_inline(nodes: Iterable[SyntaxTreeNode], base: str) -> str:
    """Write spans; an exclamation mark before a link is escaped, or the link would be an image."""
    spans: list[str] = []
    for span in (_write_span(node, base) for node in nodes):
        if span.startswith("[") and spans and spans[-1].endswith("!"):
            spans[-1] = f"{spans[-1][:-1]}&#33;"
        if span:
            spans.append(span)
    return "".join(spans)


def _write_span(node: SyntaxTreeNode, base: str) -> str:
    """Write one span; emphasis as tags, because kramdown and CommonMark differ on stars beside letters and stars."""
    simple: dict[str, Callable[[], str]] = {
        "text": lambda: escape_inline(node.content),
        "softbreak": lambda: " ",
        "hardbreak": lambda: "<br />",
        "code_inline": lambda: f"<code>{escape_code_text(node.content)}</code>",
        "em": lambda: f"<em>{_write_inline(node.children, base)}</em>",
        "strong": lambda: f"<strong>{_write_inline(node.children, base)}</strong>",
        "link": lambda: _write_link(node, _write_inline(node.children, base), str(node.attrs.get("href", "")), base),
        "image": lambda: (
            _render_picture(node, base)
            or _write_link(node, escape_inline(node.content), str(node.attrs.get("src", "")), base)
        ),
    }
    return simple[node.type]()


def _write_link(node: SyntaxTreeNode, label: str, href: str, base: str) -> str:
    target = "" if is_within(node, "link") else resolve_link(href, base).replace("&", "&amp;")
    return f"[{label}]({target})" if target and label.strip() else label


def render_text(prose: str, base: str = "") -> str:
    """Render prose as plain text: blank lines between paragraphs, URLs after the text of links."""
    return "\n\n".join(text for node in _parse_tree(prose).children if (text := _render_text_node(node, base).strip()))


def render_description(prose: str) -> str:
    """Render the text of prose on one line for descriptions: no URLs, no marks, no blocks of code."""
    spans = (node for node in _parse_tree(prose).walk() if node.type == "inline")
    return normalise_line(" ".join("".join(_get_node_text(node) for node in span.walk()) for span in spans))


def _get_node_text(node: SyntaxTreeNode) -> str:
    return node.content if node.type in ("text", "code_inline") else " " * node.type.endswith("break")


def _render_text_node(node: SyntaxTreeNode, base: str) -> str:
    kind = node.type
    if kind in ("text", "code_inline", "fence", "code_block"):
        return node.content
    if kind in ("softbreak", "hardbreak"):
        return " "
    inner = "".join(_render_text_node(child, base) for child in node.children)
    if kind == "image":
        caption, source = str(node.attrs.get("title", "")), resolve_link(str(node.attrs.get("src", "")), base)
        text = ". ".join(filter(None, [node.content, caption]))
        return f"[{text}] ({source})" if source else text
    if kind == "link":
        target = resolve_link(str(node.attrs.get("href", "")), base)
        return inner if target in ("", inner) or target.startswith("#") else f"{inner} ({target})"
    if kind == "list_item":
        return _prefix_lines(inner.strip(), "- ", "  ") + "\n"
    if kind == "blockquote":
        return _prefix_lines(inner.strip(), "> ", "> ") + "\n\n"
    return inner + ("\n\n" if kind == "paragraph" and not node.hidden else "\n" if kind == "paragraph" else "")
