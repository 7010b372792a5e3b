"""What the page may ask to have changed in a sheet: one row an action, each from its JSON body to a `Change`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from digest import issues
from digest.errors import ConfigError
from digest.issues import Sheet, SheetCandidate, SheetPick
from digest.markdown import escape, link
from digest.models import Item
from digest.periods import Period
from digest.pipeline import works
from digest.pipeline.blurbs import quoted
from digest.pipeline.context import Context
from digest.pipeline.editing import Change, pick_row
from digest.pipeline.propose import facts, item_pick
from digest.pipeline.typed import learn
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.text import one_line

_SHEET = ("title", "intro", "outro")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to change the sheet: where, and the body's fields as texts."""

    context: Context
    period: Period
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        if name not in self.fields:
            raise ConfigError(f"the request names no {name}", "load the page again")
        return self.fields[name]

    @property
    def titles(self) -> dict[str, str]:
        return {category.slug: category.title for category in self.context.config.taxonomy.categories}


def asked(context: Context, period: Period, body: Any) -> tuple[int, str, Asked]:
    """The version the page was made from, the action's name, and the rest; raises ConfigError for another shape."""
    if not isinstance(body, dict) or not isinstance(body.get("version"), int):
        raise ConfigError("the request is not an edit", "load the page again")
    fields = {name: value for name, value in body.items() if isinstance(value, str)}
    action = fields.get("action", "")
    if action not in ACTIONS:
        raise ConfigError(f"{action!r} is not an action of the desk", "load the page again")
    return body["version"], action, Asked(context, period, fields)


def _pick(ask: Asked) -> Change:
    """Into the section named, else the one of its category."""
    item, category, covered = _item(ask)
    pick = item_pick(ask.context.config, item, quoted(item), None, covered)
    titles = ask.titles
    slug = ask.fields.get("section") or (category if category in titles else next(iter(titles)))

    def change(sheet: Sheet) -> Sheet:
        moved = issues.place(sheet, pick.key, slug, titles, ask.fields.get("before", ""), pick)
        here = next(p for _, p in moved.picks() if p.key == pick.key)
        if here.blurb or here.origin != "source":
            return moved
        return issues.with_pick(moved, pick.key, blurb=pick.blurb, engine=pick.engine, note=pick.note)

    return change


def _aside(mark: Any) -> Callable[[Asked], Change]:
    def ask_for(ask: Asked) -> Change:
        item, category, covered = _item(ask)
        line = SheetCandidate(
            item.key, item.title, item.url, facts(ask.context.config, item, None), category=category, covered=covered
        )
        return lambda sheet: issues.set_aside(sheet, line, mark)

    return ask_for


def _text(ask: Asked) -> Change:
    """A text of the sheet itself, or of a section: its title, or the prose under it."""
    field, text, slug = ask["field"], ask["text"], ask.fields.get("section", "")
    if field == "title":
        text = one_line(text)
        if not text:
            raise ConfigError("a title cannot be empty", "write one")
    if slug and field in ("title", "note"):
        whose = {"engine": ""} if field == "note" else {}
        return lambda sheet: issues.with_section(sheet, slug, **{field: text}, **whose)
    if field in _SHEET:
        fields: dict[str, Any] = {field: text}
        return lambda sheet: replace(sheet, **fields)
    raise ConfigError(f"{field!r} is not a text of the sheet", "load the page again")


def _title(ask: Asked) -> Change:
    key, text = ask["key"], one_line(ask["text"])
    if not text:
        raise ConfigError("a title cannot be empty", "write one")
    return lambda sheet: issues.with_pick(sheet, key, title=text)


def _blurb(ask: Asked) -> Change:
    """Words typed by the editor; what equals the machine's text as it was offered for editing changes nothing."""
    key, text = ask["key"], ask["text"].replace("\r\n", "\n").strip()

    def change(sheet: Sheet) -> Sheet:
        here = _here(sheet, key)
        if here is not None and text == typed(here):
            return sheet
        return issues.with_pick(sheet, key, blurb=text, origin="editor", engine="", flags=())

    return change


def typed(pick: SheetPick) -> str:
    """A blurb as Markdown to type on: the editor's as it is, a machine's escaped, so that its signs stay signs."""
    return pick.blurb if pick.origin == "editor" else "\n\n".join(map(escape, pick.blurb.split("\n\n")))


