"""Edit actions of the desk: each makes a `DraftEdit` from the fields of a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from digest.blurbs.generate import build_quoted_blurb
from digest.context import Context
from digest.db.issues import load_covered_in
from digest.db.items import get_item
from digest.db.predictions import choose_best_tagging, load_taggings
from digest.drafts.edit import (
    add_section,
    add_typed_url,
    move_to_shortlist,
    place_pick,
    remove_section,
    remove_typed_url,
    sign_verdict,
    strike_verdict,
    update_pick,
    update_section,
)
from digest.drafts.editing import DraftEdit, load_pick_row, prefetch_url, resolve_draft
from digest.drafts.model import Draft, DraftCandidate, DraftPick
from digest.drafts.propose import build_pick, format_item_facts
from digest.errors import ConfigError
from digest.markdown.escape import encode_link, escape_markdown
from digest.models.issues import DraftVersion
from digest.models.items import Item
from digest.periods import Period
from digest.tagging.items import merge_items_by_name, order_merge_pair, split_item_by_name
from digest.text import normalise_line

_DRAFT_FIELDS = ("title", "subject", "preheader", "intro", "outro")


@dataclass(frozen=True, slots=True)
class EditRequest:
    """A request to change the draft of a period, with the text fields of its body."""

    context: Context
    period: Period
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        if name not in self.fields:
            raise ConfigError(f"the request has no field {name!r}", "load the page again")
        return self.fields[name]

    def read_title(self, name: str) -> str:
        """Read a field as one line; raises ConfigError when it is empty."""
        if title := normalise_line(self[name]):
            return title
        raise ConfigError("a title cannot be empty", "write one")

    def read_url(self, text: str) -> str:
        """Encode a URL; raises ConfigError for another scheme than http and https."""
        if url := encode_link(text.strip()):
            return url
        raise ConfigError("this is not an http or https address", "paste the work's address")

    @property
    def category_titles(self) -> dict[str, str]:
        return {category.slug: category.title for category in self.context.config.taxonomy.categories}


def parse_edit_request(context: Context, period: Period, body: Any) -> tuple[int, str, EditRequest]:
    """Return the version the page shows, the action and the request; raises ConfigError for another shape."""
    if not isinstance(body, dict) or not isinstance(body.get("version"), int):
        raise ConfigError("the request is not an edit", "load the page again")
    fields = {name: value for name, value in body.items() if isinstance(value, str)}
    action = fields.get("action", "")
    if action not in ACTIONS:
        raise ConfigError(f"{action!r} is not an action of the desk", "load the page again")
    return body["version"], action, EditRequest(context, period, fields)


def _pick_item(request: EditRequest) -> DraftEdit:
    """Pick an item into the named section, by default that of its category."""
    item, category, covered = _load_item(request)
    pick = build_pick(request.context.config, item, build_quoted_blurb(item), None, covered)
    titles = request.category_titles
    slug = request.fields.get("section") or (category if category in titles else next(iter(titles)))

    def change(draft: Draft) -> Draft:
        changed = place_pick(draft, pick.key, slug, titles, request.fields.get("before", ""), pick)
        placed_pick = next(p for _, p in changed.iter_picks() if p.key == pick.key)
        if placed_pick.blurb or placed_pick.origin != "source":
            return changed
        return update_pick(changed, pick.key, blurb=pick.blurb, engine=pick.engine, note=pick.note)

    return change


def _mark_candidate(mark: Any) -> Callable[[EditRequest], DraftEdit]:
    def make_edit(request: EditRequest) -> DraftEdit:
        item, category, covered = _load_item(request)
        facts = format_item_facts(request.context.config, item, None)
        candidate = DraftCandidate(item.key, item.title, item.url, facts, category=category, covered=covered)
        return lambda draft: move_to_shortlist(draft, candidate, mark)

    return make_edit


def _edit_text(request: EditRequest) -> DraftEdit:
    """Change a text of the draft, or a section's title or introduction."""
    field, slug = request["field"], request.fields.get("section", "")
    text = request.read_title("text") if field == "title" else request["text"]
    if slug and field in ("title", "note"):
        changes = {"intro": text, "engine": ""} if field == "note" else {"title": text}
        return lambda draft: update_section(draft, slug, **changes)
    if field in _DRAFT_FIELDS:
        draft_changes: dict[str, Any] = {field: text}
        return lambda draft: replace(draft, **draft_changes)
    raise ConfigError(f"{field!r} is not a text of the draft", "load the page again")


def _edit_title(request: EditRequest) -> DraftEdit:
    key, text = request["key"], request.read_title("text")
    return lambda draft: update_pick(draft, key, title=text)


def _edit_blurb(request: EditRequest) -> DraftEdit:
    """Change a blurb; a generated text that was not edited keeps its origin."""
    key, text = request["key"], request["text"].replace("\r\n", "\n").strip()

    def change(draft: Draft) -> Draft:
        pick = _find_pick(draft, key)
        if pick is not None and text == format_editable_blurb(pick):
            return draft
        return update_pick(draft, key, blurb=text, origin="editor", engine="", flags=())

    return change


def format_editable_blurb(pick: DraftPick) -> str:
    """Return a blurb as Markdown to edit: the editor's unchanged, a generated one escaped."""
    return pick.blurb if pick.origin == "editor" else "\n\n".join(map(escape_markdown, pick.blurb.split("\n\n")))


def _undo(request: EditRequest) -> DraftEdit:
    """Restore the draft of an earlier version; later edits of others are merged in."""
    with request.context.db.read() as session:
        version = session.get(DraftVersion, int(request["before"])) if request["before"].isdigit() else None
        if version is None or version.period != request.period.name:
            raise ConfigError("there is no such version to go back to", "load the page again")
        earlier_draft = resolve_draft(request.context, session, version.text)
    return lambda draft: earlier_draft


