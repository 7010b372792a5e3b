"""Logins of sources: a variable of the environment becomes a header of their requests."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from digest.config.schema import Source
from digest.errors import FetchError
from digest.protocols import Request

_SCHEME = re.compile(r"(?:basic|bearer|token|apikey) \S+", re.I)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.+)")


def add_login(request: Request, source: Source, environ: Mapping[str, str]) -> Request:
    """Add the login of a source to a request of its own site. Raises FetchError when the variable holds none.

    The value is `user:password`, `Bearer TOKEN` or another scheme, or a header with its name: `X-Api-Key: value`.
    """
    if not source.auth_env or urlsplit(request.url).hostname != urlsplit(str(source.url or "")).hostname:
        return request
    value = environ.get(source.auth_env, "").strip()
    if not value:
        hint = f"export {source.auth_env}, or remove auth_env of {source.id}"
        raise FetchError(f"the variable {source.auth_env} with the login of {source.id} is empty", hint)
    if header := _HEADER.fullmatch(value):
        return replace(request, secret_headers={header[1]: header[2]})
    if not _SCHEME.fullmatch(value):
        if ":" not in value or not value.isprintable():
            hint = "write user:password, Bearer TOKEN, or Header: value"
            raise FetchError(f"the variable {source.auth_env} of {source.id} is not a login", hint)
        value = f"Basic {b64encode(value.encode()).decode()}"
    return replace(request, secret_headers={"Authorization": value})
