"""The schema of sources.yaml. Every field has a default except the few that only the owner knows."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from digest.periods import MONTH_ANCHORS
from digest.plugins import list_plugins

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
    """The base of all sections: unknown keys are mistakes, and values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Follow(ConfigSection):
    """Authors, labs, sources and terms that the editor follows."""

    authors: tuple[str, ...] = Field(default=(), description="Names of authors, as papers give them.")
    labs: tuple[str, ...] = Field(default=(), description="Names of labs: in authors, titles and names of sources.")
    sources: tuple[str, ...] = Field(default=(), description="Ids or names of sources.")
    terms: tuple[str, ...] = Field(default=(), description="Words and phrases in titles and texts.")


class Newsletter(ConfigSection):
    """The newsletter, its editor and its address."""

    title: str = Field(min_length=1, max_length=200, description="Title of the newsletter.")
    author: str = Field(default="The editor", description="Name of the person who signs the issues.")
    email: str = Field(default="", description="Address of the editor; mail is sent from it unless mail.sender is set.")
    url: HttpUrl = Field(default="https://example.org", description="Address of the site, without a path.")
    base_path: str = Field(default="", description="Path of the blog below the address, such as /digest.")
    description: str = Field(default="", description="One sentence on the newsletter, for feeds and search engines.")
    timezone: str = Field(default="UTC", description="IANA time zone of dates and of the cadence.")
    language: Literal["en", "es", "de", "fr", "ca", "zh"] = Field(
        default="en", description="Language of labels and dates."
    )
    owned_since: str = Field(
        default="", pattern=DAY_PATTERN, description="Date part of the feeds' tag: ids (RFC 4151)."
    )
    interests: str | tuple[str, ...] = Field(
        default="", description="What the reader cares about: one line of English, or a list of phrases."
    )
    follow: Follow = Field(default=Follow(), description="What is ranked higher because you follow it.")
    boost: tuple[str, ...] = Field(default=(), description="Phrases that are ranked higher.")
    mute: tuple[str, ...] = Field(default=(), description="Phrases, sources and authors that are hidden.")
    style: str = Field(default="", description="A note on the editor's voice, for a model.")
    notice: str = Field(default="", description="A line shown on every issue.")

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
        """Return the site's root without a trailing slash."""
        return self.url.rstrip("/") + self.base_path

    @property
    def interests_line(self) -> str:
        return self.interests if isinstance(self.interests, str) else "; ".join(self.interests)


class Selectors(ConfigSection):
    """CSS selectors of the page kind; each may stay empty for the defaults."""

    item: str = Field(default="", description="Selector of one post on the page.")
    link: str = Field(default="", description="Selector of its link.")
    title: str = Field(default="", description="Selector of its title.")
    date: str = Field(default="", description="Selector of its date.")
    summary: str = Field(default="", description="Selector of its summary.")

    @field_validator("*")
    @classmethod
    def _check_selector(cls, text: str) -> str:
        """Report a wrong selector with its line in sources.yaml, before a page is fetched."""
        if text:
            import soupsieve  # takes a while to import, and most sources have no selectors

            try:
                soupsieve.compile(text)
            except soupsieve.SelectorSyntaxError as error:
                raise ValueError(f"{text!r} is no CSS selector: {str(error).splitlines()[0]}") from error
        return text


SOURCE_KIND_NAMES = ("feed", "arxiv", "arxiv-oai", "arxiv-rss", "page")


def _check_source_kind(value: str) -> str:
    """Report an unknown kind as pydantic reports a Literal, with the kinds of installed plug-ins among the values."""
    if value not in SOURCE_KIND_NAMES and value not in (plugins := list_plugins("digest.sources")):
        raise PydanticCustomError("literal_error", "is not a kind", {"allowed": (*SOURCE_KIND_NAMES, *plugins)})
    return value


