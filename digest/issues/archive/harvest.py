"""The items of a past post: which posts are recaps, which links in them are items, and the words that go with each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from digest.issues.archive.headings import Headings, folded, month, year
from digest.issues.archive.posts import Post
from digest.issues.archive.titles import blurb, items, title
from digest.issues.archive.units import Heading, Piece, Unit, blocks
from digest.markdown import emphasised

_RECAP = re.compile(r"(?i)\b(review|recap|round-?up|digest|newsletter|links|reading list|best of|favou?rites?)\b")
_OUTRO = re.compile(
    r"(?i)\b(subscribe|follow me|thanks|thank you|see you|happy (new year|holidays)|that['’]s (all|it)|until next|"
    r"if you (enjoyed|liked|found)|citation|cite this|feedback|comments|closing|outro|wrap(ping)?[- ]up|conclusions?|"
    r"references|bibliography|acknowledge?ments?|further reading|what['’]s next|about (me|the author)|share this)\b"
)


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """A link of a past issue. `category` is a slug or empty, `period` a month or a year, `url` empty where none was.

    `blurb` is plain text, `markdown` the same words as prose, with the editor's bold, emphasis and code.
    """

    title: str
    url: str
    blurb: str
    category: str
    period: str
    markdown: str = ""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a post held. Forms: category, month, essay. `unmapped` are headings with items that name no category."""

    title: str
    url: str
    form: str
    items: tuple[ImportedItem, ...]
    unmapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A unit with what its headings say: category, month, and the heading it stands under."""

    unit: Unit
    category: str
    month: str
    heading: str
    tail: bool = False  # behind the last list of its section


def harvest(post: Post, headings: Headings, *, essays: bool = False) -> Harvest:
    """The items of one post. An essay's links are left alone unless `essays` says otherwise."""
    placed = list(_placed(post, headings))
    form = _form(post, placed)
    taken = [place for place in placed if place.unit.links and (form == "essay" or _is_item(place, form, placed))]
    if form == "essay" and not essays:
        taken = []
    found: dict[str, ImportedItem] = {}
    for place in taken:
        for item in _items(post, place, form):
            found.setdefault(item.url or f"title:{item.title}", item)
    unmapped = dict.fromkeys(place.heading for place in taken if form == "category" and not place.category)
    return Harvest(post.title, post.url, form, tuple(found.values()), tuple(unmapped))


def as_json(harvests: Sequence[Harvest]) -> dict[str, Any]:
    """`{"items": [{"title", "url", "blurb", "category", "period"}]}`"""
    return {"items": [_told(item) for one in harvests for item in one.items]}


def _told(item: ImportedItem) -> dict[str, str]:
    told = asdict(item)
    del told["markdown"]
    return told


def _placed(post: Post, headings: Headings) -> Iterator[_Placed]:
    """Each unit with the nearest category and month above it."""
    found = blocks(post.html, post.url)
    titles = [block.text for block in found if isinstance(block, Heading)]
    default, names = _year(post, titles), {folded(text) for text in titles}
    stack: list[tuple[int, str, str, str]] = []
    done: list[_Placed] = []
    for block in found:
        if isinstance(block, Heading):
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            stack.append((block.level, headings.category(block.text), _month(block.text, default), block.text))
        else:
            category = next((entry[1] for entry in reversed(stack) if entry[1]), "")
            period = next((entry[2] for entry in reversed(stack) if entry[2]), "")
            done.append(_Placed(_outward(block, post.url, names), category, period, stack[-1][3] if stack else ""))
    yield from _with_tails(_continued(done))


def _outward(unit: Unit, page: str, headings: Collection[str]) -> Unit:
    """The unit without links to places on its own page: the contents of the post."""

    def inward(piece: Piece) -> bool:
        address, _, place = (piece.href or "").partition("#")
        return bool(place) and (address == page or folded(piece.text) in headings)

    return replace(unit, pieces=tuple(replace(p, href=None) if inward(p) else p for p in unit.pieces))


def _year(post: Post, texts: Sequence[str]) -> int | None:
    """The year of months that name none: the title's, or the last one in which all those months were over."""
    if named := year(post.title):
        return named
    if post.published is None:
        return None
    latest = max((number for text in texts if (number := month(text)) and not year(text)), default=0)
    return post.published.year - (latest > post.published.month)


