"""Reads sources.yaml and reports every mistake at once: file, line, key, what was found, what is allowed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from digest.config.schema import DAY, SLUG, Config
from digest.errors import ConfigError, unread

Path_ = tuple[str | int, ...]


def load(path: Path) -> Config:
    """Read and validate a sources.yaml; raises ConfigError with one line per mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path.name} is not in {path.parent.resolve()}",
            "name a file that is there; `digest init DIR` makes a workspace",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {unread(error)}", "it must be a UTF-8 text file") from error
    return parse(text, path.name)


def parse(text: str, name: str = "sources.yaml") -> Config:
    """Validate the text of a sources.yaml, called `name` in errors."""
    lines: dict[Path_, int] = {}
    repeated: list[str] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _index(node, (), lines, repeated, name)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(
            f"{name}:{line}: not YAML: {error.problem or error}", "check indentation and quotes"
        ) from error
    except yaml.YAMLError as error:  # e.g. a control character
        raise ConfigError(f"{name}: not YAML: {error}", "remove the character it names") from error
    except ValueError as error:  # YAML makes dates of what looks like one
        raise ConfigError(f"{name}: not a date that there is: {error}", "mend it, or put it in quotes") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: lists and keys are nested without end", "see `digest init`") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{name}:1: found {_kind(data)}, expected keys such as 'newsletter:'", "see `digest init`")
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes = repeated + [_sentence(detail, lines, name) for detail in _causes(error.errors())]
        raise ConfigError("\n".join(mistakes), _count(mistakes)) from None
    if repeated:
        raise ConfigError("\n".join(repeated), _count(repeated))
    return config


def _causes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without "too short" where an entry of the list was itself mistaken: pydantic counts only the good ones."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(place != detail["loc"] and place[: len(detail["loc"])] == detail["loc"] for place in places)
    ]


def _count(mistakes: Sequence[str]) -> str:
    return "1 mistake; mend it" if len(mistakes) == 1 else f"{len(mistakes)} mistakes; mend them"


def _index(node: yaml.Node, place: Path_, lines: dict[Path_, int], repeated: list[str], name: str) -> None:
    """Note the 1-based line of every key and list entry; YAML itself lets the last of two equal keys win silently."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                repeated.append(f"{name}:{line}: {_dotted((*place, key.value))}: given twice")
            seen.add(key.value)
            lines[(*place, key.value)] = key.start_mark.line + 1
            _index(value, (*place, key.value), lines, repeated, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _index(value, (*place, number), lines, repeated, name)


def _sentence(detail: ErrorDetails, lines: dict[Path_, int], name: str) -> str:
    place = tuple(detail["loc"])
    known = place
    while known and known not in lines:
        known = known[:-1]
    return f"{name}:{lines.get(known, 1)}: {_dotted(place)}: {_what(detail, place)}"


# pydantic's kinds of mistake, in the words of someone who writes YAML.
_PLAIN = {
    "string_too_short": "needs {min_length} or more characters",
    "string_too_long": "may have {max_length} characters at most",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list, such as [one, two]",
    "dict_type": "must be keys with values, such as name: value",
    "model_type": "must be keys with values, such as name: value",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "value_error": "{error}",
}
_PATTERNS = {
    SLUG: "lower-case letters, figures and hyphens, e.g. long-context",
    DAY: "a year, month or day, e.g. 2026 or 2026-11-23",
}


def _what(detail: ErrorDetails, place: Path_) -> str:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _fields(place[:-1])
        return f"unknown key{_nearest(str(place[-1]), allowed)}; allowed: {', '.join(allowed)}"
    if kind == "missing":
        return "missing; it is required"
    if kind == "literal_error":
        allowed = [str(v) for v in context.get("allowed") or _literals(place)]
        return f"{found!r} is unknown{_nearest(str(found), allowed)}; allowed: {', '.join(v for v in allowed if v)}"
    if kind == "string_pattern_mismatch":
        return f"{found!r} is not written as it should be; allowed: {_PATTERNS[context['pattern']]}"
    if kind == "too_short":
        return f"needs {context['min_length']} or more (found {context.get('actual_length', 'none')})"
    message = _plainly(kind, context, detail["msg"])
    if kind == "value_error" and isinstance(found, dict):
        return message  # of keys that do not agree: that a mapping was found says nothing
    if found is None:
        return "has no value; give it one, or take the key out"
    shown = repr(found) if isinstance(found, str | int | float | bool) else _kind(found)
    return f"{message} (found {shown[:80]})"


def _plainly(kind: str, context: dict[str, Any], otherwise: str) -> str:
    return _PLAIN[kind].format(**context) if kind in _PLAIN else otherwise[0].lower() + otherwise[1:]


def _nearest(found: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(found, allowed, 1, 0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _annotation(place: Path_) -> Any:
    """The declared type at a place in the configuration."""
    here: Any = Config
    for step in place:
        here = _bare(here)
        if isinstance(step, int):
            here = get_args(here)[0]
        elif isinstance(here, type) and issubclass(here, BaseModel) and step in here.model_fields:
            here = here.model_fields[step].annotation
        else:
            return None
    return _bare(here)


def _bare(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(a for a in get_args(kind) if a is not type(None))
    return kind


def _fields(place: Path_) -> list[str]:
    here = _annotation(place)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _literals(place: Path_) -> tuple[Any, ...]:
    here = _annotation(place)
    return get_args(here) if get_origin(here) is Literal else ()


def _dotted(place: Path_) -> str:
    out = ""
    for step in place:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else str(step)
    return out or "the whole"


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", int: "a number"}
    return names.get(type(value), type(value).__name__)
