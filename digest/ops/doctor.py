"""Diagnose a workspace; every finding suggests a fix. Reads only, and uses the network only when asked to."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from digest.aio import run_sync
from digest.config.loader import load_config
from digest.config.schema import Config, Source
from digest.context import Context
from digest.db.engine import DATABASE_FILE, uses_postgres
from digest.db.issues import load_published_issues
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
from digest.ops.workspace import list_shipped_templates
from digest.periods import get_month_of
from digest.plugins import find_broken_plugins
from digest.protocols import Fetcher, Finding, Request
from digest.publishing.jekyll import find_jekyll
from digest.publishing.render.templates import list_template_variables
from digest.sources import find_source_kind
from digest.sources.html.discovery import guess_feed_urls
from digest.sources.login import add_login
from digest.text import format_count, list_first_names

_MIB = 1 << 20
_LOW_SPACE, _MIN_SPACE = 1024 * _MIB, 100 * _MIB
_RESTORE_FIX = "restore a sound copy with `digest backup --restore FILE`"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_DISK_ERRORS = ("readonly", "disk I/O", "disk is full", "unable to open")
_OPEN_IN_BROWSER = "open its url in a browser"

_ISSUE_FRONT_MATTER = re.compile(r"---\n(?:(?!---\n).*\n)*?period: ")

State = Literal["good", "note", "warning", "bad"]
Results = Iterator[tuple[State, str, str]]  # state, text, fix


@dataclass(frozen=True, slots=True)
class DoctorContext:
    """What is examined. `context` is set when the database exists and is sound; `fix` is for its faults."""

    root: Path
    config: Config
    environ: Mapping[str, str]
    now: datetime
    faults: list[str]
    context: Context | None
    fix: str


def diagnose_workspace(
    root: Path, environ: Mapping[str, str], now: datetime, open_context: Callable[[], Context]
) -> list[Finding]:
    """Check everything that needs no network; `open_context` is called only when the database is sound."""
    disk_findings = [Finding("disk", *result) for result in _check_disk(root)]
    try:
        config = load_config(root / "sources.yaml")
    except DigestError as error:
        return [Finding("configuration", "bad", error.message, error.hint), *disk_findings]
    path = root / DATABASE_FILE
    exists = path.exists() or uses_postgres()
    faults = list(filter(None, [describe_lost_database(root)]))
    if not faults and exists and not uses_postgres():
        faults = check_database_file(path)
    context, fix = None, _RESTORE_FIX
    try:
        context = open_context() if exists and not faults else None
    except StoreError as error:  # of a sound database of another version
        faults, fix = [error.message], error.hint
    doctor = DoctorContext(root, config, environ, now, faults, context, fix)
    return [Finding(subject, *result) for subject, check in _CHECKS.items() for result in check(doctor)] + disk_findings


def diagnose_mail(config: Config, environ: Mapping[str, str]) -> list[Finding]:
    """Check the DNS records and the TLS that mail depends on, over the network; sends nothing."""
    from digest.mail.deliverability import SenderSettings, check_deliverability, create_resolver

    profile = load_sender_profile(config.newsletter, config.mail)
    return check_deliverability(SenderSettings(profile, config.mail, environ), create_resolver())


def choose_exit_code(findings: list[Finding]) -> int:
    """Return 1 when a finding is bad, 3 when one is a warning, else 0."""
    states = {finding.state for finding in findings}
    return 1 if "bad" in states else 3 if "warning" in states else 0


def probe_sources(context: Context) -> list[Finding]:
    """Fetch and parse the first page of every enabled source; stores nothing."""
    return run_sync(_probe_all_sources(context))


async def _probe_all_sources(context: Context) -> list[Finding]:
    enabled = [source for source in context.config.sources if source.enabled]
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool() as parsers:
        probe = _SourceProbe(fetcher, parsers, context.now, context.environ)
        results = await asyncio.gather(*(probe.probe_source(source) for source in enabled))
    return join_shared_findings([finding for findings in results for finding in findings])


def join_shared_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Join the faults that several sources share, such as a network that is down, into one finding."""
    errors = dict(finding.text.split(": ", 1) for finding in findings if finding.state == "bad")
    shared = {error: names for error, names in group_by_error(errors).items() if len(names) > 1}
    joined_names = {name for names in shared.values() for name in names}
    fixes = {finding.text.split(": ", 1)[0]: finding.fix for finding in findings if finding.state == "bad"}
    rest = [each for each in findings if each.state != "bad" or each.text.split(": ", 1)[0] not in joined_names]
    return [
        Finding("source", "bad", f"{len(names)} sources: {error}: {list_first_names(names)}", fixes[names[0]])
        for error, names in shared.items()
    ] + rest


