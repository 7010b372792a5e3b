"""Work identity and addresses: one work has one key, whatever the spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.urls import extract_doi, work_key
from digest.urls.arxiv import extract_arxiv_id, find_arxiv_ids, find_superseding_work
from digest.urls.canonical import build_match_url, canonicalise_url, extract_host, extract_site, is_http_url

ONE_PAPER = """https://arxiv.org/abs/2405.01234
http://arxiv.org/abs/2405.01234v3
https://www.arxiv.org/pdf/2405.01234
https://arXiv.org/pdf/2405.01234v1.pdf
https://arxiv.org/abs/2405.01234.pdf
https://arxiv.org/pdf/2405.01234#page=3.10
https://arxiv.org/pdf/2405.01234.pdf?utm_source=fbia
https://arxiv.org/abs/2405.01234v2?&target=_blank
https://arxiv.org/html/2405.01234v1
https://arxiv.org/ftp/arxiv/papers/2405/2405.01234.pdf
https://export.arxiv.org/pdf/2405.01234
https://browse.arxiv.org/pdf/2405.01234.pdf
arxiv.org/abs/2405.01234
//arxiv.org/abs/2405.01234
https://ar5iv.org/abs/2405.01234
https://ar5iv.labs.arxiv.org/html/2405.01234
https://www.alphaxiv.org/abs/2405.01234v1
https://alphaxiv.org/overview/2405.01234
https://huggingface.co/papers/2405.01234
https://hf.co/papers/2405.01234
https://hf-mirror.com/papers/2405.01234
https://talk2arxiv.org/pdf/2405.01234
https://papers.cool/arxiv/2405.01234
https://scirate.com/arxiv/2405.01234
https://doi.org/10.48550/arXiv.2405.01234
https://dx.doi.org/10.48550/ARXIV.2405.01234
doi:10.48550/arXiv.2405.01234
10.48550/arXiv.2405.01234
oai:arXiv.org:2405.01234v2
arXiv:2405.01234v2
arXiv: 2405.01234
arXiv:2405.01234 [cs.CL]
2405.01234
https://www.alphaxiv.org/2405.01234
arXiv.2405.01234
https://api.semanticscholar.org/arXiv:2405.01234
https://api.semanticscholar.org/graph/v1/paper/ARXIV:2405.01234
https://ui.adsabs.harvard.edu/abs/arXiv:2405.01234"""


@pytest.mark.parametrize("spelling", ONE_PAPER.splitlines())
def test_every_spelling_of_an_arxiv_id_has_one_key(spelling: str) -> None:
    assert work_key(spelling) == "arxiv:2405.01234"


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("math.CA/0611800", "arxiv:math/0611800"),
        ("https://arxiv.org/abs/math.CA/0611800v2", "arxiv:math/0611800"),
        ("https://arxiv.org/pdf/hep-th/9901001v3.pdf", "arxiv:hep-th/9901001"),
        ("https://arxiv.org/abs/hep-th%2F9901001", "arxiv:hep-th/9901001"),
        ("http://xxx.lanl.gov/abs/hep-th/9901001", "arxiv:hep-th/9901001"),
        ("https://arxiv.org/ftp/math/papers/0611/0611800.pdf", "arxiv:math/0611800"),
        ("https://arxiv.org/PS_cache/hep-th/pdf/9901/9901001v3.pdf", "arxiv:hep-th/9901001"),
        ("https://arxiv.org/abs/1412.0001", "arxiv:1412.0001"),
        ("arXiv:0704.0001", "arxiv:0704.0001"),
        ("https://arxiv.org/abs/2307.000400", "arxiv:2307.00040"),  # a typing mistake in real use
    ],
)
def test_old_ids_lose_their_subject_class_and_short_ids_keep_four_digits(spelling: str, key: str) -> None:
    assert work_key(spelling) == key


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/2405.01234",
        "https://arxiv.org@example.org/abs/2405.01234",
        "https://example.org/https://arxiv.org/abs/2405.01234",
        "https://notarxiv.org/abs/2405.01234",
        "https://arxiv.org/list/cs.AI/recent",
        "https://arxiv.org/abs/2413.01234",
        "https://arxiv.org/abs/2405.0123",
        "https://example.org/ftp/math/papers/0611/0611800.pdf",
        "https://notarxiv.org/ftp/math/papers/0611/0611800.pdf",
        "2405.012345",
        "1.2345",
        "",
    ],
)
def test_a_number_that_no_known_host_or_prefix_vouches_for_is_not_a_paper(text: str) -> None:
    assert extract_arxiv_id(text) is None


def test_every_recorded_spelling_maps_to_its_paper(shared_data: Path) -> None:
    lines = (shared_data / "url_variants.jsonl").read_text(encoding="utf-8").splitlines()
    wrong = [
        url for row in map(json.loads, lines) for url in row["urls"] if work_key(url) != f"arxiv:{row['arxiv_id']}"
    ]
    assert wrong == []


