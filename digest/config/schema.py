"""What sources.yaml may say. Every field has a sound default but the few that only the owner knows."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
DAY_PATTERN = r"^(\d{4}(-\d{2}(-\d{2})?)?)?$"
Slug = Annotated[str, Field(pattern=SLUG_PATTERN)]


def _check_http_url(value: str) -> str:
    if not re.match(r"^https?://[^\s/]+", value):
        raise ValueError("must be an http or https address")
    return value


HttpUrl = Annotated[str, AfterValidator(_check_http_url)]


def _check_mail_address(value: str) -> str:
    if value and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
        raise ValueError("must be one mail address such as me@example.org")
    return value


MailAddress = Annotated[str, AfterValidator(_check_mail_address)]


class ConfigSection(BaseModel):
    """Base: unknown keys are mistakes, and values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Newsletter(ConfigSection):
    """Who speaks, where it is read."""

    title: str = Field(min_length=1, max_length=200)
    author: str = "The editor"
    email: str = ""
    url: HttpUrl = "https://example.org"
    base_path: str = ""
    description: str = ""
    timezone: str = "UTC"
    language: Literal["en", "es", "de", "fr", "ca", "zh"] = "en"
    owned_since: str = Field(default="", pattern=DAY_PATTERN)  # date part of tag: ids, RFC 4151
    interests: str = ""  # one line: what the reader cares about
    style: str = ""  # a note on the editor's voice, for a model
    notice: str = ""  # a line shown on every issue

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not an IANA time zone such as 'Europe/Madrid' or 'UTC'") from None
        return value

    @field_validator("base_path")
    @classmethod
    def _check_base_path(cls, value: str) -> str:
        if value and not re.match(r"^(/[A-Za-z0-9._~-]+)+$", value):
            raise ValueError("must be empty or start with a slash and not end with one, such as '/digest'")
        return value

    @property
    def address(self) -> str:
        """The site's root without a trailing slash."""
        return self.url.rstrip("/") + self.base_path


class Selectors(ConfigSection):
    """CSS selectors of the page kind; each may stay empty for the defaults."""

    item: str = ""
    link: str = ""
    title: str = ""
    date: str = ""
    summary: str = ""

    @field_validator("*")
    @classmethod
    def _check_selector(cls, text: str) -> str:
        """A slip is told with its line in sources.yaml, not as a page that cannot be read."""
        if text:
            import soupsieve  # takes a while to import, and most sources have no selectors

            try:
                soupsieve.compile(text)
            except soupsieve.SelectorSyntaxError as error:
                raise ValueError(f"{text!r} is no CSS selector: {str(error).splitlines()[0]}") from error
        return text


class Source(ConfigSection):
    """A configured place. Kinds: feed, arxiv (query API), arxiv-oai, arxiv-rss, page."""

    id: Slug
    kind: Literal["feed", "arxiv", "arxiv-oai", "arxiv-rss", "page"]
    url: HttpUrl | None = None
    name: str = ""
    categories: tuple[str, ...] = ()  # arXiv's, such as cs.CL
    weight: float = Field(default=1.0, ge=0, le=5)
    interval_hours: float = Field(default=12, ge=0.25, le=24 * 31)
    enabled: bool = True
    allow_private: bool = False
    max_items: int = Field(default=500, ge=1, le=100_000)
    days: int = Field(default=35, ge=1, le=400)  # how far back the arXiv query looks on a first fetch
    quote: str = ""  # what a quotation is said to be from: abstract, post, ...
    selectors: Selectors = Selectors()

    @model_validator(mode="after")
    def _check_required_keys(self) -> Source:
        if self.kind in ("feed", "page") and not self.url:
            raise ValueError(f"a source of kind '{self.kind}' needs a 'url'")
        if self.kind.startswith("arxiv") and not self.categories:
            raise ValueError("an arXiv source needs 'categories', such as [cs.CL, cs.LG]")
        bad = [c for c in self.categories if not re.match(r"^[a-z-]+(\.[A-Za-z-]{2,})?$", c)]
        if bad:
            raise ValueError(f"{bad[0]!r} is not an arXiv category such as 'cs.CL'")
        return self

    @property
    def label(self) -> str:
        return self.name or self.id

    @property
    def quoted_from(self) -> str:
        return self.quote or ("abstract" if self.kind.startswith("arxiv") else "post")


class Category(ConfigSection):
    """A section of the issue. A user's own works from a description and a few titles."""

    slug: Slug
    title: str = Field(min_length=1, max_length=80)
    description: str = Field(min_length=10)
    exemplars: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    quota: int = Field(default=3, ge=0, le=100)