class Source(ConfigSection):
    """A configured source. Kinds: feed, arxiv (query API), arxiv-oai, arxiv-rss, page."""

    id: Slug = Field(description="Short name of the source: letters, digits and hyphens.")
    kind: Annotated[str, AfterValidator(_check_source_kind)] = Field(
        description="How the source is read: feed, page, arxiv, arxiv-oai, arxiv-rss, or a kind of a plug-in."
    )
    url: HttpUrl | None = Field(default=None, description="Address of the feed or page.")
    name: str = Field(default="", description="Name shown to readers.")
    categories: tuple[str, ...] = Field(default=(), description="arXiv categories, such as cs.CL.")
    weight: float = Field(
        default=1.0, ge=0, le=5, description="How much the source counts in the ranking; 1 is neutral."
    )
    interval_hours: float = Field(default=12, ge=0.25, le=24 * 31, description="Hours between two requests.")
    enabled: bool = Field(default=True, description="Whether the source is read.")
    allow_private: bool = Field(default=False, description="Whether addresses of a private network may be read.")
    auth_env: str = Field(
        default="",
        description="Name of the environment variable with its login: user:password, Bearer TOKEN, or Header: value.",
    )
    max_items: int = Field(default=500, ge=1, le=100_000, description="How many entries are taken from one answer.")
    days: int = Field(
        default=35, ge=1, le=400, description="How many days back the arXiv query looks on the first fetch."
    )
    quote: str = Field(default="", description="What a quotation is from: abstract, post, and so on.")
    options: dict[str, Any] = Field(default_factory=dict, description="Settings of a plug-in's kind.")
    selectors: Selectors = Field(default=Selectors(), description="CSS selectors of a page.")

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
    """A section of the issue. The owner defines a category by a description and a few titles."""

    slug: Slug = Field(description="Short name, used in addresses and in the draft.")
    title: str = Field(min_length=1, max_length=80, description="Heading of the section.")
    description: str = Field(min_length=10, description="What belongs here, in a sentence or two.")
    exemplars: tuple[str, ...] = Field(default=(), description="Titles of works that belong here.")
    aliases: tuple[str, ...] = Field(default=(), description="Former slugs.")
    keywords: tuple[str, ...] = Field(default=(), description="Words that speak for the category.")
    quota: int = Field(default=3, ge=0, le=100, description="How many picks are proposed.")


class Taxonomy(ConfigSection):
    """The closed, versioned set of categories."""

    version: int = Field(default=1, ge=1, description="Number of this taxonomy; raise it when categories change.")
    threshold: float = Field(default=0.35, ge=0, le=1, description='Probability below which an item is "other".')
    categories: tuple[Category, ...] = Field(min_length=1, description="The sections of an issue, in order.")

    @model_validator(mode="after")
    def _check_distinct_names(self) -> Taxonomy:
        seen = dict.fromkeys(MONTH_ANCHORS, "the anchor of a month") | {"other": "the reserved word"}
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
        """Return the names with all other names of their categories: a renamed category keeps its readers."""
        also = [{c.slug, *c.aliases} for c in self.categories if not {c.slug, *c.aliases}.isdisjoint(names)]
        return frozenset(names).union(*also)


class Cadence(ConfigSection):
    """When things happen, in the newsletter's time zone unless it says UTC."""

    fetch_hour_utc: int = Field(
        default=6, ge=0, le=23, description="Hour of the nightly fetch, in UTC; 5 to 12 suits arXiv."
    )
    draft_business_day: int = Field(
        default=3, ge=1, le=20, description="Business day of the month on which last month is drafted."
    )
    draft_hour: int = Field(default=8, ge=0, le=23, description="Hour of the draft.")
    refresh_weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="sat", description="Day on which published works are checked again."
    )
    shortlist: int = Field(default=100, ge=5, le=500, description="Number of candidates in a draft.")
    autopilot: bool = Field(
        default=False, description="Whether issues that pass every check are published and mailed unattended."
    )
    remind: MailAddress = Field(default="", description="Address that gets a mail when a draft waits.")
    alert_mail: MailAddress = Field(default="", description="Address that gets a mail when a run is unhealthy.")
    alert_webhook_env: str = Field(
        default="", description="Name of the environment variable with the address of a webhook for alerts."
    )


