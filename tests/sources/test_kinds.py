"""Every kind in the registry asks for its place, reads its fixture, and can be handed to another process."""

from __future__ import annotations

import pickle

import pytest

from digest.config.schema import SOURCE_KIND_NAMES
from digest.errors import ParseError
from digest.sources import SOURCE_KINDS
from tests.sources.fixtures import FIXTURES, NOW


def test_the_registry_the_configuration_and_the_fixtures_name_the_same_kinds() -> None:
    assert set(SOURCE_KINDS) == set(FIXTURES) == set(SOURCE_KIND_NAMES)


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_kind_asks_for_its_place(name: str) -> None:
    fixture = FIXTURES[name]
    request = SOURCE_KINDS[name].build_request(fixture.source, {}, NOW)
    assert (request.url, request.allow_private) == (fixture.address, False)


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_kind_asks_privately_only_where_the_source_allows_it(name: str) -> None:
    source = FIXTURES[name].source.model_copy(update={"allow_private": True, "url": "http://127.0.0.1:9/x"})
    request = SOURCE_KINDS[name].build_request(source, {}, NOW)
    assert request.allow_private
    assert request.url.startswith("http://127.0.0.1:9/x")


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_kind_reads_its_fixture(name: str) -> None:
    fixture = FIXTURES[name]
    page = SOURCE_KINDS[name].parse_response(fixture.source, fixture.response())
    assert [(item.guid, item.title, item.published) for item in page.entries] == fixture.items
    assert page.next_request is None


@pytest.mark.parametrize("name", SOURCE_KINDS)
@pytest.mark.parametrize(
    "body", ["", "Rate exceeded.", "<html><head><title>503</title></head><body>busy</body></html>"]
)
def test_an_empty_or_foreign_answer_is_an_error_and_never_nothing_new(name: str, body: str) -> None:
    fixture = FIXTURES[name]
    with pytest.raises(ParseError):
        SOURCE_KINDS[name].parse_response(fixture.source, fixture.response(body))


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_truncated_answer_is_read_in_part_with_a_warning_or_refused(name: str) -> None:
    fixture = FIXTURES[name]
    try:
        page = SOURCE_KINDS[name].parse_response(fixture.source, fixture.response(fixture.body[:-30]))
    except ParseError:
        return
    assert page.warnings or name == "page"


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_kind_and_its_page_cross_to_another_process(name: str) -> None:
    fixture = FIXTURES[name]
    page = SOURCE_KINDS[name].parse_response(fixture.source, fixture.response())
    assert pickle.loads(pickle.dumps(page)) == page
    assert pickle.loads(pickle.dumps(SOURCE_KINDS[name])) == SOURCE_KINDS[name]