def _month(heading: str, default: int | None) -> str:
    number, named = month(heading), year(heading) or default
    return f"{named}-{number:02d}" if number and named else ""


def _continued(placed: list[_Placed]) -> list[_Placed]:
    """Prose between two list items belongs to the first: Markdown ends a list where an indent was forgotten."""
    out: list[_Placed] = []
    for number, here in enumerate(placed):
        around = [*out[-1:], here, *placed[number + 1 : number + 2]]
        loose = here.unit.pieces and not here.unit.links and not here.unit.listed
        if loose and [p.unit.listed for p in around] == [True, False, True] and len({p.heading for p in around}) == 1:
            out[-1] = replace(
                out[-1], unit=replace(out[-1].unit, pieces=(*out[-1].unit.pieces, Piece(" "), *here.unit.pieces))
            )
        else:
            out.append(here)
    return out


def _with_tails(placed: list[_Placed]) -> Iterator[_Placed]:
    """Mark the prose behind the last list of the post: that is the outro."""
    last = max((n for n, place in enumerate(placed) if place.unit.listed and place.unit.links), default=len(placed))
    for number, place in enumerate(placed):
        yield replace(place, tail=number > last and not place.unit.listed)


def _form(post: Post, placed: Sequence[_Placed]) -> str:
    linked = [place for place in placed if place.unit.links]
    months = Counter(place.month for place in linked if place.month)
    if len(months) >= 3 and sum(months.values()) >= 6:
        return "month"
    listed = [place for place in linked if place.unit.listed and not _OUTRO.search(place.heading)]
    if sum(any(map(_is_change, place.unit.links)) for place in listed) > len(listed) / 2:
        return "essay"  # the notes on a release of a program: each line ends with the change it tells of
    groups = [name for name, count in Counter(place.heading for place in listed).items() if name and count >= 2]
    if len(listed) < 5 or len(listed) < 0.6 * len(linked):
        return "essay"
    hinted = bool(_RECAP.search(post.title)) or year(post.title) is not None
    known = len({place.category for place in listed if place.category})
    headed = sum(_headed(place.unit) for place in listed) >= 0.6 * len(listed)
    if len(groups) >= 3 and len(listed) >= 8 and (headed or hinted or known >= 2):
        return "category"
    return "category" if len(groups) >= 2 and (hinted or known >= 2) and headed else "essay"


def _is_change(link: Piece) -> bool:
    """The link leads to a change in a repository, by its hash."""
    return re.search(r"/commits?/[0-9a-f]{7,40}/?$", urlsplit(link.href or "").path) is not None


def _headed(unit: Unit) -> bool:
    """The unit begins with a title: a link or bold words."""
    first = next((p for p in unit.pieces if re.search(r"\w", p.text) and not re.fullmatch(r"[\W\d]+", p.text)), None)
    return first is not None and (first.href is not None or first.bold)


def _is_item(place: _Placed, form: str, placed: Sequence[_Placed]) -> bool:
    if place.tail or _OUTRO.search(place.heading) or (not place.unit.listed and _OUTRO.search(place.unit.text)):
        return False
    if form == "month":
        return bool(place.month)
    return place.unit.listed or bool(place.category)


def _items(post: Post, place: _Placed, form: str) -> Iterator[ImportedItem]:
    own = urlsplit(post.url).netloc
    for link in items(place.unit):
        if own and not place.unit.listed and urlsplit(link.href or "").netloc == own:
            continue  # the author's own pages, named in passing
        period = place.month or _period(post)
        name, words = title(place.unit, link), blurb(place.unit, link)
        prose = emphasised(words.text, words.styles)
        yield ImportedItem(name, link.href or "", words.text, place.category, period, prose)


def _period(post: Post) -> str:
    """The period a post speaks of: the month or the year in its title, else the month it appeared in."""
    named = year(post.title)
    if stamped := re.search(r"\b((?:19|20)\d\d-(?:0[1-9]|1[0-2]))\b", post.title):
        return stamped[1]
    spoken = next((n for word in folded(post.title).split() if len(word) > 2 and (n := month(word))), None)
    if named:
        return f"{named}-{spoken:02d}" if spoken else str(named)
    return f"{post.published:%Y-%m}" if post.published else ""