@dataclass(frozen=True, slots=True)
class _SourceProbe:
    """The services that the probes of all sources share."""

    fetcher: Fetcher
    parsers: ParserPool
    now: datetime
    environ: Mapping[str, str]

    async def probe_source(self, source: Source) -> list[Finding]:
        """Report what the first page of a source holds, and the feed that a page does not link to."""

        def report(state: State, text: str, fix: str = "") -> Finding:
            return Finding("source", state, f"{source.id}: {text}", fix)

        try:
            page = await self._fetch_and_parse(
                source, find_source_kind(source.kind).build_request(source, {}, self.now)
            )
        except SourceError as error:
            return [report("bad", error.message.removeprefix(f"{source.id}: "), error.hint or _OPEN_IN_BROWSER)]
        if page.feed_request:
            return [report("good", f"is read through its feed {page.feed_request.url}")]
        if not page.found_count:
            return [report("warning", "the response holds no items", _OPEN_IN_BROWSER)]
        url = await self._find_unlinked_feed(source) if source.kind == "page" else None
        fix = "if it holds the same items, use it as the source's url, with kind: feed"
        feed_findings = [report("note", f"there is a feed at {url}", fix)] if url else []
        return [report("good", f"{format_count(page.found_count, 'item')} on its first page"), *feed_findings]

    async def _fetch_and_parse(self, source: Source, request: Request) -> ParsedPage:
        response = await self.fetcher(add_login(request, source, self.environ))
        return await self.parsers.run(parse_response, source, response, self.now, subject=source.id)

    async def _find_unlinked_feed(self, source: Source) -> str | None:
        """Find a feed at a usual address, not by a redirect: sites redirect unknown addresses to their home page."""
        as_feed = source.model_copy(update={"kind": "feed"})
        for url in guess_feed_urls(source.url or ""):
            try:
                response = await self.fetcher(Request(url, allow_private=source.allow_private))
                page = await self.parsers.run(parse_response, as_feed, response, self.now, subject=source.id)
            except SourceError:
                continue
            if page.found_count and not response.redirects:
                return url
        return None


def _check_configuration(doctor: DoctorContext) -> Results:
    config = doctor.config
    enabled = sum(source.enabled for source in config.sources)
    yield "good", f"{format_count(enabled, 'source')}, {len(config.taxonomy.categories)} categories", ""
    if config.newsletter.url == "https://example.org":
        text = "newsletter.url is still https://example.org, the target of links in feeds and mail"
        yield "warning", text, "set newsletter.url in sources.yaml to the address of your site"
    if not config.newsletter.interests:
        yield "note", "newsletter.interests is empty", "describe your interests there to improve the ranking"
    arxiv_categories = _load_arxiv_categories()
    for source in config.sources:
        for unknown in (name for name in source.categories if name not in arxiv_categories):
            close = ", ".join(difflib.get_close_matches(unknown, arxiv_categories, 3))
            fix = f"choose from https://arxiv.org/category_taxonomy{f', such as {close}' if close else ''}"
            yield "warning", f"sources.yaml: {source.id}: arXiv has no category {unknown}", fix


def _load_arxiv_categories() -> list[str]:
    """Load the names of arXiv's archives and categories."""
    text = (Path(__file__).parents[1] / "data" / "arxiv_categories.txt").read_text(encoding="utf-8")
    rows = (line.partition(": ") for line in text.replace(":\n", ": \n").splitlines())
    return [name for archive, _, parts in rows for name in (archive, *(f"{archive}.{part}" for part in parts.split()))]


