"""What a source's state becomes after an answer or a failure; the state given is changed, nothing is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from digest.config import Source
from digest.errors import FetchError, SourceError
from digest.fetch.moves import Move, observe, permanent_target
from digest.fetch.schedule import backoff, next_check
from digest.models import State
from digest.pipeline.reading import PARSER_VERSION, Reading
from digest.ports import Request, Response, Validators


def validators(state: State) -> Validators | None:
    """What to send along so that an unchanged answer need not come again; None when it must come whole."""
    if state.parser_version != PARSER_VERSION or not (state.etag or state.last_modified):
        return None
    return Validators(state.validators_url or "", state.etag, state.last_modified)


def is_unread(state: State) -> bool:
    """Whether the next answer must be read whatever it is: no body is known to be the same as."""
    return state.body_digest is None or state.parser_version != PARSER_VERSION


def is_same(state: State, response: Response) -> bool:
    """Whether an answer brings the body that was read the last time, by 304 or byte for byte."""
    known = None if is_unread(state) else state.body_digest
    return response.not_modified or (known is not None and sha256(response.body).hexdigest() == known)


def answered(
    state: State,
    source: Source,
    asked: Request,
    response: Response,
    reading: Reading | None,
    now: datetime,
    *,
    whole: bool,
) -> None:
    """After a visit's last good answer; `reading` is None when nothing changed, `whole` when one answer held all."""
    state.errors = state.unanswered = 0
    state.last_error = state.disabled = None
    state.last_checked = now
    _keep_validators(state, response, whole=whole and not (reading and reading.cut))
    _keep_move(state, source, asked, response, now)
    if reading is not None:
        state.last_changed = now
        state.parser_version = PARSER_VERSION
        state.body_digest = sha256(response.body).hexdigest() if whole else None
        state.links_seen = reading.found
        state.wishes = {
            "ttl": reading.ttl, "skip_hours": sorted(reading.skip_hours), "skip_days": sorted(reading.skip_days)
        }  # fmt: skip
    state.next_check = next_check(
        now,
        timedelta(hours=source.interval_hours),
        response.headers,
        ttl=state.wishes.get("ttl"),
        skip_hours=frozenset(state.wishes.get("skip_hours", ())),
        skip_days=frozenset(state.wishes.get("skip_days", ())),
    )


def failed(state: State, error: SourceError, now: datetime) -> None:
    """After a failure: what was known stays, the next check backs off, and a source that is gone is not asked again."""
    gone = isinstance(error, FetchError) and error.status == 410 and not state.moved_to
    wait = error.retry_after if isinstance(error, FetchError) else None
    state.errors += 1
    state.unanswered = 0
    state.last_error = error.message
    state.last_checked = now
    state.disabled = "410 Gone" if gone else state.disabled
    state.next_check = backoff(now, state.errors, retry_after=wait)


def _keep_validators(state: State, response: Response, *, whole: bool) -> None:
    """Verbatim, also when the body was the same; a 200 without them clears the old, a 304 keeps what it does not name.

    RFC 9111, 3.2 and 4.3.4. An answer of several pages has none: the first page's would hide a change in the others.
    Nor has one that broke off, or what it lacks would stay away until the next change.
    """
    etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
    if response.not_modified:
        etag, modified = etag or state.etag, modified or state.last_modified
    state.etag, state.last_modified = (etag, modified) if whole else (None, None)
    state.validators_url = response.url if whole and (etag or modified) else None


def _keep_move(state: State, source: Source, asked: Request, response: Response, now: datetime) -> None:
    if asked.url not in (source.url, state.moved_to):
        return  # a page's own feed, or a query: addresses that are made anew each time
    if asked.url == source.url and not response.hops:
        state.moved_to = None  # the configured address answers by itself again
    known = Move(state.moving_to, state.moving_since, state.moving_count)
    move = observe(known, permanent_target(asked.url, response.hops), now)
    state.moving_to, state.moving_since, state.moving_count = move.to, move.since, move.count
    if move.believed:
        state.moved_to = move.to
