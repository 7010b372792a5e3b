"""The three Jinja environments (Markdown, HTML, text): sandboxed, escaping by default, errors that can be acted on."""

from __future__ import annotations

import dataclasses
import difflib
import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import inf
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digest import markdown
from digest.bundle import shipped
from digest.errors import RenderError
from digest.markdown import Md
from digest.render.present import anchor

_MANUAL = "see https://jinja.palletsprojects.com/templates"
_MOST, _POWER = 10_000, 64  # how often a template may repeat a text, and the highest power of a number
Templates = Mapping[str, str]  # the workspace's own: name -> text; what is not there comes from the program


class _Known(StrictUndefined):
    """An unknown name is an error that lists the known ones."""

    @property
    def _undefined_message(self) -> str:
        message: str = super()._undefined_message
        owner = self._undefined_obj
        if not dataclasses.is_dataclass(owner):
            return message
        names = [field.name for field in dataclasses.fields(owner)]
        return f"{type(owner).__name__} has no {self._undefined_name!r}{_nearest(str(self._undefined_name), names)}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox; of our own values only the check for underscores is left, which halves the time of a page."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, but for what would fill the memory: a text repeated too often, a power too high."""
        repeats = operator == "*" and not (isinstance(left, int | float) and isinstance(right, int | float))
        most = _MOST if repeats else _POWER if operator == "**" else inf
        if any(isinstance(value, int) and value > most for value in ((left, right) if repeats else (right,))):
            raise SecurityError(f"{left!r:.20} {operator} {right!r:.20} is more than a template may make")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if dataclasses.is_dataclass(obj):
            return not attr.startswith("_")
        return super().is_safe_attribute(obj, attr, value)


def render(name: str, templates: Templates, **context: Any) -> str:
    """Render a template; its last suffix but `.j2` chooses the escaping (.md, .html, .txt). Raises RenderError."""
    template = compiled(name, templates)
    try:
        return template.render(**context)
    except TemplateSyntaxError as error:  # of a template that this one includes
        raise _unreadable(error, name) from error
    except TemplateNotFound as error:
        place, line = _place(error, name)
        hint = "`digest templates list` names them all"
        raise RenderError(f"no template is called {error.name!r}", hint, template=place, line=line) from error
    except RecursionError as error:
        raise RenderError("includes itself without end", "take out that include", template=name) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
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
def _environment(templates: tuple[tuple[str, str], ...], suffix: str) -> _Sandbox:
    own = dict(templates)

    def find(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = source(name, own)
        return None if text is None else (text, name, lambda: True)

    environment = _Sandbox(
        loader=FunctionLoader(find),
        undefined=_Known,
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


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.6)
    return f" (did you mean {close[0]!r}?)" if close else f"; it has: {', '.join(known)}"
