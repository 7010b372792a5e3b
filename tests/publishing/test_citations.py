"""An issue's works as BibTeX, RIS and CSL-JSON, the issue as JSON and Markdown, and llms.txt."""

from __future__ import annotations

import json

from digest.publishing.render.citations import render_citations
from tests.publishing.samples import NEWSLETTER, issue, pick


def render(**changes: object) -> dict[str, str]:
    documents = render_citations([issue(**changes)], NEWSLETTER)  # type: ignore[arg-type]
    return {document.path: document.body.decode() for document in documents}


def test_each_issue_has_its_files_beside_its_page_and_llms_txt_links_them() -> None:
    files = render()
    names = {
        f"2025/06/digest/{name}" for name in ("works.bib", "works.ris", "works.csl.json", "issue.json", "issue.md")
    }
    assert set(files) == names | {"llms.txt"}
    assert "(https://example.org/digest/2025/06/digest/issue.md): A quiet month, seen from afar." in files["llms.txt"]


def test_a_work_is_cited_with_its_authors_date_and_number() -> None:
    files = render()
    bib, ris = files["2025/06/digest/works.bib"], files["2025/06/digest/works.ris"]
    assert bib.count("@misc{") == 3
    assert "author = {{Ada Lovelace} and {Charles Babbage} and {Mary Somerville}}" in bib
    assert "eprint = {2506.00001}" in bib
    assert ris.count("ER  - \r\n") == 3
    assert "DA  - 2025/06/12\r\n" in ris
    first = json.loads(files["2025/06/digest/works.csl.json"])[0]
    assert first["issued"] == {"date-parts": [[2025, 6, 12]]}
    assert first["author"][0] == {"literal": "Ada Lovelace"}


def test_signs_of_latex_in_a_title_are_escaped() -> None:
    view = issue()
    view.sections[0].picks = [pick(1, title="50% of {x_1} & \\input")]
    bib = render_citations([view], NEWSLETTER)[0].body.decode()
    assert r"50\% of \{x\_1\} \& \textbackslash{}input" in bib


def test_the_json_of_an_issue_has_no_doubt_of_the_program() -> None:
    view = issue()
    view.sections[0].picks = [pick(1, confidence=0.31, second_guess="rag", flags=["7B"])]
    files = {document.path: document.body.decode() for document in render_citations([view], NEWSLETTER)}
    text = files["2025/06/digest/issue.json"]
    work = json.loads(text)["sections"][0]["works"][0]
    assert work["link"] == "https://example.org/digest/2025/06/digest/#arxiv-2506-00001"
    assert not {"confidence", "second_guess", "flags"} & set(work)
    assert "0.31" not in text


def test_an_issue_without_works_has_no_files_of_its_own() -> None:
    assert set(render(sections=[])) == {"llms.txt"}


def test_the_json_has_the_editors_verdict_and_the_sections_last_words() -> None:
    view = issue()
    view.sections[0].picks = [pick(1, verdict="For whoever files notes.")]
    view.sections[0].closing = "A section ends."
    files = {document.path: document.body.decode() for document in render_citations([view], NEWSLETTER)}
    section = json.loads(files["2025/06/digest/issue.json"])["sections"][0]
    assert (section["works"][0]["verdict"], section["closing"]) == ("For whoever files notes.", "A section ends.")