def _edit_highlight(request: EditRequest) -> DraftEdit:
    key, text = request["key"], normalise_line(request["text"]) or None
    return lambda draft: update_pick(draft, key, highlight=text)


def _edit_verdict(request: EditRequest) -> DraftEdit:
    """Set a pick's verdict; the editor's own replaces a proposed one."""
    key, text = request["key"], normalise_line(request["text"])
    return lambda draft: update_pick(draft, key, verdict=text, proposed_verdict="")


def _decide_verdict(decide: Callable[[Draft, str], Draft]) -> Callable[[EditRequest], DraftEdit]:
    def make_edit(request: EditRequest) -> DraftEdit:
        key = request["key"]
        return lambda draft: decide(draft, key)

    return make_edit


def _choose_version(request: EditRequest) -> DraftEdit:
    """Choose one of the stored versions of a blurb."""
    key, text = request["key"], request["text"]
    with request.context.db.read() as session:
        versions = load_pick_row(session, request.period, key).versions
    version = next((version for version in versions if version["text"] == text), None)
    if version is None:
        raise ConfigError("this version of the blurb is not stored any more", "load the page again")
    changes = {"blurb": text, "flags": tuple(version["flags"])} | {n: version[n] for n in ("origin", "engine")}
    return lambda draft: update_pick(draft, key, **changes)


def _set_pick_style(request: EditRequest) -> DraftEdit:
    """Set or clear how a pick is shown: brief, as a highlight, or as an update."""
    key, field, text = request["key"], request["field"], request["text"]
    fields: dict[str, Any] = {"note": bool(text), "highlight": normalise_line(text) or None, "update_of": text or None}
    if field not in fields:
        raise ConfigError(f"{field!r} is not a style of a pick", "load the page again")
    return lambda draft: update_pick(draft, key, **{field: fields[field]})


def _resolve_conflict(request: EditRequest) -> DraftEdit:
    """Resolve a conflict with the editor's text or the other one."""
    key, field, text = request.fields.get("key", ""), request["field"], request["text"]
    fields: dict[str, Any] = {}
    if request["take"] == "theirs":
        fields = {"blurb": text, "origin": "editor", "engine": "", "flags": ()} if field == "blurb" else {field: text}

    def change(draft: Draft) -> Draft:
        owner = _find_pick(draft, key) if key else draft
        conflicts = owner.conflicts if owner else ()
        open_conflicts = tuple(each for each in conflicts if (each.field, each.text) != (field, text))
        if key:
            return update_pick(draft, key, conflicts=open_conflicts, **fields)
        return replace(draft, conflicts=open_conflicts, **(fields if field in _DRAFT_FIELDS else {}))

    return change


def _add_url(request: EditRequest) -> DraftEdit:
    """Add a work by its URL; one that cannot be fetched now stays in the draft until it can."""
    url, section, text = request.read_url(request["url"]), request["section"], request.fields.get("text", "").strip()
    prefetch_url(request.context, url)
    return lambda draft: add_typed_url(draft, section, url, text)


def _remove_url(request: EditRequest) -> DraftEdit:
    section, url = request["section"], request["url"]
    return lambda draft: remove_typed_url(draft, section, url)


def _add_section(request: EditRequest) -> DraftEdit:
    """Add a section of the editor's own after the others."""
    title = request.read_title("title")
    return lambda draft: add_section(draft, title)


def _remove_section(request: EditRequest) -> DraftEdit:
    section = request["section"]
    return lambda draft: remove_section(draft, section)


def _edit_link(request: EditRequest) -> DraftEdit:
    """Set the URL of a pick; an empty text restores the item's own."""
    key, text = request["key"], request["text"].strip()
    url = request.read_url(text) if text else _load_item(request)[0].url
    return lambda draft: update_pick(draft, key, url=url)


def _merge_items(request: EditRequest) -> DraftEdit:
    """Merge two items in the database; drafts follow when they are next read."""
    with request.context.db.read() as session:
        source, target = order_merge_pair(get_item(session, request["key"]), get_item(session, request["other"]))
    merge_items_by_name(request.context, source.key, target.key)
    return lambda draft: draft


def _split_items(request: EditRequest) -> DraftEdit:
    split_item_by_name(request.context, request["key"], request["other"])
    return lambda draft: draft


def _find_pick(draft: Draft, key: str) -> DraftPick | None:
    return next((pick for _, pick in draft.iter_picks() if pick.key == key), None)


def _load_item(request: EditRequest) -> tuple[Item, str, str]:
    """Load an item, its category, and the period in which it was covered before."""
    with request.context.db.read() as session:
        item = get_item(session, request["key"])
        tagging = choose_best_tagging(load_taggings(session, [item.id]).get(item.id, {}))
        covered_in = load_covered_in(session, request.period.name).get(item.id, "")
    return item, tagging.category if tagging else "other", covered_in


ACTIONS: dict[str, Callable[[EditRequest], DraftEdit]] = {
    "pick": _pick_item,
    "reject": _mark_candidate("-"),
    "open": _mark_candidate(" "),
    "text": _edit_text,
    "title": _edit_title,
    "blurb": _edit_blurb,
    "choose": _choose_version,
    "highlight": _edit_highlight,
    "verdict": _edit_verdict,
    "sign": _decide_verdict(sign_verdict),
    "strike": _decide_verdict(strike_verdict),
    "undo": _undo,
    "mark": _set_pick_style,
    "settle": _resolve_conflict,
    "address": _add_url,
    "unaddress": _remove_url,
    "open-section": _add_section,
    "close-section": _remove_section,
    "link": _edit_link,
    "same": _merge_items,
    "differ": _split_items,
}