def _check_model(doctor: DoctorContext) -> Results:
    section = doctor.config.model
    try:
        choice = choose_model(section, doctor.environ, doctor.root)
        choice.create()
    except DigestError as error:
        yield "bad", error.message, error.hint
        return
    yield "good", choice.description, ""
    if choice.provider == "gemini":
        text = "on the free tier Google may use what is sent to improve its products; on a billed project it does not"
        yield "note", text, "enable billing for the key's project, or set model.provider: local"
    if section.base_url and section.base_url.startswith("http://"):
        host = section.base_url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0].strip("[]")
        if host not in _LOOPBACK:
            yield "warning", "model.base_url is plain http; the key travels in clear", "use https"


def _check_clock(doctor: DoctorContext) -> Results:
    now, newest_run = doctor.now, None
    if doctor.context is not None:
        with doctor.context.db.read() as session:
            newest_run = next(iter(load_latest_runs(session, 1)), None)
    if newest_run is not None and newest_run.started > now + timedelta(minutes=5):
        yield "bad", f"it is {now:%Y-%m-%d %H:%M} UTC, before the last run", "set this machine's clock (NTP)"
        return
    zone = doctor.config.newsletter.timezone
    yield "good", f"{now:%Y-%m-%d %H:%M} UTC; the newsletter's time zone is {zone}; month {get_month_of(now)}", ""


def _check_database(doctor: DoctorContext) -> Results:
    if uses_postgres():
        yield from _check_postgres(doctor)
        return
    path = doctor.root / DATABASE_FILE
    if not path.exists():
        if doctor.faults:  # a copy of the site alone, on another machine, looks the same
            yield "warning", doctor.faults[0], f"copy {DATABASE_FILE} here, or run `digest backup --restore FILE`"
        else:
            yield "note", "there is none yet", "`digest run` creates it"
        return
    faults = doctor.context.db.check_integrity() if doctor.context else doctor.faults
    for fault in faults[:10]:
        is_disk_error = any(text in fault for text in _DISK_ERRORS)
        yield "bad", fault, "check the disk's space and the file's permissions" if is_disk_error else doctor.fix
    if doctor.context and (posts := _count_unrecorded_posts(doctor.context)):
        text = f"site/_posts holds {format_count(posts, 'issue')}, and {DATABASE_FILE} has no published issue"
        yield "warning", text, "restore the former database with `digest backup --restore FILE`"
    if not faults:
        yield "good", f"sound, {path.stat().st_size / _MIB:.1f} MiB", ""
    backup = find_newest_backup(doctor.root)
    if backup is None and not faults:
        yield "note", "there is no backup in backups/", "run `digest backup`"
    elif backup is not None and doctor.now.timestamp() - backup.stat().st_mtime > 35 * 86_400:
        yield "warning", f"the newest backup is {backup.name}", "run `digest backup`"


def _count_unrecorded_posts(context: Context) -> int:
    """Count the posts of issues in a site whose database has no published issue, as one made in place of a lost one."""
    with context.db.read() as session:
        if load_published_issues(session):
            return 0
    posts = (context.site_folder / "_posts").rglob("*.md")
    return sum(bool(_ISSUE_FRONT_MATTER.match(path.read_text(encoding="utf-8", errors="replace"))) for path in posts)


def _check_postgres(doctor: DoctorContext) -> Results:
    if doctor.context is None:
        yield "bad", doctor.faults[0], doctor.fix
        return
    doctor.context.db.check_integrity()
    schema = doctor.context.db.schema
    yield "good", f"schema {schema} of PostgreSQL; back it up by `pg_dump -n {schema}` or `digest export`", ""