def test_ids_are_found_inside_running_text_once_each() -> None:
    text = (
        "See arXiv:2405.01234v2, https://arxiv.org/abs/2405.01234 and https://hf.co/papers/2501.00001. Not 2405.99999."
    )
    assert find_arxiv_ids(text) == ["2405.01234", "2501.00001"]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("https://doi.org/10.1145/ABC.DEF", "10.1145/abc.def"),
        ("http://dx.doi.org/10.1145/abc.def.", "10.1145/abc.def"),
        ("doi: 10.1145/abc.def", "10.1145/abc.def"),
        ("https://doi.org/10.1145%2Fabc.def", "10.1145/abc.def"),
        ("https://dl.acm.org/doi/pdf/10.1145/3597503", "10.1145/3597503"),
        ("https://link.springer.com/content/pdf/10.1007/s1.pdf", "10.1007/s1"),
        ("https://www.biorxiv.org/content/10.1101/2024.01.02.123456v2.full.pdf", "10.1101/2024.01.02.123456"),
        ("https://www.nature.com/articles/s41586-023-06887-8?error=x", "10.1038/s41586-023-06887-8"),
        ("https://example.org/10.1145/abc", None),
    ],
)
def test_a_doi_is_read_from_resolvers_and_publishers(spelling: str, name: str | None) -> None:
    assert extract_doi(spelling) == name


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("HTTPS://Example.ORG:443", "https://example.org/"),
        ("http://example.org:8080/a#b", "http://example.org:8080/a"),
        ("https://example.org/a?utm_source=x&id=3&fbclid=y", "https://example.org/a?id=3"),
        ("https://example.org/a?ref=other.example", "https://example.org/a"),
        ("https://example.org/a?_bhlid=1&__hstc=2&__readwiseLocation=3&id=4", "https://example.org/a?id=4"),
        ("https://example.org/a?ref=main", "https://example.org/a?ref=main"),
        ("https://example.org/%7euser/%e4/a b", "https://example.org/~user/%E4/a%20b"),
        ("https://example.org/a/./b/../c/", "https://example.org/a/c/"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
        ("https://user:secret@example.org/", "https://example.org/"),
        ("  https://example.org/a\n", "https://example.org/a"),
        ("https://example.org/a?", "https://example.org/a"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"),
    ],
)
def test_an_address_has_one_spelling(url: str, plain: str) -> None:
    assert canonicalise_url(url) == plain


def test_scheme_and_last_slash_do_not_tell_works_apart_but_queries_do() -> None:
    assert (
        work_key("http://example.org/post/") == work_key("https://example.org/post") == "url:https://example.org/post"
    )
    assert work_key("https://example.org/?id=1") != work_key("https://example.org/?id=2")


def test_the_pdf_and_the_page_of_a_known_host_are_one_work() -> None:
    assert build_match_url("https://openreview.net/pdf?id=aB_1") == build_match_url(
        "https://openreview.net/forum?id=aB_1"
    )
    assert build_match_url("https://aclanthology.org/2023.acl-long.1.pdf") == "https://aclanthology.org/2023.acl-long.1"
    assert (
        build_match_url("https://www.openreview.net/forum?id=aB_1&noteId=x") == "https://openreview.net/forum?id=aB_1"
    )


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://blog.research.example.com/x", "example.com"),
        ("https://blog.example.co.uk/", "example.co.uk"),
        ("https://someone.github.io/post", "someone.github.io"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://localhost/", "localhost"),
        ("mailto:a@example.org", ""),
    ],
)
def test_the_site_of_an_address_is_its_registrable_domain(url: str, domain: str) -> None:
    assert extract_site(url) == domain


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "at://did/x", "file:///etc/passwd", "https://", "//example.org", ""]
)
def test_only_web_addresses_may_be_shown_or_fetched(url: str) -> None:
    assert not is_http_url(url)


ANY_URL = st.one_of(
    st.text(),
    st.text().map(lambda tail: "https://example.org/" + tail),
    st.text().map(lambda host: f"http://{host}/x"),
    st.text(alphabet="/.?&=%#:@[]ab0").map(lambda tail: "http://" + tail),
)


@given(ANY_URL)
@example("http://[::1")
@example("http://example.org:99999/")
@example("https://\ud800/\udfff")
def test_any_text_has_a_key_and_normal_forms_are_stable(url: str) -> None:
    plain = canonicalise_url(url)
    assert canonicalise_url(plain) == plain
    assert build_match_url(plain) == build_match_url(url)
    assert work_key(url)
    assert extract_site(url) in extract_host(url)
    assert is_http_url(url) in (True, False)


@pytest.mark.parametrize(
    ("comment", "work"),
    [
        ("Superseded by arXiv:2509.00001", "arXiv 2509.00001"),
        ("12 pages. This paper has been superseded by 2509.00001v2 [cs.CL]", "arXiv 2509.00001"),
        ("Subsumed by our later paper (https://arxiv.org/abs/2510.12345)", "arXiv 2510.12345"),
        ("replaced by arXiv:cs/0610001", "arXiv cs/0610001"),
        ("This version is superseded by a journal article. 12 pages", "a journal article"),
        ("figures replaced by new ones; 12 pages", ""),
        ("Accepted at ACL", ""),
        (None, ""),
    ],
)
def test_a_comment_names_the_work_that_took_a_papers_place(comment: str | None, work: str) -> None:
    assert find_superseding_work(comment) == work


@pytest.mark.parametrize(
    "redirector",
    [
        "https://www.google.com/url?rct=j&sa=t&url=https://blog.example/a%3Fx%3D1&ct=ga&cd=CAIy",
        "https://google.com/url?q=https://blog.example/a?x=1",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fblog.example%2Fa%3Fx%3D1&h=AT0",
        "https://www.youtube.com/redirect?event=x&q=https%3A%2F%2Fblog.example%2Fa%3Fx%3D1",
    ],
)
def test_a_counting_redirector_is_the_address_it_leads_to(redirector: str) -> None:
    assert canonicalise_url(redirector) == "https://blog.example/a?x=1"


@pytest.mark.parametrize(
    "url", ["https://www.google.com/url?q=javascript:alert(1)", "https://www.google.com/search?q=https://a.example/"]
)
def test_an_address_that_carries_no_other_stays(url: str) -> None:
    assert "google.com" in canonicalise_url(url)
