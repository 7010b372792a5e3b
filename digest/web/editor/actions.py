"""What the page may ask to have changed in a sheet: one row an action, each from its JSON body to a `Change`."""

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
    update_pick,
    update_section,
)
from digest.drafts.editing import DraftEdit, load_pick_row, prefetch_url
from digest.drafts.model import Draft, DraftCandidate, DraftPick
from digest.drafts.propose import build_pick, format_item_facts
from digest.errors import ConfigError
from digest.markdown.escape import encode_link, escape_markdown
from digest.models.items import Item
from digest.periods import Period
from digest.tagging.items import merge_items_by_name, order_merge_pair, split_item_by_name
from digest.text import normalise_line

_DRAFT_FIELDS = ("title", "intro", "outro")


@dataclass(frozen=True, slots=True)
class EditRequest:
    """A request to change the sheet: where, and the body's fields as texts."""

    context: Context
    period: Period
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        if name not in self.fields:
            raise ConfigError(f"the request names no {name}", "load the page again")
        return self.fields[name]

    @property
    def category_titles(self) -> dict[str, str]:
        return {category.slug: category.title for category in self.context.config.taxonomy.categories}


def parse_edit_request(context: Context, period: Period, body: Any) -> tuple[int, str, EditRequest]:
    """The version the page was made from, the action's name, and the rest; raises ConfigError for another shape."""
    if not isinstance(body, dict) or not isinstance(body.get("version"), int):
        raise ConfigError("the request is not an edit", "load the page again")
    fields = {name: value for name, value in body.items() if isinstance(value, str)}
    action = fields.get("action", "")
    if action not in ACTIONS:
        raise ConfigError(f"{action!r} is not an action of the desk", "load the page again")
    return body["version"], action, EditRequest(context, period, fields)


def _pick_item(request: EditRequest) -> DraftEdit:
    """Into the section named, else the one of its category."""
    item, category, covered = _load_item(request)
    pick = build_pick(request.context.config, item, build_quoted_blurb(item), None, covered)
    titles = request.category_titles
    slug = request.fields.get("section") or (category if category in titles else next(iter(titles)))

    def change(sheet: Draft) -> Draft:
        moved = place_pick(sheet, pick.key, slug, titles, request.fields.get("before", ""), pick)
        here = next(p for _, p in moved.iter_picks() if p.key == pick.key)
        if here.blurb or here.origin != "source":
            return moved
        return update_pick(moved, pick.key, blurb=pick.blurb, engine=pick.engine, note=pick.note)

    return change


def _mark_candidate(mark: Any) -> Callable[[EditRequest], DraftEdit]:
    def ask_for(ask: EditRequest) -> DraftEdit:
        item, category, covered = _load_item(ask)
        line = DraftCandidate(
            item.key,
            item.title,
            item.url,
            format_item_facts(ask.context.config, item, None),
            category=category,
            covered=covered,
        )
        return lambda sheet: move_to_shortlist(sheet, line, mark)

    return ask_for


def _edit_text(request: EditRequest) -> DraftEdit:
    """A text of the sheet itself, or of a section: its title, or the prose under it."""
    field, text, slug = request["field"], request["text"], request.fields.get("section", "")
    if field == "title":
        text = normalise_line(text)
        if not text:
            raise ConfigError("a title cannot be empty", "write one")
    if slug and field in ("title", "note"):
        changes = {"intro": text, "engine": ""} if field == "note" else {"title": text}
        return lambda sheet: update_section(sheet, slug, **changes)
    if field in _DRAFT_FIELDS:
        fields: dict[str, Any] = {field: text}
        return lambda sheet: replace(sheet, **fields)
    raise ConfigError(f"{field!r} is not a text of the sheet", "load the page again")


def _edit_title(request: EditRequest) -> DraftEdit:
    key, text = request["key"], normalise_line(request["text"])
    if not text:
        raise ConfigError("a title cannot be empty", "write one")
    return lambda sheet: update_pick(sheet, key, title=text)


def _edit_blurb(request: EditRequest) -> DraftEdit:
    """Words typed by the editor; what equals the machine's text as it was offered for editing changes nothing."""
    key, text = request["key"], request["text"].replace("\r\n", "\n").strip()

    def change(sheet: Draft) -> Draft:
        here = _find_pick(sheet, key)
        if here is not None and text == format_editable_blurb(here):
            return sheet
        return update_pick(sheet, key, blurb=text, origin="editor", engine="", flags=())

    return change


def format_editable_blurb(pick: DraftPick) -> str:
    """A blurb as Markdown to type on: the editor's as it is, a machine's escaped, so that its signs stay signs."""
    return pick.blurb if pick.origin == "editor" else "\n\n".join(map(escape_markdown, pick.blurb.split("\n\n")))