class ModelPrice(ConfigSection):
    """The price of a model that the packaged table does not list, in USD per million tokens."""

    input: float = Field(ge=0, description="USD per million input tokens.")
    output: float = Field(ge=0, description="USD per million output tokens.")


_PROVIDER_FOLDER = Path(__file__).parents[1] / "llm" / "providers"
PROVIDERS = tuple(
    sorted(module.name for module in iter_modules([str(_PROVIDER_FOLDER)]))
)  # a file each; none is imported here


def _check_provider(value: str) -> str:
    """Raise what pydantic raises for a Literal, which cannot be made of the files of a folder."""
    allowed = ("auto", "local", *PROVIDERS)
    if value not in allowed and value not in (plugins := list_plugins("digest.models")):
        allowed = (*allowed, *plugins)
        raise PydanticCustomError("literal_error", "is not a provider", {"allowed": allowed})
    return value


class ModelConfig(ConfigSection):
    """Which language model, if any, and what it may cost. Keys come from the environment only."""

    provider: Annotated[str, AfterValidator(_check_provider)] = Field(
        default="auto", description="Which provider is asked; auto takes Gemini when its key is set, local asks none."
    )
    name: str = Field(default="gemini-3.5-flash-lite", description="Name of the model.")
    thinking: Literal["", "MINIMAL", "LOW", "MEDIUM", "HIGH"] = Field(
        default="MINIMAL", description="Thinking level; empty leaves it to the model."
    )
    service_tier: Literal["standard", "flex"] = Field(
        default="standard", description="flex costs half and answers within minutes."
    )
    batch: bool = Field(
        default=False, description="Whether grading runs as one batch job: half the price, within a day."
    )
    base_url: HttpUrl | None = Field(default=None, description="Address of an OpenAI-compatible endpoint.")
    api_key_env: str = Field(
        default="",
        description="Name of the environment variable with the key of the openai provider; empty means no key.",
    )
    timeout_seconds: float = Field(default=60, gt=0, le=1800, description="Seconds before a call is given up.")
    parallel: int = Field(default=4, ge=1, le=32, description="Calls at the same time.")
    price: ModelPrice | None = Field(
        default=None, description="Price of a model that the packaged table does not list."
    )
    max_usd_per_run: float = Field(default=0.5, ge=0, description="Spending limit of one run, in USD.")
    max_usd_per_month: float = Field(default=2.0, ge=0, description="Spending limit of a month, in USD.")
    judged: int = Field(default=1000, ge=0, le=5000, description="How many candidates of a month are graded.")
    together: int = Field(
        default=10, ge=1, le=10, description="Items in one call, two of them canary items; 1 grades each alone."
    )
    verify: bool = Field(default=False, description="Whether a second call checks each blurb.")
    script: str = Field(default="", description="Answers of the scripted provider: a file in the workspace.")


class SiteConfig(ConfigSection):
    """How the blog looks and what its feeds hold."""

    look: Literal["serif", "sans"] = Field(default="serif", description="Typeface of the site.")
    density: Literal["comfortable", "compact"] = Field(
        default="comfortable", description="Space between the works of an issue; compact shows more on a screen."
    )
    feed_items: int = Field(default=20, ge=1, le=200, description="Entries in each feed.")
    repository: str = Field(default="", description="Address of the site's repository, for links to corrections.")
    renderers: tuple[str, ...] = Field(default=(), description="Plug-ins that write further files for each issue.")
    logo_text: str = Field(default="", description="Text of the logo; empty takes the title.")
    colophon: str = Field(default="", description="How an issue was made; empty states its facts, none says nothing.")
    numbers: Literal["none", "brief", "table"] = Field(
        default="brief", description="Figures of an issue: none, how many were read and kept, or a table of sources."
    )
    subscribe_url: str = Field(
        default="",
        description="Sign-up address: a form for Buttondown, listmonk, Mailchimp or …/subscribe, else a link.",
    )
    into: str = Field(default="", description="Folder of an existing blog, to write posts into, such as ../blog.")
    format: Literal["jekyll", "hugo"] = Field(default="jekyll", description="Program of that blog.")
    posts: str = Field(default="_posts", description="Folder of the blog's posts; content/posts for Hugo.")
    images: str = Field(
        default="assets/pictures", description="Folder of the blog's pictures; static/assets/pictures for Hugo."
    )
    layout: str = Field(default="post", description="Layout of the blog's posts.")
    tags: tuple[str, ...] = Field(default=(), description="Tags of the blog's posts.")
    categories: tuple[str, ...] = Field(default=(), description="Categories of the blog's posts.")
    front_matter: dict[str, Any] = Field(default_factory=dict, description="Further front matter of the blog's posts.")


