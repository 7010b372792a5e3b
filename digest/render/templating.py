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
from digest.bundle import shipped
from digest.errors import RenderError
from digest.markdown import Md
from digest.render.present import anchor
from digest.render.sandbox import Known, Sandbox, bounded

_MANUAL = "see https://jinja.palletsprojects.com/templates"
Templates = Mapping[str, str]  # the workspace's own: name -> text; what is not there comes from the program


def render(name: str, templates: Templates, **context: Any) -> str:
    """Render a template; its last suffix but `.j2` chooses the escaping (.md, .html, .txt). Raises RenderError."""
    template = compiled(name, templates)
    try:
        with bounded():
            return template.render(**context)
    except TemplateSyntaxError as error:  # of a template that this one includes
        raise _unreadable(error, name) from error
    except TemplateNotFound as error:
        place, line = _place(error, name)
        hint = "`digest templates list` names them all"
        raise RenderError(f"no template is called {error.name!r}", hint, template=place, line=line) from error
    except RecursionError as error:
        raise RenderError("includes itself without end", "take out that include", template=name) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, MemoryError) as error:
        place, line = _place(error, name)
        hint = f"known names: {', '.join(sorted(context))}"
        raise RenderError(str(error) or type(error).__name__, hint, template=place, line=line) from error


def compiled(name: str, templates: Templates) -> Template:
    """The template, ready to render. Raises RenderError for what Jinja cannot read, an unknown filter among it."""
    environment = _environment(tuple(sorted(templates.items())), PurePosixPath(name).suffixes[-2])
    try:
        return environment.get_template(name)
    except TemplateSyntaxError as error:
        raise _unreadable(error, name) from error


def _unreadable(error: TemplateSyntaxError, name: str) -> RenderError:
    said = error.message or "cannot be read"
    known = sorted(_FILTERS[PurePosixPath(name).suffixes[-2]])
    hint = f"known filters: {', '.join(known)}, and Jinja's" if "filter" in said else _MANUAL
    return RenderError(said, hint, template=error.name or name, line=error.lineno)


def source(name: str, templates: Templates) -> str | None:
    """The text of a template: the workspace's, else the shipped one."""
    if name in templates:
        return templates[name]
    path = shipped("templates") / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@lru_cache(maxsize=12)
def _environment(templates: tuple[tuple[str, str], ...], suffix: str) -> Sandbox:
    own = dict(templates)

    def find(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = source(name, own)
        return None if text is None else (text, name, lambda: True)

    environment = Sandbox(
        loader=FunctionLoader(find),
        undefined=Known,
        autoescape=suffix == ".html",
        finalize=_finalize if suffix == ".md" else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"anchor": anchor, **_FILTERS[suffix]})
    return environment


def _finalize(value: Any) -> Md:
    return markdown.escape(value if isinstance(value, str) else str(value))


def fill(text: str, first: str = "") -> str:
    """Text broken into lines of 76 columns, paragraphs kept; `first` opens it and is hung under."""
    hang = " " * len(first)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        opening = hang if lines else first
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


def _md_link(address: str) -> Md:
    return Md(markdown.link(address).replace("&", "&amp;"))


def _md_path(path: str) -> Md:
    return Md(quote(path, safe="/-._"))


def _md_id(name: str, of: str = "heading") -> Md:
    """kramdown's way to give a heading or a list item an id."""
    return Md(f"{{#{anchor(name)}}}" if of == "heading" else f"{{:#{anchor(name)}}}")


_FILTERS: dict[str, dict[str, Callable[..., Any]]] = {
    ".md": {"prose": markdown.rewrite, "prose_line": markdown.inline, "link": _md_link, "path": _md_path, "id": _md_id},
    ".html": {
        "prose": lambda text, base="": Markup(markdown.to_html(text, base)),  # noqa: S704 - sanitised by nh3
        "prose_line": lambda text, base="": Markup(markdown.to_html_line(text, base)),  # noqa: S704
        "link": markdown.link,
    },
    ".txt": {"prose": markdown.to_text, "link": markdown.link, "fill": fill},
}


def _place(error: BaseException, name: str) -> tuple[str, int | None]:
    """The innermost template line of a traceback; Jinja gives template frames the template's name as their file."""
    found: tuple[str, int | None] = (name, None)
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    return found
