"""Read sources.yaml and report all mistakes at once: file, line, key, what was found, what is allowed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from digest.config.schema import DAY_PATTERN, SLUG_PATTERN, Config
from digest.errors import ConfigError, describe_read_error

KeyPath = tuple[str | int, ...]

# pydantic's kinds of mistake, in the words of a person who writes YAML.
_MESSAGES = {
    "string_too_short": "needs {min_length} or more characters",
    "string_too_long": "may have {max_length} characters at most",
    "string_type": "must be text; put it in quotes",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "tuple_type": "must be a list, such as [one, two]",
    **dict.fromkeys(("dict_type", "model_type"), "must be keys with values, such as name: value"),
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "value_error": "{error}",
}
_PATTERN_EXPLANATIONS = {
    SLUG_PATTERN: "lower-case letters, figures and hyphens, e.g. long-context",
    DAY_PATTERN: "a year, month or day, e.g. 2026 or 2026-11-23",
}
_TYPE_NAMES = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", int: "a number"}


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
        message = f"{path} cannot be read: {describe_read_error(error)}"
        raise ConfigError(message, "it must be a UTF-8 text file") from error
    return parse_config(text, path.name)


def parse_config(text: str, name: str = "sources.yaml") -> Config:
    """Validate the text of a sources.yaml, called `name` in errors."""
    data, lines, mistakes = _parse_yaml(text, name)
    if not isinstance(data, dict):
        message = f"{name}:1: found {_describe_type(data)}, expected keys such as 'newsletter:'"
        raise ConfigError(message, "see `digest init`")
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes += [_format_mistake(detail, lines, name) for detail in _iter_root_causes(error.errors())]
    if config is None or mistakes:
        hint = "1 mistake; correct it" if len(mistakes) == 1 else f"{len(mistakes)} mistakes; correct them"
        raise ConfigError("\n".join(mistakes), hint)
    return config


def _parse_yaml(text: str, name: str) -> tuple[Any, dict[KeyPath, int], list[str]]:
    """Return the data, the line of every key and list entry, and a mistake for each repeated key."""
    lines: dict[KeyPath, int] = {}
    repeated_keys: list[str] = []
    try:
        if (node := yaml.compose(text, Loader=yaml.SafeLoader)) is not None:
            _index_lines(node, (), lines, repeated_keys, name)
        return yaml.safe_load(text), lines, repeated_keys
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{name}:{line}: not YAML: {error.problem or error}"
        raise ConfigError(message, "check indentation and quotes") from error
    except yaml.YAMLError as error:  # e.g. a control character
        raise ConfigError(f"{name}: not YAML: {error}", "remove the character it names") from error
    except ValueError as error:  # YAML makes dates of what looks like one
        raise ConfigError(f"{name}: not a date that there is: {error}", "correct it, or put it in quotes") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: lists and keys are nested without end", "see `digest init`") from error


def _index_lines(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], repeated_keys: list[str], name: str
) -> None:
    """Record 1-based lines, and keys that YAML itself would silently overwrite by a later equal one."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            key_path, line = (*path, key.value), key.start_mark.line + 1
            if key.value in seen:
                repeated_keys.append(f"{name}:{line}: {_format_path(key_path)}: given twice")
            seen.add(key.value)
            lines[key_path] = line
            _index_lines(value, key_path, lines, repeated_keys, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _index_lines(value, (*path, number), lines, repeated_keys, name)


def _iter_root_causes(details: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield the mistakes without "too short" of a list with a wrong entry: pydantic counts only valid ones."""
    paths = [detail["loc"] for detail in details]
    for detail in details:
        list_path = detail["loc"]
        has_wrong_entry = any(path != list_path and path[: len(list_path)] == list_path for path in paths)
        if detail["type"] != "too_short" or not has_wrong_entry:
            yield detail


def _format_mistake(detail: ErrorDetails, lines: dict[KeyPath, int], name: str) -> str:
    path: KeyPath = tuple(detail["loc"])
    if detail["type"] == "duplicate_source":
        path = ("sources", detail["ctx"]["source_index"], "id")
    nearest = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in lines), ())
    return f"{name}:{lines.get(nearest, 1)}: {_format_path(path)}: {_describe_mistake(detail, path)}"


def _describe_mistake(detail: ErrorDetails, path: KeyPath) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _list_fields(path[:-1])
        return f"unknown key{_suggest_nearest(str(path[-1]), allowed)}; allowed: {', '.join(allowed)}"
    if kind == "duplicate_source":
        return detail["msg"]
    if kind == "missing":
        return "missing; it is required"
    if kind == "literal_error":
        allowed = [str(each) for each in context.get("allowed") or _list_literals(path)]
        suggestion = _suggest_nearest(str(value), allowed)
        return f"{value!r} is unknown{suggestion}; allowed: {', '.join(filter(None, allowed))}"
    if kind == "string_pattern_mismatch":
        return f"{value!r} is not written as it should be; allowed: {_PATTERN_EXPLANATIONS[context['pattern']]}"
    if kind == "too_short":
        return f"needs {context['min_length']} or more (found {context.get('actual_length', 'none')})"
    other_message = detail["msg"][0].lower() + detail["msg"][1:]
    message = _MESSAGES[kind].format(**context) if kind in _MESSAGES else other_message
    if kind == "value_error" and isinstance(value, dict):
        return message  # of keys that do not agree: that a mapping was found says nothing
    if value is None:
        return "has no value; give it one, or take the key out"
    shown = repr(value) if isinstance(value, str | int | float | bool) else _describe_type(value)
    return f"{message} (found {shown[:80]})"


def _suggest_nearest(value: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, allowed, 1, 0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _get_annotation(path: KeyPath) -> Any:
    """Return the declared type at a path of the configuration."""
    annotation: Any = Config
    for step in path:
        annotation = _strip_optional(annotation)
        if isinstance(step, int):
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and step in annotation.model_fields:
            annotation = annotation.model_fields[step].annotation
        else:
            return None
    return _strip_optional(annotation)


def _strip_optional(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation


def _list_fields(path: KeyPath) -> list[str]:
    annotation = _get_annotation(path)
    is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return list(annotation.model_fields) if is_section else []


def _list_literals(path: KeyPath) -> tuple[Any, ...]:
    annotation = _get_annotation(path)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _format_path(path: KeyPath) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the whole"


def _describe_type(value: Any) -> str:
    return _TYPE_NAMES.get(type(value), type(value).__name__)