class MailConfig(ConfigSection):
    """How issues are mailed. User and password come from DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD."""

    transport: Literal["outbox", "smtp"] = Field(default="outbox", description="outbox writes .eml files, smtp sends.")
    sender: str = Field(
        default="", description="Name and address of the sender; empty takes the newsletter's title and email."
    )
    reply_to: str = Field(default="", description="Address for replies.")
    host: str = Field(default="localhost", description="Host of the SMTP server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the SMTP server.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted."
    )
    per_second: float = Field(default=2.0, gt=0, le=1000, description="Messages a second at most.")
    reconnect_every: int = Field(default=100, ge=1, description="Messages sent over one connection.")
    timeout_seconds: float = Field(default=60, gt=0, le=600, description="Seconds before the server is given up.")
    list_id: str = Field(default="", description="Value of the List-Id header.")
    unsubscribe_mailto: str = Field(default="", description="Address for requests to leave; empty takes the sender.")
    unsubscribe_url: HttpUrl | None = Field(
        default=None, description="Public https address of `digest subscribers serve`."
    )
    bounce_domain: str = Field(default="", description="Domain of the bounce addresses, one for each message.")
    dkim_selector: str = Field(default="", description="DKIM selector.")
    dkim_domain: str = Field(default="", description="DKIM domain.")
    dkim_key_file_env: str = Field(
        default="", description="Name of the environment variable with the path of the DKIM key."
    )
    exporters: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of mailing platforms: listmonk {url, lists}, mailchimp {list_id}, ghost {url}, beehiiv {publication_id}.",
    )


class NetworkConfig(ConfigSection):
    """How the network is reached. HTTPS_PROXY, HTTP_PROXY, NO_PROXY and SSL_CERT_FILE are honoured without it."""

    proxy: str = Field(default="", description="Proxy, as http://host:port; empty takes the environment's.")
    ca_file: str = Field(default="", description="PEM file with certificates to trust beside the system's.")


class Config(ConfigSection):
    """The whole of sources.yaml."""

    newsletter: Newsletter = Field(description="The newsletter itself.")
    sources: tuple[Source, ...] = Field(min_length=1, description="Where items come from.")
    taxonomy: Taxonomy = Field(description="The categories.")
    cadence: Cadence = Field(default=Cadence(), description="When things happen.")
    model: ModelConfig = Field(default=ModelConfig(), description="The language model and what it may cost.")
    site: SiteConfig = Field(default=SiteConfig(), description="How the blog looks.")
    mail: MailConfig = Field(default=MailConfig(), description="How issues are mailed.")
    network: NetworkConfig = Field(default=NetworkConfig(), description="Proxy and certificates.")

    @model_validator(mode="after")
    def _check_distinct_sources(self) -> Config:
        ids = [source.id for source in self.sources]
        for index, source_id in enumerate(ids):
            if source_id in ids[:index]:
                context = {"source_index": index, "source_id": source_id}
                raise PydanticCustomError("duplicate_source", "source id '{source_id}' is used twice", context)
        return self

    def find_source(self, source_id: str) -> Source | None:
        """Find the source with this id."""
        return next((s for s in self.sources if s.id == source_id), None)

    def get_quote_label(self, source_id: str, item_key: str) -> str:
        """Name what a quotation of an item is from; an arXiv paper that was added by URL has an abstract too."""
        if source := self.find_source(source_id):
            return source.quoted_from
        return "abstract" if item_key.startswith("arxiv:") else "source"
