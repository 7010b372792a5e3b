"""Any text a title may hold arrives in the mail as the text it is: subject, HTML and plain text."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

from lxml import etree

from digest.config.schema import MailConfig
from digest.mail.message import compose_message, load_sender_profile
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent, render_email
from digest.text import normalise_line
from tests.markdown.hostile import HOSTILE
from tests.publishing.samples import NEWSLETTER
from tests.publishing.test_feeds import hostile

HEAD = load_sender_profile(NEWSLETTER, MailConfig(sender="news@example.org", unsubscribe_mailto="leave@example.org"))
AT = datetime(2025, 7, 3, 8, tzinfo=UTC)


def arrived() -> tuple[str, str, str]:
    """Subject, plain text and HTML of the hostile issue, as a mail program reads its bytes."""
    made = render_email(hostile(), NEWSLETTER, unsubscribe=UNSUBSCRIBE_PLACEHOLDER)
    letter = MailContent(made.subject, made.text, made.html)
    sent = compose_message(HEAD, letter, recipient="ana@example.org", token="t", issue="2025-06", at=AT)
    read = message_from_bytes(sent.raw, policy=policy.default)
    text, html = (read.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert html
    return str(read["Subject"]), text.get_content(), html.get_content()


def test_hostile_titles_are_the_text_they_are_in_every_part() -> None:
    subject, text, html = arrived()
    assert subject == normalise_line(hostile().title)
    flat = normalise_line(text)
    assert [title for title in HOSTILE if normalise_line(title) not in flat] == []
    shown = etree.HTML(html)
    seen = normalise_line("".join(shown.find("body").itertext()))
    assert [title for title in HOSTILE if normalise_line(title) not in seen] == []
    assert not shown.xpath("//script | //b | //iframe | //*[@onclick or @onerror]")
