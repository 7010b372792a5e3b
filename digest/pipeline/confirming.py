"""Double opt-in: who asks for the newsletter is pending, gets one mail, and is a reader when its button is pressed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from digest import mail
from digest.errors import ConfigError, Refused
from digest.models import Confirmation, Subscriber
from digest.pipeline.context import Context
from digest.ports import Message, Report
from digest.render.words import words
from digest.store import confirmations, readers
from digest.store.leases import alone

PATIENCE = timedelta(days=30)  # who was asked and has not confirmed by then is forgotten


def sign_up(context: Context, address: str, topics: Sequence[str] = ()) -> None:
    """Keep a stranger's request and queue the mail it calls for. Raises ConfigError for what is no address.

    `topics` are slugs of categories, none for all; they count for a pending reader only, who must say yes to them.
    Nothing that comes back, nor how long it takes, tells whether the address is known; who left or bounced is not
    written to, and comes back only through the editor.
    """
    checked = mail.check(address)
    with context.db.write() as session:
        reader = readers.subscribe(session, checked, context.now, topics=topics, reason="asked by the form")
        if reader.state == "pending":
            reader.topics = list(topics)
        request(context, session, reader)


def ask(context: Context, addresses: Sequence[str] = (), *, expect: int | None = None) -> Report:
    """Mail pending readers the link by which they confirm: those named, once more if need be, or all never asked.

    Without addresses it is a dry run unless `expect` is how many there are. Raises Refused for another number, and
    ConfigError where no endpoint takes the answer.
    """
    need_endpoint(context)
    with context.db.read() as session:
        people = [readers.existing(session, mail.check(a)) for a in addresses] or confirmations.unasked(session)
    if settled := [reader for reader in people if reader.state != "pending"]:
        raise Refused(f"{settled[0].address} is {settled[0].state}", "only pending readers are asked")
    if not addresses and expect is None:
        line = f"{len(people)} pending readers were never asked (dry run; `--expect {len(people)}` asks them)"
        return Report("subscribers", line, numbers={"pending": len(people)})
    if expect is not None and expect != len(people):
        raise Refused(f"{len(people)} readers would be asked, not {expect}", "look at the list, then say the number")
    with context.db.write() as session:
        for reader in people:
            request(context, session, reader, patient=False)
    return post(context)


def post(context: Context) -> Report:
    """Send the mails that are queued, each at most once; another process that is at it already is left to it."""
    with alone(context.db, "confirm", context.now) as only:
        if not only:
            return Report("subscribers", "another process is sending the confirmations")
        tally = _sent(context)
    amiss = [name for name in ("deferred", "failed", "unknown") if tally[name]]
    line = ", ".join(f"{count} {name}" for name, count in tally.items() if count) or "nobody to ask"
    return Report("subscribers", f"confirmation mails: {line}", "partial" if amiss else "done", dict(tally))


def request(context: Context, session: Session, reader: Subscriber, *, patient: bool = True) -> bool:
    """Queue the mail for a pending reader; whether it was. `patient` keeps it from being asked for again and again."""
    row = confirmations.request(session, reader, context.now, patient=patient)
    if row is not None:
        row.message_id = _message(context, reader, row).message_id
    return row is not None


def sections(context: Context, reader: Subscriber) -> str:
    """The titles of the categories a reader asked for; empty for all."""
    taxonomy = context.config.taxonomy
    chosen = taxonomy.every_name(reader.topics)
    return ", ".join(category.title for category in taxonomy.categories if category.slug in chosen)


def need_endpoint(context: Context) -> None:
    """Raises ConfigError where no address of a `digest listen` is named, at which a reader's yes arrives."""
    if not context.config.mail.unsubscribe_url:
        raise ConfigError(
            "mail.unsubscribe_url: no endpoint takes a reader's yes",
            "name there the https address of the proxy before `digest listen`, or add readers with --confirmed",
        )


def _sent(context: Context) -> Counter[str]:
    with context.db.write() as session:  # nobody else is at it: what is in `sending` was left by one that died
        confirmations.doubt(session, context.now)
        confirmations.forget(session, context.now - PATIENCE)
    with context.db.read() as session:
        rows = confirmations.due(session, context.now)
    tally = Counter[str]()
    if not rows:
        return tally
    transport = context.make_transport()
    try:
        for row, reader in rows:
            with context.db.write() as session:
                if not confirmations.claim(session, row.subscriber_id, context.now):
                    continue
            state, error, stop = mail.hand_over(transport, _message(context, reader, row))
            with context.db.write() as session:
                confirmations.mark(session, row.subscriber_id, state, context.now, error)
            tally[state] += 1
            if stop:
                break
    finally:
        transport.close()
    return tally


def _message(context: Context, reader: Subscriber, row: Confirmation) -> Message:
    """The same bytes each time, until it is asked for again."""
    newsletter, settings = context.config.newsletter, context.config.mail
    head, w, title = mail.letterhead(newsletter, settings), words(newsletter.language), newsletter.title
    chosen = sections(context, reader)
    body = [
        w("confirm_text", title=title),
        head.confirmation(reader.token),
        *([w("confirm_topics", sections=chosen)] if chosen else []),
        w("confirm_ignore", days=PATIENCE.days),
    ]
    return mail.compose(
        head,
        mail.Letter(w("confirm_subject", title=title), "\n\n".join(body) + "\n"),
        recipient=reader.address,
        token=reader.token,
        issue=f"confirm {row.times}",
        at=row.requested,
        sign=mail.signer(settings, context.environ),
    )