class Taxonomy(ConfigSection):
    """The closed, versioned set of categories."""

    version: int = Field(default=1, ge=1)
    threshold: float = Field(default=0.35, ge=0, le=1)  # below it an item is "other"
    categories: tuple[Category, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_distinct_names(self) -> Taxonomy:
        seen: dict[str, str] = {"other": "the reserved word"}
        for category in self.categories:
            for name in (category.slug, *category.aliases):
                if name.casefold() in seen:
                    raise ValueError(f"{name!r} is used twice (by {seen[name.casefold()]} and {category.slug})")
                seen[name.casefold()] = category.slug
        return self

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(c.slug for c in self.categories)

    def expand_aliases(self, names: Collection[str]) -> frozenset[str]:
        """The names with those their categories have or had besides: a renamed one keeps its readers."""
        also = [{c.slug, *c.aliases} for c in self.categories if not {c.slug, *c.aliases}.isdisjoint(names)]
        return frozenset(names).union(*also)


class Cadence(ConfigSection):
    """When things happen, in the newsletter's time zone unless it says UTC."""

    fetch_hour_utc: int = Field(default=6, ge=0, le=23)  # 05-12 UTC is kind to arXiv
    draft_business_day: int = Field(default=3, ge=1, le=20)
    draft_hour: int = Field(default=8, ge=0, le=23)
    refresh_weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "sat"
    shortlist: int = Field(default=50, ge=5, le=500)
    autopilot: bool = False
    remind: MailAddress = ""  # who is written to when a draft waits
    alert_mail: MailAddress = ""  # who is written to when a run is red
    alert_webhook_env: str = ""  # name of the environment variable that holds the URL


class ModelPrice(ConfigSection):
    """What a model costs that the packaged table does not list, in USD per million tokens; 0 for your own machine's."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


_PROVIDER_FOLDER = Path(__file__).parents[1] / "llm" / "providers"
PROVIDERS = tuple(
    sorted(module.name for module in iter_modules([str(_PROVIDER_FOLDER)]))
)  # a file each; none is imported here


def _check_provider(value: str) -> str:
    """As pydantic tells of a Literal, which cannot be made of what lies in a folder."""
    allowed = ("auto", "local", *PROVIDERS)
    if value not in allowed:
        raise PydanticCustomError("literal_error", "is not a provider", {"allowed": allowed})
    return value


class ModelConfig(ConfigSection):
    """Which language model, if any, and what it may cost. Keys come from the environment only."""

    provider: Annotated[str, AfterValidator(_check_provider)] = "auto"
    name: str = "gemini-3.5-flash-lite"
    thinking: Literal["", "MINIMAL", "LOW", "MEDIUM", "HIGH"] = "MINIMAL"
    service_tier: Literal["standard", "flex"] = "standard"
    batch: bool = False
    base_url: HttpUrl | None = None
    api_key_env: str = ""  # for the openai kind; empty means no key
    timeout_seconds: float = Field(default=60, gt=0, le=1800)
    parallel: int = Field(default=4, ge=1, le=32)
    price: ModelPrice | None = None  # stands before the packaged table
    max_usd_per_run: float = Field(default=0.5, ge=0)
    max_usd_per_month: float = Field(default=2.0, ge=0)
    judged: int = Field(default=300, ge=0, le=5000)  # candidates of a month shown to the model
    together: int = Field(default=10, ge=1, le=10)  # items a call, two of them the program's own; 1: each alone
    verify: bool = False
    script: str = ""  # the scripted kind's file, relative to the workspace


class SiteConfig(ConfigSection):
    """How the blog looks and what its feeds hold."""

    look: Literal["serif", "sans"] = "serif"
    feed_items: int = Field(default=20, ge=1, le=200)
    repository: str = ""
    logo_text: str = ""


class MailConfig(ConfigSection):
    """How issues are mailed. User and password come from DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD."""

    transport: Literal["outbox", "smtp"] = "outbox"
    sender: str = ""  # "Name <address>"; empty means the newsletter's title and email
    reply_to: str = ""
    host: str = "localhost"
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    per_second: float = Field(default=2.0, gt=0, le=1000)
    reconnect_every: int = Field(default=100, ge=1)
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    list_id: str = ""
    unsubscribe_mailto: str = ""
    unsubscribe_url: HttpUrl | None = None  # base of a `digest listen` endpoint
    bounce_domain: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""
    dkim_key_file_env: str = ""
    exporters: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Config(ConfigSection):
    """The whole of sources.yaml."""

    newsletter: Newsletter
    sources: tuple[Source, ...] = Field(min_length=1)
    taxonomy: Taxonomy
    cadence: Cadence = Cadence()
    model: ModelConfig = ModelConfig()
    site: SiteConfig = SiteConfig()
    mail: MailConfig = MailConfig()

    @model_validator(mode="after")
    def _check_distinct_sources(self) -> Config:
        seen: set[str] = set()
        for source in self.sources:
            if source.id in seen:
                raise ValueError(f"source id {source.id!r} is used twice")
            seen.add(source.id)
        return self

    def find_source(self, source_id: str) -> Source | None:
        """The source of that id, or None."""
        return next((s for s in self.sources if s.id == source_id), None)
