"""Extract the items of a past post: which posts are recaps, which links are items, and their blurbs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from digest.drafts.archive.blocks import Heading, Span, TextBlock, parse_blocks
from digest.drafts.archive.chapters import ArchiveReview, parse_review
from digest.drafts.archive.headings import HeadingMap, fold_heading, parse_heading_month, parse_heading_year
from digest.drafts.archive.posts import ArchivePost
from digest.drafts.archive.titles import extract_link_blurb, extract_link_title, group_item_links
from digest.markdown.escape import encode_link, escape_inline
from digest.markdown.inline import split_verdict, write_styled_text
from digest.resources import load_lexicon

_RECAP_TITLE, _OUTRO_TEXT = (re.compile("".join(load_lexicon()["archive"][name])) for name in ("recap_title", "outro"))

_OTHER_TITLE = re.compile(r"(?i)\b(?:books?|movies|films|albums|songs|recipes|restaurants|board games)\b")
_SHOP_HOST = re.compile(r"(?:^|\.)(?:amazon|goodreads|bookshop|imdb|letterboxd|spotify|audible|barnesandnoble)\.\w+")
_FORM_REASONS = {
    "month": "headings name months",
    "category": "headings with lists of links",
    "essay": "prose, or too few lists of links",
}
_COMMIT_PATH = re.compile(r"/commits?/[0-9a-f]{7,40}/?$")


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """A link of a past issue: `category` a slug or empty, `period` a month or a year, `url` maybe empty.

    `blurb` is plain text; `markdown` is the same text but for its verdict, with the editor's bold, emphasis and code.
    """

    title: str
    url: str
    blurb: str
    category: str
    period: str
    markdown: str = ""
    # Its last sentence if it is bold, which `markdown` lacks then.
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class ImportedPost:
    """The items of a post. Its form is category, month, essay or other; unmapped headings name no category."""

    title: str
    url: str
    form: str
    items: tuple[ImportedItem, ...]
    unmapped_headings: tuple[str, ...] = ()
    period: str = ""
    # Why the post has its form.
    reason: str = ""
    # The text of an issue or a review; an essay has none.
    review: ArchiveReview | None = None
    # Titles of works whose address an earlier one has, each with the earlier title; the earlier work has both texts.
    repeated: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _HeadedBlock:
    """A text block with the category, the month and the nearest of its headings."""

    block: TextBlock
    category: str
    month: str
    heading: str
    # It follows the last list of the post.
    is_outro: bool = False


def extract_imported_post(
    post: ArchivePost, headings: HeadingMap, *, include_essays: bool = False, include_other: bool = False
) -> ImportedPost:
    """Extract the items of one post; of an essay or of a list of other things only when asked to."""
    blocks = _attach_headings(post, headings)
    form, reason = _classify_post(post, blocks)
    chosen = [b for b in blocks if b.block.links and (form == "essay" or _is_item_block(b, form))]
    if (form == "essay" and not include_essays) or (form == "other" and not include_other):
        chosen = []
    items: dict[str, ImportedItem] = {}
    repeated = []
    for headed_block in chosen:
        for item in _extract_items(post, headed_block, form):
            name = item.url or f"title:{item.title}"
            first = items.setdefault(name, item)
            if first.title != item.title:
                repeated.append((item.title, first.title))
                items[name] = _add_second_text(first, item)
    unmapped = dict.fromkeys(b.heading for b in chosen if form == "category" and not b.category)
    review = parse_review(post, form) if form in ("category", "month") else None
    period = _infer_period(post)
    return ImportedPost(
        post.title, post.url, form, tuple(items.values()), tuple(unmapped), period, reason, review, tuple(repeated)
    )


def _add_second_text(first: ImportedItem, second: ImportedItem) -> ImportedItem:
    """Add the text of another title of the same work, which it names."""
    title = escape_inline(second.title)
    markdown = " ".join(filter(None, (second.markdown, f"**{second.verdict}**" if second.verdict else "")))
    return replace(
        first,
        blurb="\n\n".join(filter(None, (first.blurb, f"{second.title}: {second.blurb}"))),
        markdown="\n\n".join(filter(None, (first.markdown, f"{title}: {markdown}"))),
    )


def serialize_imported_posts(posts: Sequence[ImportedPost]) -> dict[str, Any]:
    """Return `{"items": [{"title", "url", "blurb", "category", "period"}]}`."""
    rows = (asdict(item) for post in posts for item in post.items)
    names = ("title", "url", "blurb", "category", "period")
    return {"items": [{name: row[name] for name in names} for row in rows]}


def _attach_headings(post: ArchivePost, headings: HeadingMap) -> list[_HeadedBlock]:
    """Give each text block the nearest category and month above it."""
    blocks = parse_blocks(post.html, post.url)
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    default_year, folded_titles = _infer_default_year(post, titles), {fold_heading(text) for text in titles}
    stack: list[tuple[int, str, str, str]] = []
    headed_blocks: list[_HeadedBlock] = []
    for block in blocks:
        if isinstance(block, Heading):
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            month, year = parse_heading_month(block.text), parse_heading_year(block.text) or default_year
            period = f"{year}-{month:02d}" if month and year else ""
            stack.append((block.level, headings.find_category(block.text), period, block.text))
        else:
            category = next((entry[1] for entry in reversed(stack) if entry[1]), "")
            period = next((entry[2] for entry in reversed(stack) if entry[2]), "")
            block = _remove_page_links(block, post.url, folded_titles)
            headed_blocks.append(_HeadedBlock(block, category, period, stack[-1][3] if stack else ""))
    return _mark_outro(_join_continued_prose(headed_blocks))


def _remove_page_links(block: TextBlock, page: str, headings: Collection[str]) -> TextBlock:
    """Remove links to places on the post's own page, such as its table of contents."""

    def is_page_link(span: Span) -> bool:
        address, _, anchor = (span.href or "").partition("#")
        return bool(anchor) and (address == page or fold_heading(span.text) in headings)

    return replace(block, spans=tuple(replace(s, href=None) if is_page_link(s) else s for s in block.spans))


