"""Results of the last check of each link."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from digest.models.issues import LinkCheck


def load_link_checks(session: Session, urls: Iterable[str]) -> dict[str, LinkCheck]:
    """Load the last results by URL; unchecked URLs are left out."""
    checks = ((url, session.get(LinkCheck, url)) for url in urls)
    return {url: check for url, check in checks if check is not None}


def save_link_checks(session: Session, checks: Iterable[LinkCheck]) -> None:
    """Store results in place of earlier ones."""
    for check in checks:
        session.merge(check)