def _choose(ask: Asked) -> Change:
    """One of the versions that the store keeps of a pick's words."""
    key, text = ask["key"], ask["text"]
    with ask.context.db.read() as session:
        versions = pick_row(session, ask.period, key).versions
    found = next((version for version in versions if version["text"] == text), None)
    if found is None:
        raise ConfigError("these words are not among the versions any more", "load the page again")
    words = {"blurb": text, "origin": found["origin"], "engine": found["engine"], "flags": tuple(found["flags"])}
    return lambda sheet: issues.with_pick(sheet, key, **words)


def _mark(ask: Asked) -> Change:
    """Also noted, highlight, update: how a pick is shown. An empty text takes a mark off."""
    key, field, text = ask["key"], ask["field"], ask["text"]
    fields: dict[str, Any] = {"note": bool(text), "highlight": one_line(text) or None, "update_of": text or None}
    if field not in fields:
        raise ConfigError(f"{field!r} is not a mark of a pick", "load the page again")
    return lambda sheet: issues.with_pick(sheet, key, **{field: fields[field]})


def _settled(ask: Asked) -> Change:
    """A conflict is answered: the editor's words stand, or the text shown beside them takes their place."""
    key, field, text, taken = ask.fields.get("key", ""), ask["field"], ask["text"], ask["take"] == "theirs"
    fields: dict[str, Any] = {}
    if taken:
        fields = {"blurb": text, "origin": "editor", "engine": "", "flags": ()} if field == "blurb" else {field: text}

    def change(sheet: Sheet) -> Sheet:
        side = _here(sheet, key) if key else sheet
        left = tuple(one for one in (side.conflicts if side else ()) if (one.field, one.text) != (field, text))
        if key:
            return issues.with_pick(sheet, key, conflicts=left, **fields)
        return replace(sheet, conflicts=left, **(fields if field in _SHEET else {}))

    return change


def _address(ask: Asked) -> Change:
    """A work of the editor's own by its address; one that cannot be read now waits in the sheet."""
    address = link(ask["url"].strip())
    if not address:
        raise ConfigError("this is not an http or https address", "paste the work's address")
    learn(ask.context, address)
    section, words = ask["section"], ask.fields.get("text", "").strip()
    return lambda sheet: issues.add_address(sheet, section, address, words)


def _unaddress(ask: Asked) -> Change:
    """Take a typed address out again, words and all; the version before keeps them."""
    section, url = ask["section"], ask["url"]
    return lambda sheet: issues.without_address(sheet, section, url)


def _open_section(ask: Asked) -> Change:
    """A section of the editor's own, behind the others."""
    title = one_line(ask["title"])
    if not title:
        raise ConfigError("a title cannot be empty", "write one")
    return lambda sheet: issues.add_section(sheet, title)


def _close_section(ask: Asked) -> Change:
    section = ask["section"]
    return lambda sheet: issues.without_section(sheet, section)


def _link(ask: Asked) -> Change:
    """The address readers are sent to; an empty one is the work's own again."""
    key, text = ask["key"], ask["text"].strip()
    address = link(text) if text else _item(ask)[0].url
    if not address:
        raise ConfigError("this is not an http or https address", "paste the work's address")
    return lambda sheet: issues.with_pick(sheet, key, url=address)


def _same(ask: Asked) -> Change:
    """Two works are one: the store joins them, and so does every sheet that is read from now on."""
    with ask.context.db.read() as session:
        goes, kept = works.stays(item_store.named(session, ask["key"]), item_store.named(session, ask["other"]))
    works.merge(ask.context, goes.key, kept.key)
    return _as_it_is


def _differ(ask: Asked) -> Change:
    works.split(ask.context, ask["key"], ask["other"])
    return _as_it_is


def _as_it_is(sheet: Sheet) -> Sheet:
    return sheet


def _here(sheet: Sheet, key: str) -> SheetPick | None:
    return next((pick for _, pick in sheet.picks() if pick.key == key), None)


def _item(ask: Asked) -> tuple[Item, str, str]:
    """The item, its category, and the period in which it was covered before."""
    with ask.context.db.read() as session:
        item = item_store.named(session, ask["key"])
        number = item.id or 0
        verdict = judgements.best(judgements.taggings(session, [number]).get(number, {}))
        return (
            item,
            verdict.category if verdict else "other",
            issue_store.covered(session, ask.period.name).get(number, ""),
        )


ACTIONS: dict[str, Callable[[Asked], Change]] = {
    "pick": _pick,
    "reject": _aside("-"),
    "open": _aside(" "),
    "text": _text,
    "title": _title,
    "blurb": _blurb,
    "choose": _choose,
    "mark": _mark,
    "settle": _settled,
    "address": _address,
    "unaddress": _unaddress,
    "open-section": _open_section,
    "close-section": _close_section,
    "link": _link,
    "same": _same,
    "differ": _differ,
}
