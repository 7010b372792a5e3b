"""The sandbox templates run in: no way to Python, no change of what they are given, and an end to time and memory."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

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
