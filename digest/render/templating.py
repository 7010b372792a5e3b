"""The three Jinja environments (Markdown, HTML, text): sandboxed, escaping by default, errors that can be acted on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import FunctionLoader, Template, TemplateError, TemplateNotFound, TemplateSyntaxError
from markupsafe import Markup

from digest import markdown
from digest.bundle import find_resource
from digest.errors import RenderError
from digest.markdown import SafeMarkdown
from digest.render.present import make_anchor
from digest.render.sandbox import StrictUndefinedWithHint, TemplateEnvironment, limit_steps

_MANUAL_HINT = "see https://jinja.palletsprojects.com/templates"
TemplateOverrides = Mapping[str, str]  # the workspace's own: name -> text; what is not there comes from the program


def render_template(name: str, templates: TemplateOverrides, **context: Any) -> str:
    """Render a template; its last suffix but `.j2` chooses the escaping (.md, .html, .txt). Raises RenderError."""
    template = compile_template(name, templates)
    try:
        with limit_steps():
            return template.render(**context)
    except TemplateSyntaxError as error:  # of a template that this one includes
        raise _build_syntax_error(error, name) from error
    except TemplateNotFound as error:
        place, line = _find_error_location(error, name)
        hint = "`digest templates list` names them all"
        raise RenderError(f"no template is called {error.name!r}", hint, template=place, line=line) from error
    except RecursionError as error:
        raise RenderError("includes itself without end", "take out that include", template=name) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, MemoryError) as error:
        place, line = _find_error_location(error, name)
        hint = f"known names: {', '.join(sorted(context))}"
        raise RenderError(str(error) or type(error).__name__, hint, template=place, line=line) from error


def compile_template(name: str, templates: TemplateOverrides) -> Template:
    """The template, ready to render. Raises RenderError for what Jinja cannot read, an unknown filter among it."""
    environment = _create_environment(tuple(sorted(templates.items())), PurePosixPath(name).suffixes[-2])
    try:
        return environment.get_template(name)
    except TemplateSyntaxError as error:
        raise _build_syntax_error(error, name) from error


def _build_syntax_error(error: TemplateSyntaxError, name: str) -> RenderError:
    said = error.message or "cannot be read"
    known = sorted(_FILTERS[PurePosixPath(name).suffixes[-2]])
    hint = f"known filters: {', '.join(known)}, and Jinja's" if "filter" in said else _MANUAL_HINT
    return RenderError(said, hint, template=error.name or name, line=error.lineno)


def load_template_source(name: str, templates: TemplateOverrides) -> str | None:
    """The text of a template: the workspace's, else the shipped one."""
    if name in templates:
        return templates[name]
    path = find_resource("templates") / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@lru_cache(maxsize=12)
def _create_environment(templates: tuple[tuple[str, str], ...], suffix: str) -> TemplateEnvironment:
    own = dict(templates)

    def find(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = load_template_source(name, own)
        return None if text is None else (text, name, lambda: True)

    environment = TemplateEnvironment(
        loader=FunctionLoader(find),
        undefined=StrictUndefinedWithHint,
        autoescape=suffix == ".html",
        finalize=_escape_output if suffix == ".md" else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"anchor": make_anchor, **_FILTERS[suffix]})
    return environment


def _escape_output(value: Any) -> SafeMarkdown:
    return markdown.escape_markdown(value if isinstance(value, str) else str(value))


def fill_text(text: str, prefix: str = "") -> str:
    """Text broken into lines of 76 columns, paragraphs kept; `first` opens it and is hung under."""
    hang = " " * len(prefix)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        opening = hang if lines else prefix
        lines.append(
            textwrap.fill(
                paragraph,
                76,
                initial_indent=opening,
                subsequent_indent=hang,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)


def _format_md_link(address: str) -> SafeMarkdown:
    return SafeMarkdown(markdown.encode_link(address).replace("&", "&amp;"))


def _format_md_path(path: str) -> SafeMarkdown:
    return SafeMarkdown(quote(path, safe="/-._"))


def _format_md_id(name: str, target: str = "heading") -> SafeMarkdown:
    """kramdown's way to give a heading or a list item an id."""
    return SafeMarkdown(f"{{#{make_anchor(name)}}}" if target == "heading" else f"{{:#{make_anchor(name)}}}")


_FILTERS: dict[str, dict[str, Callable[..., Any]]] = {
    ".md": {
        "prose": markdown.rewrite_markdown,
        "prose_line": markdown.rewrite_markdown_line,
        "link": _format_md_link,
        "path": _format_md_path,
        "id": _format_md_id,
    },
    ".html": {
        "prose": lambda text, base="": Markup(markdown.render_html(text, base)),  # noqa: S704 - sanitised by nh3
        "prose_line": lambda text, base="": Markup(markdown.render_html_line(text, base)),  # noqa: S704
        "link": markdown.encode_link,
    },
    ".txt": {"prose": markdown.render_text, "link": markdown.encode_link, "fill": fill_text},
}


def _find_error_location(error: BaseException, name: str) -> tuple[str, int | None]:
    """The innermost template line of a traceback; Jinja gives template frames the template's name as their file."""
    found: tuple[str, int | None] = (name, None)
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    return found
