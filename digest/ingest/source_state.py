"""State after success or failure; permanent redirects.

What a source's state becomes after an answer or a failure; the state given is changed, nothing is stored.

Redirects that last: a permanent target is believed after three identical chains over at least three days.
"""

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


@dataclass(frozen=True, slots=True)
class RedirectObservation:
    """A permanent target seen, since when, how often in a row, and whether it is believed by now."""

    target: str | None = None
    since: datetime | None = None
    count: int = 0
    is_confirmed: bool = False


def find_permanent_target(start: str, hops: Sequence[tuple[int, str]]) -> str | None:
    """Where a chain of redirects leads for good: every hop permanent, never from https to http."""
    if not hops or any(status not in _PERMANENT_STATUSES for status, _ in hops):
        return None
    schemes = [urlsplit(url).scheme for url in (start, *(url for _, url in hops))]
    if any(pair == ("https", "http") for pair in pairwise(schemes)):
        return None
    return hops[-1][1]


def update_observation(previous: RedirectObservation, target: str | None, now: datetime) -> RedirectObservation:
    """The memory after one more good answer; another target, or none, starts over."""
    if target is None:
        return RedirectObservation()
    if target != previous.target or previous.since is None:
        return RedirectObservation(target, now, 1)
    count = previous.count + 1
    return RedirectObservation(
        target, previous.since, count, count >= _MIN_OBSERVATIONS and now - previous.since >= _MIN_OBSERVATION_TIME
    )


def build_validators(state: FetchState) -> Validators | None:
    """What to send along so that an unchanged answer need not come again; None when it must come whole."""
    if state.parser_version != PARSER_VERSION or not (state.etag or state.last_modified):
        return None
    return Validators(state.validators_url or "", state.etag, state.last_modified)


def is_parse_required(state: FetchState) -> bool:
    """Whether the next answer must be read whatever it is: no body is known to be the same as."""
    return state.body_digest is None or state.parser_version != PARSER_VERSION


def is_unchanged_response(state: FetchState, response: Response) -> bool:
    """Whether an answer brings the body that was read the last time, by 304 or byte for byte."""
    known = None if is_parse_required(state) else state.body_digest
    return response.is_not_modified or (known is not None and sha256(response.body).hexdigest() == known)


def record_success(
    state: FetchState,
    source: Source,
    request: Request,
    response: Response,
    parsed_page: ParsedPage | None,
    now: datetime,
    *,
    is_complete: bool,
) -> None:
    """After a visit's last good answer; `reading` is None when nothing changed, `whole` when one answer held all."""
    state.errors = state.unanswered = 0
    state.last_error = state.disabled = None
    state.last_checked = now
    _update_validators(state, response, is_complete=is_complete and not (parsed_page and parsed_page.is_truncated))
    _update_redirect(state, source, request, response, now)
    if parsed_page is not None:
        state.last_changed = now
        state.parser_version = PARSER_VERSION
        state.body_digest = sha256(response.body).hexdigest() if is_complete else None
        state.links_seen = parsed_page.found_count
        state.polling_hints = {
            "ttl": parsed_page.ttl, "skip_hours": sorted(parsed_page.skip_hours), "skip_days": sorted(parsed_page.skip_days)
        }  # fmt: skip
    state.next_check = compute_next_check(
        now,
        timedelta(hours=source.interval_hours),
        response.headers,
        ttl=state.polling_hints.get("ttl"),
        skip_hours=frozenset(state.polling_hints.get("skip_hours", ())),
        skip_days=frozenset(state.polling_hints.get("skip_days", ())),
    )


def record_failure(state: FetchState, error: SourceError, now: datetime) -> None:
    """After a failure: what was known stays, the next check backs off, and a source that is gone is not asked again."""
    gone = isinstance(error, FetchError) and error.status == 410 and not state.moved_to
    wait = error.retry_after if isinstance(error, FetchError) else None
    state.errors += 1
    state.unanswered = 0
    state.last_error = error.message
    state.last_checked = now
    state.disabled = "410 Gone" if gone else state.disabled
    state.next_check = compute_backoff(now, state.errors, retry_after=wait)


def _update_validators(state: FetchState, response: Response, *, is_complete: bool) -> None:
    """Verbatim, also when the body was the same; a 200 without them clears the old, a 304 keeps what it does not name.

    RFC 9111, 3.2 and 4.3.4. An answer of several pages has none: the first page's would hide a change in the others.
    Nor has one that broke off, or what it lacks would stay away until the next change.
    """
    etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
    if response.is_not_modified:
        etag, modified = etag or state.etag, modified or state.last_modified
    state.etag, state.last_modified = (etag, modified) if is_complete else (None, None)
    state.validators_url = response.url if is_complete and (etag or modified) else None


def _update_redirect(state: FetchState, source: Source, request: Request, response: Response, now: datetime) -> None:
    if request.url not in (source.url, state.moved_to):
        return  # a page's own feed, or a query: addresses that are made anew each time
    if request.url == source.url and not response.redirects:
        state.moved_to = None  # the configured address answers by itself again
    known = RedirectObservation(state.moving_to, state.moving_since, state.moving_count)
    move = update_observation(known, find_permanent_target(request.url, response.redirects), now)
    state.moving_to, state.moving_since, state.moving_count = move.target, move.since, move.count
    if move.is_confirmed:
        state.moved_to = move.target