def _choose_version(request: EditRequest) -> DraftEdit:
    """One of the versions that the store keeps of a pick's words."""
    key, text = request["key"], request["text"]
    with request.context.db.read() as session:
        versions = load_pick_row(session, request.period, key).versions
    found = next((version for version in versions if version["text"] == text), None)
    if found is None:
        raise ConfigError("these words are not among the versions any more", "load the page again")
    words = {"blurb": text, "origin": found["origin"], "engine": found["engine"], "flags": tuple(found["flags"])}
    return lambda sheet: update_pick(sheet, key, **words)


def _set_pick_style(request: EditRequest) -> DraftEdit:
    """Also noted, highlight, update: how a pick is shown. An empty text takes a mark off."""
    key, field, text = request["key"], request["field"], request["text"]
    fields: dict[str, Any] = {"note": bool(text), "highlight": normalise_line(text) or None, "update_of": text or None}
    if field not in fields:
        raise ConfigError(f"{field!r} is not a mark of a pick", "load the page again")
    return lambda sheet: update_pick(sheet, key, **{field: fields[field]})


def _resolve_conflict(request: EditRequest) -> DraftEdit:
    """A conflict is answered: the editor's words stand, or the text shown beside them takes their place."""
    key, field, text, taken = (
        request.fields.get("key", ""),
        request["field"],
        request["text"],
        request["take"] == "theirs",
    )
    fields: dict[str, Any] = {}
    if taken:
        fields = {"blurb": text, "origin": "editor", "engine": "", "flags": ()} if field == "blurb" else {field: text}

    def change(sheet: Draft) -> Draft:
        side = _find_pick(sheet, key) if key else sheet
        left = tuple(one for one in (side.conflicts if side else ()) if (one.field, one.text) != (field, text))
        if key:
            return update_pick(sheet, key, conflicts=left, **fields)
        return replace(sheet, conflicts=left, **(fields if field in _DRAFT_FIELDS else {}))

    return change


def _add_url(request: EditRequest) -> DraftEdit:
    """A work of the editor's own by its address; one that cannot be read now waits in the sheet."""
    address = encode_link(request["url"].strip())
    if not address:
        raise ConfigError("this is not an http or https address", "paste the work's address")
    prefetch_url(request.context, address)
    section, words = request["section"], request.fields.get("text", "").strip()
    return lambda sheet: add_typed_url(sheet, section, address, words)


def _remove_url(request: EditRequest) -> DraftEdit:
    """Take a typed address out again, words and all; the version before keeps them."""
    section, url = request["section"], request["url"]
    return lambda sheet: remove_typed_url(sheet, section, url)


def _add_section(request: EditRequest) -> DraftEdit:
    """A section of the editor's own, behind the others."""
    title = normalise_line(request["title"])
    if not title:
        raise ConfigError("a title cannot be empty", "write one")
    return lambda sheet: add_section(sheet, title)


def _remove_section(request: EditRequest) -> DraftEdit:
    section = request["section"]
    return lambda sheet: remove_section(sheet, section)


def _edit_link(request: EditRequest) -> DraftEdit:
    """The address readers are sent to; an empty one is the work's own again."""
    key, text = request["key"], request["text"].strip()
    address = encode_link(text) if text else _load_item(request)[0].url
    if not address:
        raise ConfigError("this is not an http or https address", "paste the work's address")
    return lambda sheet: update_pick(sheet, key, url=address)


def _merge_items(request: EditRequest) -> DraftEdit:
    """Two works are one: the store joins them, and so does every sheet that is read from now on."""
    with request.context.db.read() as session:
        goes, kept = order_merge_pair(get_item(session, request["key"]), get_item(session, request["other"]))
    merge_items_by_name(request.context, goes.key, kept.key)
    return _return_unchanged


def _split_items(request: EditRequest) -> DraftEdit:
    split_item_by_name(request.context, request["key"], request["other"])
    return _return_unchanged


def _return_unchanged(sheet: Draft) -> Draft:
    return sheet


def _find_pick(sheet: Draft, key: str) -> DraftPick | None:
    return next((pick for _, pick in sheet.iter_picks() if pick.key == key), None)


def _load_item(request: EditRequest) -> tuple[Item, str, str]:
    """The item, its category, and the period in which it was covered before."""
    with request.context.db.read() as session:
        item = get_item(session, request["key"])
        number = item.id
        verdict = choose_best_tagging(load_taggings(session, [number]).get(number, {}))
        return (
            item,
            verdict.category if verdict else "other",
            load_covered_in(session, request.period.name).get(number, ""),
        )


ACTIONS: dict[str, Callable[[EditRequest], DraftEdit]] = {
    "pick": _pick_item,
    "reject": _mark_candidate("-"),
    "open": _mark_candidate(" "),
    "text": _edit_text,
    "title": _edit_title,
    "blurb": _edit_blurb,
    "choose": _choose_version,
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
