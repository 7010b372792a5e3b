"""Update a source's state after a success or a failure. The given state is changed and nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from urllib.parse import urlsplit

from digest.config.schema import Source
from digest.errors import FetchError, SourceError
from digest.http.caching import compute_backoff, compute_next_check
from digest.ingest.parser import PARSER_VERSION, ParsedPage
from digest.models.items import FetchState
from digest.protocols import Request, Response, Validators

_PERMANENT_STATUSES = frozenset({301, 308})
_MIN_OBSERVATIONS = 3
_MIN_OBSERVATION_TIME = timedelta(days=3)


def build_validators(state: FetchState) -> Validators | None:
    """Return the validators of a conditional request, or None when the whole body is needed."""
    if state.parser_version != PARSER_VERSION or not (state.etag or state.last_modified):
        return None
    return Validators(state.validators_url or "", state.etag, state.last_modified)


def is_unchanged_response(state: FetchState, response: Response) -> bool:
    """Return whether a response repeats the body that was parsed last, by 304 or byte for byte."""
    digest = state.body_digest if state.parser_version == PARSER_VERSION else None
    return response.is_not_modified or (digest is not None and sha256(response.body).hexdigest() == digest)


def record_success(
    state: FetchState,
    source: Source,
    request: Request,
    response: Response,
    page: ParsedPage | None,
    now: datetime,
    *,
    is_complete: bool,
) -> None:
    """Update the state after a fetch's last response.

    `page` is None when nothing changed; `is_complete` says that one response held everything.
    """
    state.errors = state.unanswered = 0
    state.last_error = state.disabled = None
    state.last_checked = now
    _update_validators(state, response, is_complete=is_complete and not (page and page.is_truncated))
    _update_redirect(state, source, request, response, now)
    if page is not None:
        state.last_changed = now
        state.parser_version = PARSER_VERSION
        state.body_digest = sha256(response.body).hexdigest() if is_complete else None
        state.links_seen = page.found_count
        hours, days = sorted(page.skip_hours), sorted(page.skip_days)
        state.polling_hints = {"ttl": page.ttl, "skip_hours": hours, "skip_days": days}
    hints = state.polling_hints
    state.next_check = compute_next_check(
        now,
        timedelta(hours=source.interval_hours),
        response.headers,
        ttl=hints.get("ttl"),
        skip_hours=frozenset(hints.get("skip_hours", ())),
        skip_days=frozenset(hints.get("skip_days", ())),
    )


def record_failure(state: FetchState, error: SourceError, now: datetime) -> None:
    """Postpone the next check after a failure, and disable a source that answers 410."""
    is_gone = isinstance(error, FetchError) and error.status == 410 and not state.moved_to
    state.errors += 1
    state.unanswered = 0
    state.last_error = error.message
    state.last_checked = now
    state.disabled = "410 Gone" if is_gone else state.disabled
    retry_after = error.retry_after if isinstance(error, FetchError) else None
    state.next_check = compute_backoff(now, state.errors, retry_after=retry_after)


def _update_validators(state: FetchState, response: Response, *, is_complete: bool) -> None:
    """Store the validators verbatim (RFC 9111, 3.2 and 4.3.4): a 200 replaces them, a 304 those that it names.

    Several pages have none, because the validators of the first would hide a change in the others. A truncated
    response has none either, or the missing entries would stay missing until the next change.
    """
    etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
    if response.is_not_modified:
        etag, modified = etag or state.etag, modified or state.last_modified
    state.etag, state.last_modified = (etag, modified) if is_complete else (None, None)
    state.validators_url = response.url if is_complete and (etag or modified) else None


def _update_redirect(state: FetchState, source: Source, request: Request, response: Response, now: datetime) -> None:
    if request.url not in (source.url, state.moved_to):
        return  # a page's own feed, or a query, whose URL is built each time
    if request.url == source.url and not response.redirects:
        state.moved_to = None  # the configured URL answers again
    previous = RedirectObservation(state.moving_to, state.moving_since, state.moving_count)
    target = find_permanent_target(request.url, response.redirects)
    observation = update_observation(previous, target, now)
    state.moving_to, state.moving_since, state.moving_count = observation.target, observation.since, observation.count
    if observation.is_confirmed:
        state.moved_to = observation.target


@dataclass(frozen=True, slots=True)
class RedirectObservation:
    """A permanent redirect target, seen `count` times in a row since `since`.

    It is confirmed by three identical redirects over at least three days.
    """

    target: str | None = None
    since: datetime | None = None
    count: int = 0
    is_confirmed: bool = False


def find_permanent_target(start: str, hops: Sequence[tuple[int, str]]) -> str | None:
    """Return the end of a chain of redirects if every hop is permanent and none goes from https to http."""
    schemes = [urlsplit(url).scheme for url in (start, *(url for _, url in hops))]
    is_permanent = bool(hops) and all(status in _PERMANENT_STATUSES for status, _ in hops)
    return hops[-1][1] if is_permanent and ("https", "http") not in pairwise(schemes) else None


def update_observation(previous: RedirectObservation, target: str | None, now: datetime) -> RedirectObservation:
    """Return the observation after one more response; another target, or none, starts over."""
    if target is None:
        return RedirectObservation()
    if target != previous.target or previous.since is None:
        return RedirectObservation(target, now, 1)
    count = previous.count + 1
    is_confirmed = count >= _MIN_OBSERVATIONS and now - previous.since >= _MIN_OBSERVATION_TIME
    return RedirectObservation(target, previous.since, count, is_confirmed)
