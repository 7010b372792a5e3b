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

from digest.config.schema import DAY_PATTERN, SLUG_PATTERN, Config
from digest.errors import ConfigError, describe_read_error

KeyPath = tuple[str | int, ...]


def load_config(path: Path) -> Config:
    """Read and validate a sources.yaml; raises ConfigError with one line per mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path.name} is not in {path.parent.resolve()}",
            "name a file that is there; `digest init DIR` makes a workspace",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {describe_read_error(error)}", "it must be a UTF-8 text file"
        ) from error
    return parse_config(text, path.name)


def parse_config(text: str, name: str = "sources.yaml") -> Config:
    """Validate the text of a sources.yaml, called `name` in errors."""
    lines: dict[KeyPath, int] = {}
    repeated: list[str] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _index_lines(node, (), lines, repeated, name)
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
        raise ConfigError(
            f"{name}:1: found {_describe_type(data)}, expected keys such as 'newsletter:'", "see `digest init`"
        )
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes = repeated + [
            _format_mistake(detail, lines, name) for detail in _drop_consequent_mistakes(error.errors())
        ]
        raise ConfigError("\n".join(mistakes), _format_hint(mistakes)) from None
    if repeated:
        raise ConfigError("\n".join(repeated), _format_hint(repeated))
    return config


def _drop_consequent_mistakes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without "too short" where an entry of the list was itself mistaken: pydantic counts only the good ones."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(place != detail["loc"] and place[: len(detail["loc"])] == detail["loc"] for place in places)
    ]


def _format_hint(mistakes: Sequence[str]) -> str:
    return "1 mistake; mend it" if len(mistakes) == 1 else f"{len(mistakes)} mistakes; mend them"


def _index_lines(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], repeated_keys: list[str], name: str
) -> None:
    """Note the 1-based line of every key and list entry; YAML itself lets the last of two equal keys win silently."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                repeated_keys.append(f"{name}:{line}: {_format_path((*path, key.value))}: given twice")
            seen.add(key.value)
            lines[(*path, key.value)] = key.start_mark.line + 1
            _index_lines(value, (*path, key.value), lines, repeated_keys, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _index_lines(value, (*path, number), lines, repeated_keys, name)


def _format_mistake(detail: ErrorDetails, lines: dict[KeyPath, int], name: str) -> str:
    place = tuple(detail["loc"])
    known = place
    while known and known not in lines:
        known = known[:-1]
    return f"{name}:{lines.get(known, 1)}: {_format_path(place)}: {_describe_mistake(detail, place)}"


# pydantic's kinds of mistake, in the words of someone who writes YAML.
_MESSAGES = {
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
_PATTERN_EXPLANATIONS = {
    SLUG_PATTERN: "lower-case letters, figures and hyphens, e.g. long-context",
    DAY_PATTERN: "a year, month or day, e.g. 2026 or 2026-11-23",
}


def _describe_mistake(detail: ErrorDetails, path: KeyPath) -> str:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _list_fields(path[:-1])
        return f"unknown key{_suggest_nearest(str(path[-1]), allowed)}; allowed: {', '.join(allowed)}"
    if kind == "missing":
        return "missing; it is required"
    if kind == "literal_error":
        allowed = [str(v) for v in context.get("allowed") or _list_literals(path)]
        return f"{found!r} is unknown{_suggest_nearest(str(found), allowed)}; allowed: {', '.join(v for v in allowed if v)}"
    if kind == "string_pattern_mismatch":
        return f"{found!r} is not written as it should be; allowed: {_PATTERN_EXPLANATIONS[context['pattern']]}"
    if kind == "too_short":
        return f"needs {context['min_length']} or more (found {context.get('actual_length', 'none')})"
    message = _format_pydantic_message(kind, context, detail["msg"])
    if kind == "value_error" and isinstance(found, dict):
        return message  # of keys that do not agree: that a mapping was found says nothing
    if found is None:
        return "has no value; give it one, or take the key out"
    shown = repr(found) if isinstance(found, str | int | float | bool) else _describe_type(found)
    return f"{message} (found {shown[:80]})"


def _format_pydantic_message(kind: str, context: dict[str, Any], otherwise: str) -> str:
    return _MESSAGES[kind].format(**context) if kind in _MESSAGES else otherwise[0].lower() + otherwise[1:]


def _suggest_nearest(found: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(found, allowed, 1, 0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _get_annotation(path: KeyPath) -> Any:
    """The declared type at a place in the configuration."""
    here: Any = Config
    for step in path:
        here = _strip_optional(here)
        if isinstance(step, int):
            here = get_args(here)[0]
        elif isinstance(here, type) and issubclass(here, BaseModel) and step in here.model_fields:
            here = here.model_fields[step].annotation
        else:
            return None
    return _strip_optional(here)


def _strip_optional(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(a for a in get_args(kind) if a is not type(None))
    return kind


def _list_fields(path: KeyPath) -> list[str]:
    here = _get_annotation(path)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _list_literals(path: KeyPath) -> tuple[Any, ...]:
    here = _get_annotation(path)
    return get_args(here) if get_origin(here) is Literal else ()


def _format_path(path: KeyPath) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else str(step)
    return out or "the whole"


def _describe_type(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", int: "a number"}
    return names.get(type(value), type(value).__name__)