def _check_templates(doctor: DoctorContext) -> Results:
    try:
        overrides = load_template_overrides(doctor.root / "templates")
    except DigestError as error:
        yield "bad", error.message, error.hint
        return
    shipped_names = list_shipped_templates()
    variables = (
        {variable for name in shipped_names for variable in list_template_variables(name, {})} if overrides else set()
    )
    faults = 0
    for name in overrides:
        if name not in shipped_names:
            faults += 1
            yield "warning", f"nothing uses {name}", f"the names are: {', '.join(shipped_names)}"
            continue
        try:
            for variable in sorted(list_template_variables(name, overrides) - variables):
                faults += 1
                yield "warning", f"templates/{name} uses {variable}, which is not defined", f"edit templates/{name}"
        except RenderError as error:
            faults += 1
            yield "bad", error.message, f"edit templates/{name}, or delete it"
    if not faults:
        yield "good", f"{len(overrides)} of your own, the others ship with digest", ""


def _check_site(doctor: DoctorContext) -> Results:
    for name in ("_config.yml", "_layouts"):
        if not (doctor.root / "site" / name).exists():
            yield "bad", f"site/{name} is missing", "restore it with `digest init .`"
    try:
        yield "good", f"Jekyll is {find_jekyll()}", ""
    except DigestError as error:
        yield "note", error.message, error.hint


def _check_mail(doctor: DoctorContext) -> Results:
    mail, newsletter = doctor.config.mail, doctor.config.newsletter
    if mail.transport == "outbox":
        yield "good", "messages are written to outbox/; nothing leaves this machine", ""
        return
    if not (mail.sender or newsletter.email):
        yield "bad", "there is no sender", "set mail.sender or newsletter.email in sources.yaml"
    if mail.security == "none" and mail.host not in _LOOPBACK:
        yield "bad", f"{mail.host}: mail and password travel in clear", "set mail.security: starttls"
    if bool(doctor.environ.get("DIGEST_SMTP_USER")) != bool(doctor.environ.get("DIGEST_SMTP_PASSWORD")):
        yield "bad", "one of DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD is missing", "export both"
    if not (mail.unsubscribe_url or mail.unsubscribe_mailto):
        yield "warning", "readers cannot unsubscribe", "set mail.unsubscribe_mailto or mail.unsubscribe_url"
    yield "good", f"{mail.host}:{mail.port}, {mail.security}", ""


def _check_sources(doctor: DoctorContext) -> Results:
    if doctor.context is None:
        return
    rows = load_status(doctor.context).sources
    enabled = [row for row in rows if row.enabled]
    errors = {row.id: row.error for row in enabled if row.error}
    for error, names in group_by_error(errors).items():
        text = (
            f"{names[0]}: {error}" if len(names) == 1 else f"{len(names)} sources: {error}: {list_first_names(names)}"
        )
        yield "warning", text, f"run `digest fetch {' '.join(names[:3])} --force`"
    silent = [row for row in enabled if not row.error and row.state.startswith("silent")]
    if silent:
        days = ", ".join(f"{row.id} ({row.state.removeprefix('silent for ')})" for row in silent)
        fix = "run `digest fetch SOURCE --force`; a source that has moved needs its new address in sources.yaml"
        yield "warning", f"{len(silent)} silent for longer than usual: {days}", fix
    unread = sum(row.state == "never read" for row in enabled)
    if unread:
        yield "note", f"{unread} of {len(rows)} were never read", "run `digest fetch`"
    elif not (errors or silent):
        yield "good", f"none of {len(rows)} is failing", ""


def _check_disk(root: Path) -> Results:
    if not os.access(root, os.W_OK):
        yield "bad", f"{root} cannot be written", "give yourself permission to write there"
    free = shutil.disk_usage(root).free
    state: State = "bad" if free < _MIN_SPACE else "warning" if free < _LOW_SPACE else "good"
    yield (
        state,
        f"{free / _MIB / 1024:.1f} GiB free",
        "" if state == "good" else "free some space, or run `digest prune`",
    )


def _check_plugins(_: DoctorContext) -> Results:
    for problem in find_broken_plugins():
        yield "warning", problem, "update or remove its package; nothing else is affected"


_CHECKS: dict[str, Callable[[DoctorContext], Results]] = {
    "configuration": _check_configuration,
    "model": _check_model,
    "clock": _check_clock,
    "database": _check_database,
    "templates": _check_templates,
    "site": _check_site,
    "mail": _check_mail,
    "sources": _check_sources,
    "plug-ins": _check_plugins,
}