def _infer_default_year(post: ArchivePost, headings: Sequence[str]) -> int | None:
    """Infer the year of months without one: the title's, or the last in which all those months were over."""
    if year := parse_heading_year(post.title):
        return year
    if post.published is None:
        return None
    months = (parse_heading_month(text) or 0 for text in headings if not parse_heading_year(text))
    return post.published.year - (max(months, default=0) > post.published.month)


def _join_continued_prose(headed_blocks: Sequence[_HeadedBlock]) -> list[_HeadedBlock]:
    """Join prose between two list items to the first: a missing indent ends a list in Markdown."""
    joined: list[_HeadedBlock] = []
    for number, current in enumerate(headed_blocks):
        around = [*joined[-1:], current, *headed_blocks[number + 1 : number + 2]]
        is_between = [b.block.is_list_item for b in around] == [True, False, True]
        is_prose = current.block.spans and not current.block.links
        if is_prose and is_between and len({b.heading for b in around}) == 1:
            previous = joined[-1].block
            block = replace(previous, spans=(*previous.spans, Span(" "), *current.block.spans))
            joined[-1] = replace(joined[-1], block=block)
        else:
            joined.append(current)
    return joined


def _mark_outro(headed_blocks: Sequence[_HeadedBlock]) -> list[_HeadedBlock]:
    """Mark the prose after the last list of the post."""
    lists = [number for number, b in enumerate(headed_blocks) if b.block.is_list_item and b.block.links]
    end = max(lists, default=len(headed_blocks))
    return [replace(b, is_outro=n > end and not b.block.is_list_item) for n, b in enumerate(headed_blocks)]


def _classify_post(post: ArchivePost, headed_blocks: Sequence[_HeadedBlock]) -> tuple[str, str]:
    """Return the post's form, and the reason for a person."""
    form = _find_form(post, headed_blocks)
    links = [link for b in headed_blocks for link in b.block.links]
    shop_links = sum(_SHOP_HOST.search(urlsplit(link.href or "").netloc) is not None for link in links)
    if form == "category" and (shop_links > len(links) / 2 or _OTHER_TITLE.search(post.title)):
        return "other", f"a list of books or other things: {shop_links} of {len(links)} links lead to shops"
    return form, _FORM_REASONS[form]


