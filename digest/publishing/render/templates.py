"""Sandboxed Jinja environments.

The three Jinja environments (Markdown, HTML, text): sandboxed, escaping by default, errors that can be acted on.

The sandbox templates run in: no way to Python, no change of what they are given, and an end to time and memory.
"""

from __future__ import annotations

import dataclasses
import difflib
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digest.errors import RenderError
from digest.markdown.escape import SafeMarkdown, encode_link, escape_markdown
from digest.markdown.render import render_html, render_html_line, render_text, rewrite_markdown, rewrite_markdown_line
from digest.publishing.render.presentation import make_anchor
from digest.resources import find_resource

_MAX_STEPS = 1_000_000  # turns of loops and calls while one template is rendered; a review of 3,000 works takes 60,000
_MAX_SIZE, _MAX_POWER = 10_000_000, 64  # how long a text or a list may grow, and the highest power of a number
_COUNT_FILTER, _SIZE_FILTER = "counted by the sandbox", "measured by the sandbox"  # filters that no template could name
_steps_left: ContextVar[list[int]] = ContextVar("steps")


class StrictUndefinedWithHint(StrictUndefined):
    """An unknown name is an error that lists the known ones."""

    @property
    def _undefined_message(self) -> str:
        message: str = super()._undefined_message
        owner = self._undefined_obj
        if not dataclasses.is_dataclass(owner):
            return message
        names = [field.name for field in dataclasses.fields(owner)]
        return (
            f"{type(owner).__name__} has no {self._undefined_name!r}{_suggest_name(str(self._undefined_name), names)}"
        )


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox; of our own values only the check for underscores is left, which halves the time of a page."""

    intercepted_binops = frozenset({"*", "**", "+"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.filters |= {_COUNT_FILTER: _count_iterations, _SIZE_FILTER: _check_size}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Have each loop count its turns, and each joining of texts look at their length."""
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNT_FILTER, [], [], None, None, lineno=loop.lineno)
        for joined in tree.find_all(nodes.Concat):
            joined.nodes = [
                nodes.Filter(one, _SIZE_FILTER, [], [], None, None, lineno=one.lineno) for one in joined.nodes
            ]
        return tree

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """What a template wrote, in one; Jinja joins by this."""
        whole, size = [], 0
        for piece in pieces:
            size += len(piece)
            whole.append(piece)
            if size > _MAX_SIZE:
                raise SecurityError(f"writes more than {_MAX_SIZE:,} characters")
        return "".join(whole)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and count it: a macro may call itself twice over."""
        _count_step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute, but for what would fill the memory: a text repeated too often, a power too high."""
        _count_step()
        if _estimate_result_size(operator, left, right) > (_MAX_POWER if operator == "**" else _MAX_SIZE):
            raise SecurityError(f"{left!r:.20} {operator} {right!r:.20} is more than a template may make")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if dataclasses.is_dataclass(obj):
            return not attr.startswith("_")
        return super().is_safe_attribute(obj, attr, value)


@contextmanager
def limit_steps() -> Iterator[None]:
    """One rendering, which may take so many steps and no more."""
    token = _steps_left.set([_MAX_STEPS])
    try:
        yield
    finally:
        _steps_left.reset(token)


def _count_step() -> None:
    left = _steps_left.get(None)
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise SecurityError(
                f"takes more than {_MAX_STEPS:,} steps: a loop within a loop, or a macro that calls itself"
            )


@pass_context  # so that Jinja does not work it out beforehand
def _count_iterations(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _count_step()
        yield value


@pass_context
def _check_size(context: Context, value: Any) -> Any:
    if isinstance(value, Sized) and len(value) > _MAX_SIZE:
        raise SecurityError(f"a text grows beyond {_MAX_SIZE:,} characters")
    return value


def _estimate_result_size(operator: str, left: Any, right: Any) -> float:
    """How much a computation makes: the length of a text or a list, the power of a number."""
    sizes = [len(value) for value in (left, right) if isinstance(value, Sized)]
    if operator == "**":
        return right if isinstance(right, int) else 0
    if operator == "+":
        return sum(sizes)
    times = [value for value in (left, right) if isinstance(value, int)]
    return sizes[0] * times[0] if sizes and times else 0


def _suggest_name(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, 1, 0.6)
    return f" (did you mean {close[0]!r}?)" if close else f"; it has: {', '.join(names)}"


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
    return escape_markdown(value if isinstance(value, str) else str(value))


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
    return SafeMarkdown(encode_link(address).replace("&", "&amp;"))


def _format_md_path(path: str) -> SafeMarkdown:
    return SafeMarkdown(quote(path, safe="/-._"))


def _format_md_id(name: str, target: str = "heading") -> SafeMarkdown:
    """kramdown's way to give a heading or a list item an id."""
    return SafeMarkdown(f"{{#{make_anchor(name)}}}" if target == "heading" else f"{{:#{make_anchor(name)}}}")


_FILTERS: dict[str, dict[str, Callable[..., Any]]] = {
    ".md": {
        "prose": rewrite_markdown,
        "prose_line": rewrite_markdown_line,
        "link": _format_md_link,
        "path": _format_md_path,
        "id": _format_md_id,
    },
    ".html": {
        "prose": lambda text, base="": Markup(render_html(text, base)),  # noqa: S704 - sanitised by nh3
        "prose_line": lambda text, base="": Markup(render_html_line(text, base)),  # noqa: S704
        "link": encode_link,
    },
    ".txt": {"prose": render_text, "link": encode_link, "fill": fill_text},
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
