"""Where a paper was accepted is read from the comment of its authors, and nothing is made up."""

from __future__ import annotations

import pytest

from digest.text.venues import extract_venue


@pytest.mark.parametrize(
    ("comment", "venue"),
    [
        ("Accepted at ACL 2025", "ACL 2025"),
        ("16 pages, 16 figures. To appear in the proceedings of SCiL 2025.", "SCiL 2025"),
        ("Accepted to the 43rd International Conference on\n  Machine Learning (ICML 2026), 9 pages", "ICML 2026"),
        ("accepted as a spotlight at ICLR 2026. Code: https://example.org", "ICLR 2026"),
        ("Published at NAACL 2025 Findings, project page: x", "NAACL 2025 Findings"),
        ("Accepted by ICCV2025 with code", "ICCV2025"),
        ("Accepted for publication in Neurocomputing", ""),
        ("12 pages, submitted to ICML 2026", ""),
        ("Accepted manuscript, 2025", ""),
        ("accepted by reviewers in 2025", ""),
        ("12 pages", ""),
        (None, ""),
    ],
)
def test_a_venue_is_named_where_the_comment_names_it_with_its_year(comment: str | None, venue: str) -> None:
    assert extract_venue(comment) == venue
