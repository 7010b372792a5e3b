"""Diagnostics.

`doctor`: what could go wrong here, each finding with its cure. Reads only, and asks no network unless told to.

What `digest doctor --sources` does: each source asked once and read, and feeds found for pages that name none.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from digest.aio import run_sync
from digest.config.loader import load_config
from digest.config.schema import Config, Source
from digest.context import Context
from digest.db.engine import DATABASE_FILE
from digest.db.maintenance import check_database_file
from digest.db.runs import load_latest_runs
from digest.errors import DigestError, RenderError, SourceError, StoreError
from digest.files import load_template_overrides
from digest.ingest.parser import ParsedPage, parse_response
from digest.ingest.parser_process import ParserPool
from digest.llm import choose_model
from digest.mail.message import load_sender_profile
from digest.ops.backup import describe_lost_database, find_newest_backup
from digest.ops.status import group_by_error, load_status
from digest.periods import get_month_of
from digest.protocols import Fetcher, Finding, Request
from digest.publishing.jekyll import find_jekyll
from digest.publishing.render.templates import compile_template
from digest.resources import find_resource
from digest.sources import SOURCE_KINDS
from digest.sources.html.discovery import guess_feed_urls


async def _probe_all_sources(context: Context) -> list[Finding]:
    """A finding for each enabled source, and one for each page that has a feed; nothing is stored."""
    enabled = [source for source in context.config.sources if source.enabled]
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool() as workers:
        probe = _SourceProbe(context, fetcher, workers)
        found = await asyncio.gather(*(probe.probe_source(source) for source in enabled))
    return [finding for findings in found for finding in findings]


class _SourceProbe:
    """What the questions of one look share."""

    def __init__(self, context: Context, fetcher: Fetcher, workers: ParserPool) -> None:
        self._now = context.now
        self._fetcher = fetcher
        self._workers = workers

    async def probe_source(self, source: Source) -> list[Finding]:
        try:
            reading = await self._fetch_and_parse(
                source, SOURCE_KINDS[source.kind].build_request(source, {}, self._now)
            )
        except SourceError as error:
            words = error.message.removeprefix(f"{source.id}: ")
            return [Finding("source", "bad", f"{source.id}: {words}", error.hint or "look at its url in a browser")]
        if reading.feed_request:
            return [Finding("source", "good", f"{source.id}: is read through its feed {reading.feed_request.url}")]
        if not reading.found_count:
            words = f"{source.id}: answers, and holds nothing"
            return [Finding("source", "warning", words, "look at its url in a browser")]
        good = Finding("source", "good", f"{source.id}: {reading.found_count} items on its first page")
        feed = await self._find_unlinked_feed(source) if source.kind == "page" else None
        return [good, feed] if feed else [good]

    async def _fetch_and_parse(self, source: Source, request: Request) -> ParsedPage:
        answer = await self._fetcher(request)
        return await self._workers.run(parse_response, source, answer, self._now, subject=source.id)

    async def _find_unlinked_feed(self, source: Source) -> Finding | None:
        """A feed at one of the usual addresses; a redirect there is how sites send unknown addresses home."""
        as_feed = source.model_copy(update={"kind": "feed"})
        for url in guess_feed_urls(source.url or ""):
            try:
                answer = await self._fetcher(Request(url, allow_private=source.allow_private))
                reading = await self._workers.run(parse_response, as_feed, answer, self._now, subject=source.id)
            except SourceError:
                continue
            if reading.found_count and not answer.redirects:
                cure = "if it holds the same, make it the source's url, with kind: feed"
                return Finding("source", "note", f"{source.id}: there is a feed at {url}", cure)
        return None


_MIB = 1 << 20
_LOW_SPACE, _MIN_SPACE = 1024 * _MIB, 100 * _MIB
_RESTORE_FIX = "`digest backup --restore FILE` brings a sound one back"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class DoctorContext:
    """What is examined. `context` is there only when the database is, and is sound."""

    root: Path
    config: Config
    environ: Mapping[str, str]
    now: datetime
    faults: list[str]
    context: Context | None
    fix: str  # of the database's faults


FindingIterator = Iterator[Finding]


def diagnose_workspace(
    root: Path, environ: Mapping[str, str], now: datetime, open_context: Callable[[], Context]
) -> list[Finding]:
    """Look at everything that needs no network. A sources.yaml that cannot be read ends what depends on it.

    `opened` gives the context; it is called only when the database is sound.
    """
    found = [*_check_disk(root)]
    try:
        config = load_config(root / "sources.yaml")
    except DigestError as error:
        return [Finding("configuration", "bad", error.message, error.hint), *found]
    path = root / DATABASE_FILE
    faults = list(filter(None, [describe_lost_database(root)])) or (check_database_file(path) if path.exists() else [])
    context, cure = None, _RESTORE_FIX
    try:
        context = open_context() if path.exists() and not faults else None
    except StoreError as error:  # sound, and of another version
        faults, cure = [error.message], error.hint
    patient = DoctorContext(root, config, environ, now, faults, context, cure)
    return [finding for check in _CHECKS for finding in check(patient)] + found


def probe_sources(context: Context) -> list[Finding]:
    """Ask every enabled source for its first page and read it; nothing is stored."""
    return run_sync(_probe_all_sources(context))


def diagnose_mail(config: Config, environ: Mapping[str, str]) -> list[Finding]:
    """Look at what decides whether mail from here is taken: DNS records, TLS; asks the network, sends nothing."""
    from digest.mail.deliverability import SenderSettings, check_deliverability, create_resolver

    head = load_sender_profile(config.newsletter, config.mail)
    return check_deliverability(SenderSettings(head, config.mail, environ), create_resolver())


def choose_exit_code(findings: list[Finding]) -> int:
    """1 when something is bad, 3 when something is to be warned of, else 0."""
    states = {finding.state for finding in findings}
    return 1 if "bad" in states else 3 if "warning" in states else 0


def _check_configuration(doctor: DoctorContext) -> FindingIterator:
    config = doctor.config
    enabled = sum(source.enabled for source in config.sources)
    yield Finding("configuration", "good", f"{enabled} sources, {len(config.taxonomy.categories)} categories")
    if config.newsletter.url == "https://example.org":
        yield Finding(
            "configuration",
            "warning",
            "newsletter.url is still https://example.org; links in feeds and mail lead there",
            "set newsletter.url in sources.yaml to the address of your site",
        )
    if not config.newsletter.interests:
        yield Finding("configuration", "note", "newsletter.interests is empty", "one line there makes ranking better")


def _check_model(doctor: DoctorContext) -> FindingIterator:
    section = doctor.config.model
    try:
        choice = choose_model(section, doctor.environ, doctor.root)
        choice.create()
    except DigestError as error:
        yield Finding("model", "bad", error.message, error.hint)
        return
    yield Finding("model", "good", choice.description)
    if choice.provider == "gemini":
        yield Finding(
            "model",
            "note",
            "on the free tier Google may use what is sent to improve its products; on a billed project it does not",
            "enable billing for the key's project, or set model.provider: local",
        )
    if section.base_url and section.base_url.startswith("http://") and not _is_loopback(section.base_url):
        yield Finding("model", "warning", "model.base_url is plain http; the key travels in clear", "use https")


def _is_loopback(url: str) -> bool:
    host = url.split("://", 1)[1].split("/", 1)[0]
    return host.rsplit(":", 1)[0].strip("[]") in _LOOPBACK


def _check_clock(doctor: DoctorContext) -> FindingIterator:
    now, newest_run = doctor.now, None
    if doctor.context is not None:
        with doctor.context.db.read() as session:
            newest_run = next(iter(load_latest_runs(session, 1)), None)
    if newest_run is not None and newest_run.started > now + timedelta(minutes=5):
        yield Finding(
            "clock", "bad", f"it is {now:%Y-%m-%d %H:%M} UTC, before the last run", "set this machine's clock (NTP)"
        )
        return
    zone = doctor.config.newsletter.timezone
    yield Finding(
        "clock", "good", f"{now:%Y-%m-%d %H:%M} UTC; the newsletter lives in {zone}; month {get_month_of(now)}"
    )


def _check_database(doctor: DoctorContext) -> FindingIterator:
    path = doctor.root / DATABASE_FILE
    if not path.exists():
        if doctor.faults:  # a copy of the site alone, on another machine, looks the same
            cure = f"bring {DATABASE_FILE} from where it is, or `digest backup --restore FILE`"
            yield Finding("database", "warning", doctor.faults[0], cure)
        else:
            yield Finding("database", "note", "there is none yet", "`digest run` makes it")
        return
    found = doctor.context.db.check_integrity() if doctor.context else doctor.faults
    for words in found[:10]:
        barred = any(sign in words for sign in ("readonly", "disk I/O", "disk is full", "unable to open"))
        cure = "look at the disk's space and the file's rights" if barred else doctor.fix
        yield Finding("database", "bad", words, cure)
    if not found:
        yield Finding("database", "good", f"sound, {path.stat().st_size / _MIB:.1f} MiB")
    last = find_newest_backup(doctor.root)
    if last is None and not found:
        yield Finding("database", "note", "there is no backup in backups/", "`digest backup` makes one")
    elif last is not None and doctor.now.timestamp() - last.stat().st_mtime > 35 * 86_400:
        yield Finding("database", "warning", f"the newest backup is {last.name}", "`digest backup` makes one")


def _check_templates(doctor: DoctorContext) -> FindingIterator:
    folder = doctor.root / "templates"
    try:
        own = load_template_overrides(folder)
    except DigestError as error:
        yield Finding("templates", "bad", error.message, error.hint)
        return
    ours = {
        path.relative_to(find_resource("templates")).as_posix() for path in find_resource("templates").rglob("*.j2")
    }
    faults = 0
    for name in own:
        try:
            if name in ours:
                compile_template(name, own)
        except RenderError as error:
            faults += 1
            yield Finding("templates", "bad", error.message, f"mend templates/{name}, or delete it")
        if name not in ours:
            faults += 1
            yield Finding("templates", "warning", f"nothing uses {name}", f"the names are: {', '.join(sorted(ours))}")
    if not faults:
        yield Finding("templates", "good", f"{len(own)} of your own, the others ship with digest")


def _check_site(doctor: DoctorContext) -> FindingIterator:
    for name in ("_config.yml", "_layouts"):
        if not (doctor.root / "site" / name).exists():
            yield Finding("site", "bad", f"site/{name} is missing", "`digest init .` puts it back")
    try:
        yield Finding("site", "good", f"Jekyll is {find_jekyll()}")
    except DigestError as error:
        yield Finding("site", "note", error.message, error.hint)


def _check_mail(doctor: DoctorContext) -> FindingIterator:
    mail, newsletter = doctor.config.mail, doctor.config.newsletter
    if mail.transport == "outbox":
        yield Finding("mail", "good", "messages are written to outbox/; nothing leaves this machine")
        return
    if not (mail.sender or newsletter.email):
        yield Finding("mail", "bad", "no sender is known", "set mail.sender or newsletter.email in sources.yaml")
    if mail.security == "none" and mail.host not in _LOOPBACK:
        yield Finding("mail", "bad", f"{mail.host}: mail and password travel in clear", "set mail.security: starttls")
    if bool(doctor.environ.get("DIGEST_SMTP_USER")) != bool(doctor.environ.get("DIGEST_SMTP_PASSWORD")):
        yield Finding("mail", "bad", "one of DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD is missing", "export both")
    if not (mail.unsubscribe_url or mail.unsubscribe_mailto):
        yield Finding(
            "mail", "warning", "readers cannot unsubscribe", "set mail.unsubscribe_mailto or mail.unsubscribe_url"
        )
    yield Finding("mail", "good", f"{mail.host}:{mail.port}, {mail.security}")


def _check_sources(doctor: DoctorContext) -> FindingIterator:
    if doctor.context is None:
        return
    rows = load_status(doctor.context).sources
    enabled = [row for row in rows if row.enabled]
    errors = {row.id: row.error for row in enabled if row.error}
    for error, names in group_by_error(errors).items():
        text = f"{names[0]}: {error}" if len(names) == 1 else f"{len(names)} sources: {error}: {', '.join(names)}"
        yield Finding("sources", "warning", text, f"run `digest fetch {' '.join(names[:3])} --force`")
    silent = [row for row in enabled if not row.error and row.state.startswith("silent")]
    if silent:
        days = ", ".join(f"{row.id} ({row.state.removeprefix('silent for ')})" for row in silent)
        fix = "run `digest fetch SOURCE --force`; a source that has moved needs its new address in sources.yaml"
        yield Finding("sources", "warning", f"{len(silent)} silent for longer than usual: {days}", fix)
    unread = sum(row.state == "never read" for row in enabled)
    if unread:
        yield Finding("sources", "note", f"{unread} of {len(rows)} were never read", "run `digest fetch`")
    elif not (errors or silent):
        yield Finding("sources", "good", f"none of {len(rows)} is failing")


def _check_disk(root: Path) -> FindingIterator:
    if not os.access(root, os.W_OK):
        yield Finding("disk", "bad", f"{root} cannot be written", "give yourself the right to write there")
    free = shutil.disk_usage(root).free
    state: Literal["good", "warning", "bad"] = (
        "bad" if free < _MIN_SPACE else "warning" if free < _LOW_SPACE else "good"
    )
    yield Finding(
        "disk", state, f"{free / _MIB / 1024:.1f} GiB free", "" if state == "good" else "make room; `digest prune`"
    )


_CHECKS: tuple[Callable[[DoctorContext], FindingIterator], ...] = (
    _check_configuration,
    _check_model,
    _check_clock,
    _check_database,
    _check_templates,
    _check_site,
    _check_mail,
    _check_sources,
)