def _find_form(post: ArchivePost, headed_blocks: Sequence[_HeadedBlock]) -> str:
    linked = [b for b in headed_blocks if b.block.links]
    months = Counter(b.month for b in linked if b.month)
    if len(months) >= 3 and sum(months.values()) >= 6:
        return "month"
    listed = [b for b in linked if b.block.is_list_item and not _OUTRO_TEXT.search(b.heading)]
    # Release notes of a program: each line ends with a commit.
    commit_links = (any(_COMMIT_PATH.search(urlsplit(s.href or "").path) for s in b.block.links) for b in listed)
    if sum(commit_links) > len(listed) / 2:
        return "essay"
    if len(listed) < 5 or len(listed) < 0.6 * len(linked):
        return "essay"
    groups = sum(bool(heading) and count >= 2 for heading, count in Counter(b.heading for b in listed).items())
    is_hinted = bool(_RECAP_TITLE.search(post.title)) or parse_heading_year(post.title) is not None
    is_hinted = is_hinted or len({b.category for b in listed if b.category}) >= 2
    has_titles = sum(_has_leading_title(b.block) for b in listed) >= 0.6 * len(listed)
    if groups >= 3 and len(listed) >= 8 and (has_titles or is_hinted):
        return "category"
    return "category" if groups >= 2 and is_hinted and has_titles else "essay"


def _has_leading_title(block: TextBlock) -> bool:
    """Return whether the block begins with a link or bold text."""
    first = next((s for s in block.spans if re.search(r"\w", s.text) and not re.fullmatch(r"[\W\d]+", s.text)), None)
    return first is not None and (first.href is not None or first.is_bold)


def _is_item_block(headed_block: _HeadedBlock, form: str) -> bool:
    block = headed_block.block
    if headed_block.is_outro or _OUTRO_TEXT.search(headed_block.heading):
        return False
    if not block.is_list_item and _OUTRO_TEXT.search(block.text):
        return False
    return bool(headed_block.month) if form == "month" else block.is_list_item or bool(headed_block.category)


def _extract_items(post: ArchivePost, headed_block: _HeadedBlock, form: str) -> Iterator[ImportedItem]:
    host, block = urlsplit(post.url).netloc, headed_block.block
    period = headed_block.month or _infer_period(post)
    # A month's title names a theme, and no category.
    category = "" if form == "month" else headed_block.category
    for link, further_links in group_item_links(block):
        # Prose may mention the author's own pages.
        if host and not block.is_list_item and urlsplit(link.href or "").netloc == host:
            continue
        title, blurb = extract_link_title(block, link), extract_link_blurb(block, link)
        markdown, verdict = split_verdict(write_styled_text(blurb.text, blurb.styles))
        markdown = _insert_links(markdown, further_links)
        yield ImportedItem(title, link.href or "", blurb.text, category, period, markdown, verdict)


def _insert_links(markdown: str, links: Sequence[Span]) -> str:
    """Link the further works that a line names where it names them, else behind it."""
    position, rest = 0, []
    for link in links:
        text = escape_inline(" ".join(link.text.split()))
        linked = f"[{text}]({encode_link(link.href or '')})"
        start = markdown.find(text, position)
        if start < 0:
            rest.append(linked)
            continue
        markdown = markdown[:start] + linked + markdown[start + len(text) :]
        position = start + len(linked)
    return " ".join(filter(None, (markdown, f"({', '.join(rest)})" if rest else "")))


def _infer_period(post: ArchivePost) -> str:
    """Infer a post's period: the month or the year in its title, else the month of its publication."""
    if period := re.search(r"\b((?:19|20)\d\d-(?:0[1-9]|1[0-2]))\b", post.title):
        return period[1]
    tokens = (token for token in fold_heading(post.title).split() if len(token) > 2)
    month = next((number for token in tokens if (number := parse_heading_month(token))), None)
    if year := parse_heading_year(post.title):
        return f"{year}-{month:02d}" if month else str(year)
    return f"{post.published:%Y-%m}" if post.published else ""
