"""The items of a past post: which posts are recaps, which links in them are items, and the words that go with each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from digest.drafts.archive.blocks import Heading, Span, TextBlock, parse_blocks
from digest.drafts.archive.headings import HeadingMap, fold_heading, parse_heading_month, parse_heading_year
from digest.drafts.archive.posts import ArchivePost
from digest.drafts.archive.titles import extract_link_blurb, extract_link_title, find_item_links
from digest.markdown.inline import write_styled_text

_RECAP_TITLE = re.compile(r"(?i)\b(review|recap|round-?up|digest|newsletter|links|reading list|best of|favou?rites?)\b")
_OUTRO_TEXT = re.compile(
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
class ImportedPost:
    """What a post held. Forms: category, month, essay. `unmapped` are headings with items that name no category."""

    title: str
    url: str
    form: str
    items: tuple[ImportedItem, ...]
    unmapped_headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _HeadedBlock:
    """A unit with what its headings say: category, month, and the heading it stands under."""

    block: TextBlock
    category: str
    month: str
    heading: str
    is_outro: bool = False  # behind the last list of its section


def extract_imported_post(post: ArchivePost, headings: HeadingMap, *, include_essays: bool = False) -> ImportedPost:
    """The items of one post. An essay's links are left alone unless `essays` says otherwise."""
    placed = list(_attach_headings(post, headings))
    form = _classify_post(post, placed)
    taken = [
        place for place in placed if place.block.links and (form == "essay" or _is_item_block(place, form, placed))
    ]
    if form == "essay" and not include_essays:
        taken = []
    found: dict[str, ImportedItem] = {}
    for place in taken:
        for item in _extract_items(post, place, form):
            found.setdefault(item.url or f"title:{item.title}", item)
    unmapped = dict.fromkeys(place.heading for place in taken if form == "category" and not place.category)
    return ImportedPost(post.title, post.url, form, tuple(found.values()), tuple(unmapped))


def serialize_imported_posts(imported_posts: Sequence[ImportedPost]) -> dict[str, Any]:
    """`{"items": [{"title", "url", "blurb", "category", "period"}]}`"""
    return {"items": [_serialize_item(item) for one in imported_posts for item in one.items]}


def _serialize_item(item: ImportedItem) -> dict[str, str]:
    told = asdict(item)
    del told["markdown"]
    return told


def _attach_headings(post: ArchivePost, headings: HeadingMap) -> Iterator[_HeadedBlock]:
    """Each unit with the nearest category and month above it."""
    found = parse_blocks(post.html, post.url)
    titles = [block.text for block in found if isinstance(block, Heading)]
    default, names = _infer_default_year(post, titles), {fold_heading(text) for text in titles}
    stack: list[tuple[int, str, str, str]] = []
    done: list[_HeadedBlock] = []
    for block in found:
        if isinstance(block, Heading):
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            stack.append(
                (
                    block.level,
                    headings.find_category(block.text),
                    _parse_heading_period(block.text, default),
                    block.text,
                )
            )
        else:
            category = next((entry[1] for entry in reversed(stack) if entry[1]), "")
            period = next((entry[2] for entry in reversed(stack) if entry[2]), "")
            done.append(
                _HeadedBlock(
                    _remove_page_links(block, post.url, names), category, period, stack[-1][3] if stack else ""
                )
            )
    yield from _mark_outro(_join_continued_prose(done))


def _remove_page_links(block: TextBlock, page: str, headings: Collection[str]) -> TextBlock:
    """The unit without links to places on its own page: the contents of the post."""

    def inward(piece: Span) -> bool:
        address, _, place = (piece.href or "").partition("#")
        return bool(place) and (address == page or fold_heading(piece.text) in headings)

    return replace(block, spans=tuple(replace(p, href=None) if inward(p) else p for p in block.spans))


def _infer_default_year(post: ArchivePost, texts: Sequence[str]) -> int | None:
    """The year of months that name none: the title's, or the last one in which all those months were over."""
    if named := parse_heading_year(post.title):
        return named
    if post.published is None:
        return None
    latest = max(
        (number for text in texts if (number := parse_heading_month(text)) and not parse_heading_year(text)), default=0
    )
    return post.published.year - (latest > post.published.month)


def _parse_heading_period(heading: str, default: int | None) -> str:
    number, named = parse_heading_month(heading), parse_heading_year(heading) or default
    return f"{named}-{number:02d}" if number and named else ""


