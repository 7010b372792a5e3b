"""arXiv's three ways in give the same papers, and nothing that went wrong passes for "no papers"."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Response
from digest.sources import SOURCE_KINDS
from digest.sources.arxiv.api import build_window_request, parse_arxiv_page
from digest.sources.arxiv.common import is_withdrawal_comment, split_arxiv_authors, split_arxiv_id
from digest.sources.arxiv.oai import select_oai_set
from digest.sources.entries import Entry, Page
from tests.sources.fixtures import FIXTURES, NOW, QUERY, day

SOURCE = FIXTURES["arxiv"].source
ANY = Source(id="s", kind="arxiv", categories=("cs.CL",))


def query(body: str | bytes, url: str | None = None) -> Page:
    return SOURCE_KINDS["arxiv"].parse_response(SOURCE, FIXTURES["arxiv"].response(body, url))


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://arxiv.org/abs/2503.00001v12", ("2503.00001", 12)),
        ("oai:arXiv.org:1234.5646v2", ("1234.5646", 2)),
        ("oai:arXiv.org:math.CA/0611800", ("math/0611800", None)),
        ("cond-mat/0703772v1", ("cond-mat/0703772", 1)),
        ("http://arxiv.org/api/errors#x", ("", None)),
    ],
)
def test_an_id_is_split_from_its_version_and_subject_class(text: str, parts: tuple[str, int | None]) -> None:
    assert split_arxiv_id(text) == parts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A", ["A"]),
        ("A, B and C", ["A", "B", "C"]),
        ("A, B, and C", ["A", "B", "C"]),
        ("A (Lab, Town, UK) and B (Other)", ["A", "B"]),
        ("A (1), B (2) ((1) X, (2) Y (Z))", ["A", "B"]),
        ("A B, Jr. and C", ["A B Jr.", "C"]),
        ("X Collaboration: A, B", ["X Collaboration", "A", "B"]),
        ("Anderson Brand", ["Anderson Brand"]),
        ("", []),
    ],
)
def test_authors_in_one_string_become_names(text: str, names: list[str]) -> None:
    assert split_arxiv_authors(text) == names


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("Withdrawn", True),
        ("This paper has been withdrawn by the author due to an error", True),
        ("5 pages. This paper has been withdrawn", True),
        ("This submission has been temporarily withdrawn", True),
        ("We study how funds are withdrawn from banks", False),
        ("12 pages, 3 figures", False),
        ("Replaces the earlier arXiv:1234.5678, which was not withdrawn", False),
    ],
)
def test_a_comment_tells_a_withdrawal(comment: str, withdrawn: bool) -> None:
    assert is_withdrawal_comment(comment) is withdrawn


def test_a_query_paper_has_its_first_date_its_current_version_and_its_facts() -> None:
    first, second = query(QUERY).entries
    assert first == Entry(
        guid="oai:arXiv.org:2503.00001",
        url="https://arxiv.org/abs/2503.00001",
        title="First paper",
        summary="x < y",
        authors=["Ann", "Bob"],
        published=day(1, 10),
        updated=day(2, 10),
        categories=["cs.CL", "cs.LG"],
        links={"pdf": "https://arxiv.org/pdf/2503.00001"},
        arxiv_id="2503.00001",
        version=2,
        doi="10.1/x",
        venue="J. 1",
        comment="12 pages",
    )
    assert (second.arxiv_id, second.withdrawn) == ("cs/0503001", True)


def test_the_cursor_of_a_query_lets_the_next_one_overlap() -> None:
    cursor = query(QUERY).cursor
    request = SOURCE_KINDS["arxiv"].build_request(SOURCE, cursor, NOW + timedelta(days=1))
    assert "submittedDate:[202503070600 TO 202503110600]" in asked(request.url)["search_query"]


def test_pages_follow_until_the_total_is_reached() -> None:
    page = query(QUERY.replace("Results>2<", "Results>5<").replace("PerPage>200<", "PerPage>2<"))
    assert page.total == 5
    assert page.next_request
    assert asked(page.next_request.url)["start"] == "2"
    assert not page.cursor


def test_a_deep_window_goes_on_from_its_last_paper_instead_of_a_forbidden_offset() -> None:
    body = QUERY.replace("Results>2<", "Results>12000<").replace("Index>0<", "Index>7998<").replace(">200<", ">2<")
    page = query(body)
    assert page.next_request
    assert asked(page.next_request.url)["start"] == "0"
    assert "submittedDate:[202503021000 TO 202503100600]" in asked(page.next_request.url)["search_query"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (QUERY.replace("Results>2<", "Results>150<"), "2 papers at 0 of 150, 150 were expected"),
        (QUERY.replace("/abs/2503.00001v2", "/api/errors#bad").replace("x &lt; y", "incorrect id"), "incorrect id"),
        (QUERY.replace("/abs/2503.00001v2", "/nothing"), "not a paper's"),
        (QUERY.replace("totalResults", "other"), "no totalResults"),
        (QUERY.replace("<published>", "<issued>").replace("</published>", "</issued>"), "2 papers without a date"),
        (QUERY.replace("<published>2025-03-01", "<published>2025-99-01"), "date cannot be read"),
        (QUERY[:900], "no Atom feed"),
        ("<rss/>", "no Atom feed"),
    ],
)
def test_a_short_or_broken_page_is_an_error(body: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        query(body)


def test_no_papers_is_an_error_unless_the_caller_can_tell() -> None:
    empty = QUERY[: QUERY.index("<entry>")].replace("Results>2<", "Results>0<") + "</feed>"
    with pytest.raises(ParseError, match="0 papers"):
        query(empty)
    assert parse_arxiv_page(SOURCE, FIXTURES["arxiv"].response(empty)).total == 0


def test_a_page_of_a_window_may_start_anywhere() -> None:
    assert asked(build_window_request(SOURCE, day(1), day(2), offset=400).url)["start"] == "400"


@pytest.mark.parametrize(
    ("categories", "spec"),
    [
        (("cs.CL",), "cs:cs:CL"),
        (("cs.CL", "cs.LG"), "cs:cs"),
        (("cs.CL", "stat.ML"), ""),
        (("quant-ph",), "physics:quant-ph"),
        (("cond-mat.soft",), "physics:cond-mat:soft"),
    ],
)
def test_categories_become_the_smallest_set_that_holds_them(categories: tuple[str, ...], spec: str) -> None:
    assert select_oai_set(categories) == spec


def oai(body: str | bytes, url: str | None = None) -> Page:
    return SOURCE_KINDS["arxiv-oai"].parse_response(
        FIXTURES["arxiv-oai"].source, FIXTURES["arxiv-oai"].response(body, url)
    )


def test_an_oai_record_has_the_dates_of_its_versions() -> None:
    (paper,) = oai(FIXTURES["arxiv-oai"].body).entries
    assert (paper.published, paper.updated, paper.version) == (day(1, 10), day(2, 10), 2)
    assert paper.authors == ["Ann A", "Bob B Jr.", "Cy C"]
    assert (paper.doi, paper.venue, paper.comment, paper.categories) == (
        "10.1/x",
        "J. 1",
        "12 pages",
        ["cs.CL", "stat.ML"],
    )


def test_only_the_current_version_withdraws_a_paper() -> None:
    body = FIXTURES["arxiv-oai"].body
    assert oai(body.replace(">D<", ">I<")).entries[0].withdrawn
    earlier = body.replace(
        '</date></version>\n<version version="v2">',
        '</date><source_type>I</source_type></version>\n<version version="v2">',
        1,
    )
    assert earlier != body
    assert not oai(earlier).entries[0].withdrawn
    assert oai(body.replace("12 pages", "This paper has been withdrawn")).entries[0].withdrawn


def test_the_token_is_the_only_argument_of_the_next_page() -> None:
    page = oai(FIXTURES["arxiv-oai"].body.replace("<resumptionToken/>", "<resumptionToken>a%26b c</resumptionToken>"))
    assert page.next_request
    assert asked(page.next_request.url) == {"verb": "ListRecords", "resumptionToken": "a%26b c"}
    assert not page.cursor


def test_the_next_harvest_overlaps_the_last_one() -> None:
    cursor = oai(FIXTURES["arxiv-oai"].body).cursor
    request = SOURCE_KINDS["arxiv-oai"].build_request(FIXTURES["arxiv-oai"].source, cursor, NOW + timedelta(days=1))
    assert (asked(request.url)["from"], asked(request.url)["until"]) == ("2025-03-07", "2025-03-11")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("<id>2503.00001</id>", ""), "without a paper's id"),
        (("Sat, 01 Mar", "Someday"), "no version with a date"),
        (("ListRecords", "Other"), "neither records nor an error"),
        (("<responseDate>", "<respon"), "cut short"),
    ],
)
def test_a_malformed_oai_answer_is_an_error(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ParseError, match=words):
        oai(FIXTURES["arxiv-oai"].body.replace(*change))


def test_an_announcement_dates_new_papers_only() -> None:
    new, old = (
        SOURCE_KINDS["arxiv-rss"].parse_response(FIXTURES["arxiv-rss"].source, FIXTURES["arxiv-rss"].response()).entries
    )
    assert (new.announced, new.published) == (day(3, 5), None)
    assert (new.version, new.summary, new.authors) == (1, "Words.", ["Ann", "Bob"])
    assert (old.announced, old.version) == (None, 3)


def test_a_quiet_day_is_empty_and_a_feed_error_is_an_error() -> None:
    fixture = FIXTURES["arxiv-rss"]
    quiet = fixture.body[: fixture.body.index("<item>")] + "</channel></rss>"
    page = SOURCE_KINDS["arxiv-rss"].parse_response(fixture.source, fixture.response(quiet))
    assert (page.entries, page.skip_days) == ([], frozenset({"Saturday", "Sunday"}))
    with pytest.raises(ParseError, match="Feed error"):
        SOURCE_KINDS["arxiv-rss"].parse_response(
            fixture.source, fixture.response(quiet.replace("cs.CL updates", "Feed error for query"))
        )


# -- recordings of the real servers --------------------------------------------------------------------------------


def recorded(folder: Path, name: str, url: str = "https://export.arxiv.org/api/query") -> Response:
    return Response(200, url, {}, (folder / name).read_bytes())


def test_recorded_queries_give_their_papers(shared_data: Path) -> None:
    folder = shared_data / "arxiv" / "api"
    (paper,) = parse_arxiv_page(ANY, recorded(folder, "id_1707.08567_s0_m100_6a1afebfc6a3.xml")).entries
    assert (paper.arxiv_id, paper.version, paper.published) == (
        "1707.08567",
        1,
        datetime(2017, 7, 27, 8, 18, 33, tzinfo=UTC),
    )
    assert (len(paper.authors), paper.authors[:2]) == (34, ["Kees A. Schouhamer Immink", "Stan Baggen"])
    page = parse_arxiv_page(ANY, recorded(folder, "q_testing_s10_m10_34e56e15aaac.xml"))
    assert (len(page.entries), page.total, page.entries[0].version) == (10, 214881, 2)
    with pytest.raises(ParseError, match="0 papers"):
        SOURCE_KINDS["arxiv"].parse_response(ANY, recorded(folder, "id_0000.0000_s0_m100_8b51d9633a68.xml"))
    with pytest.raises(ParseError, match="incorrect id format for abc"):
        parse_arxiv_page(ANY, recorded(folder, "id_abc_s0_m100_b79c8dcf6bc3.xml"))


def test_recorded_harvests_return_exactly_their_papers(shared_data: Path) -> None:
    folder = shared_data / "arxiv" / "oai"
    manifest = json.loads((folder / "manifest.json").read_text())
    answers = {json.dumps(r["query"], sort_keys=True): r["file"] for r in manifest["requests"]}
    for scenario in manifest["scenarios"]:
        if scenario.get("error", "noRecordsMatch") != "noRecordsMatch":
            with pytest.raises(ParseError, match=scenario["error"]):
                harvest(folder, answers, scenario["first_query"])
            continue
        ids, pages = harvest(folder, answers, scenario["first_query"])
        assert sorted(ids) == sorted(scenario["ids"]), scenario["name"]
        assert pages == (scenario.get("pages") or 1)


def harvest(folder: Path, answers: dict[str, str], first: dict[str, str]) -> tuple[list[str], int]:
    """Every id that a chain of recorded pages gives, whatever the category, and how many pages there were."""
    url, ids, pages = f"https://oaipmh.arxiv.org/oai?{urlencode(first)}", [], 0
    while url:
        response = recorded(folder, answers[json.dumps(asked(url), sort_keys=True)], url)
        present = set(" ".join(re.findall(r"<categories>(.*?)</categories>", response.body.decode())).split())
        page = SOURCE_KINDS["arxiv-oai"].parse_response(ANY.model_copy(update={"categories": tuple(present)}), response)
        ids += [paper.arxiv_id or "" for paper in page.entries]
        url, pages = page.next_request.url if page.next_request else "", pages + 1
        assert url or page.cursor["until"]
    return ids, pages


def test_recorded_announcements_are_read(shared_data: Path) -> None:
    folder = shared_data / "arxiv" / "rss"
    source = FIXTURES["arxiv-rss"].source
    for dialect in ("rss", "atom"):
        page = SOURCE_KINDS["arxiv-rss"].parse_response(source, recorded(folder, f"{dialect}_cs.CV_plus_math.NT.xml"))
        assert [(i.arxiv_id, i.version, i.announced is not None) for i in page.entries] == [
            ("1234.5646", 2, False),
            ("1234.5657", 1, True),
            ("1234.5645", 2, False),
        ]
        assert SOURCE_KINDS["arxiv-rss"].parse_response(source, recorded(folder, f"{dialect}_cs.LG.xml")).entries == []
        with pytest.raises(ParseError, match="Bad subject class"):
            SOURCE_KINDS["arxiv-rss"].parse_response(source, recorded(folder, f"{dialect}_cs.XX.xml"))
