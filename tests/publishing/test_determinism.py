"""The same store gives the same bytes anywhere."""

from __future__ import annotations

import os
import subprocess
import sys

from digest.protocols import Document
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.fragment import render_plain_text
from digest.publishing.render.post import render_post_pages
from digest.publishing.render.site_data import render_site_files
from tests.publishing.samples import NEWSLETTER, SITE, TAXONOMY, issue
from tests.publishing.test_feeds import hostile
from tests.publishing.test_review_post import recap

PLACES = [("UTC", "C.UTF-8", "0"), ("Pacific/Kiritimati", "C", "7"), ("America/St_Johns", "POSIX", "9")]
PROGRAM = (
    "import hashlib; from tests.publishing.test_determinism import everything; "
    "print(hashlib.sha256(repr(everything()).encode()).hexdigest())"
)


def everything() -> list[Document]:
    views = [issue("2025-05"), hostile(), recap("both")]
    return [
        *render_feeds(views, NEWSLETTER, SITE, TAXONOMY),
        *render_site_files(views, NEWSLETTER, SITE, TAXONOMY),
        *[page for view in views for page in render_post_pages(view, NEWSLETTER)],
        *[Document(view.period, render_plain_text(view, NEWSLETTER).encode()) for view in views],
    ]


def test_bytes_are_the_same_under_another_zone_locale_and_hash_seed() -> None:
    seen = set()
    for zone, locale, seed in PLACES:
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True
        )
        seen.add(done.stdout)
    assert len(seen) == 1