def _join_continued_prose(headed_blocks: list[_HeadedBlock]) -> list[_HeadedBlock]:
    """Prose between two list items belongs to the first: Markdown ends a list where an indent was forgotten."""
    out: list[_HeadedBlock] = []
    for number, here in enumerate(headed_blocks):
        around = [*out[-1:], here, *headed_blocks[number + 1 : number + 2]]
        loose = here.block.spans and not here.block.links and not here.block.is_list_item
        if (
            loose
            and [p.block.is_list_item for p in around] == [True, False, True]
            and len({p.heading for p in around}) == 1
        ):
            out[-1] = replace(
                out[-1], block=replace(out[-1].block, spans=(*out[-1].block.spans, Span(" "), *here.block.spans))
            )
        else:
            out.append(here)
    return out


def _mark_outro(headed_blocks: list[_HeadedBlock]) -> Iterator[_HeadedBlock]:
    """Mark the prose behind the last list of the post: that is the outro."""
    last = max(
        (n for n, place in enumerate(headed_blocks) if place.block.is_list_item and place.block.links),
        default=len(headed_blocks),
    )
    for number, place in enumerate(headed_blocks):
        yield replace(place, is_outro=number > last and not place.block.is_list_item)


def _classify_post(post: ArchivePost, headed_blocks: Sequence[_HeadedBlock]) -> str:
    linked = [place for place in headed_blocks if place.block.links]
    months = Counter(place.month for place in linked if place.month)
    if len(months) >= 3 and sum(months.values()) >= 6:
        return "month"
    listed = [place for place in linked if place.block.is_list_item and not _OUTRO_TEXT.search(place.heading)]
    if sum(any(map(_is_commit_link, place.block.links)) for place in listed) > len(listed) / 2:
        return "essay"  # the notes on a release of a program: each line ends with the change it tells of
    groups = [name for name, count in Counter(place.heading for place in listed).items() if name and count >= 2]
    if len(listed) < 5 or len(listed) < 0.6 * len(linked):
        return "essay"
    hinted = bool(_RECAP_TITLE.search(post.title)) or parse_heading_year(post.title) is not None
    known = len({place.category for place in listed if place.category})
    headed = sum(_has_leading_title(place.block) for place in listed) >= 0.6 * len(listed)
    if len(groups) >= 3 and len(listed) >= 8 and (headed or hinted or known >= 2):
        return "category"
    return "category" if len(groups) >= 2 and (hinted or known >= 2) and headed else "essay"


def _is_commit_link(link: Span) -> bool:
    """The link leads to a change in a repository, by its hash."""
    return re.search(r"/commits?/[0-9a-f]{7,40}/?$", urlsplit(link.href or "").path) is not None


def _has_leading_title(block: TextBlock) -> bool:
    """The unit begins with a title: a link or bold words."""
    first = next((p for p in block.spans if re.search(r"\w", p.text) and not re.fullmatch(r"[\W\d]+", p.text)), None)
    return first is not None and (first.href is not None or first.is_bold)


def _is_item_block(headed_block: _HeadedBlock, form: str, headed_blocks: Sequence[_HeadedBlock]) -> bool:
    if (
        headed_block.is_outro
        or _OUTRO_TEXT.search(headed_block.heading)
        or (not headed_block.block.is_list_item and _OUTRO_TEXT.search(headed_block.block.text))
    ):
        return False
    if form == "month":
        return bool(headed_block.month)
    return headed_block.block.is_list_item or bool(headed_block.category)


def _extract_items(post: ArchivePost, headed_block: _HeadedBlock, form: str) -> Iterator[ImportedItem]:
    own = urlsplit(post.url).netloc
    for link in find_item_links(headed_block.block):
        if own and not headed_block.block.is_list_item and urlsplit(link.href or "").netloc == own:
            continue  # the author's own pages, named in passing
        period = headed_block.month or _infer_period(post)
        name, words = extract_link_title(headed_block.block, link), extract_link_blurb(headed_block.block, link)
        prose = write_styled_text(words.text, words.styles)
        yield ImportedItem(name, link.href or "", words.text, headed_block.category, period, prose)


def _infer_period(post: ArchivePost) -> str:
    """The period a post speaks of: the month or the year in its title, else the month it appeared in."""
    named = parse_heading_year(post.title)
    if stamped := re.search(r"\b((?:19|20)\d\d-(?:0[1-9]|1[0-2]))\b", post.title):
        return stamped[1]
    spoken = next(
        (n for word in fold_heading(post.title).split() if len(word) > 2 and (n := parse_heading_month(word))), None
    )
    if named:
        return f"{named}-{spoken:02d}" if spoken else str(named)
    return f"{post.published:%Y-%m}" if post.published else ""
