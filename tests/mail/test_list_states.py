"""Lists of other platforms: whoever had left there is no reader here, and a line in doubt is refused."""

from __future__ import annotations

import pytest

from digest.errors import ConfigError
from digest.mail.list_states import find_state
from digest.mail.subscriber_csv import parse_subscriber_csv


@pytest.mark.parametrize(
    ("platform", "heading", "cell", "state"),
    [
        ("Ghost", "subscribed_to_emails", "false", "unsubscribed"),
        ("Ghost", "subscribed_to_emails", "true", "active"),
        ("Ghost", "deleted_at", "2025-01-02T10:00:00.000Z", "unsubscribed"),
        ("Ghost", "deleted_at", "", ""),
        ("Ghost", "complimentary_plan", "false", ""),
        ("Mailchimp", "UNSUB_TIME", "2025-01-02 10:00:00", "unsubscribed"),
        ("Mailchimp", "UNSUB_REASON", "no longer interested", "unsubscribed"),
        ("Mailchimp", "CLEAN_TIME", "2025-01-02 10:00:00", "bounced"),
        ("Mailchimp", "OPTIN_TIME", "2025-01-02 10:00:00", ""),
        ("Mailchimp", "MEMBER_RATING", "2", ""),
        ("Substack", "email_disabled", "true", "unsubscribed"),
        ("Substack", "email_disabled", "false", ""),
        ("Substack", "active_subscription", "false", ""),
        ("Substack", "Cancel date", "2025-01-02", ""),
        ("Buttondown", "type", "unsubscribed", "unsubscribed"),
        ("Buttondown", "subscriber_type", "undeliverable", "bounced"),
        ("Buttondown", "type", "unactivated", "pending"),
        ("Buttondown", "type", "regular", "active"),
        ("Buttondown", "unsubscription_date", "2025-01-02", "unsubscribed"),
        ("Buttondown", "churn_date", "2025-01-02", ""),
        ("listmonk", "status", "blocklisted", "unsubscribed"),
        ("listmonk", "status", "enabled", "active"),
        ("listmonk", "subscription_status", "unconfirmed", "pending"),
        ("beehiiv", "Status", "Inactive", "unsubscribed"),
        ("beehiiv", "Status", "validating", "pending"),
        ("Kit", "state", "cancelled", "unsubscribed"),
        ("Kit", "status", "complained", "unsubscribed"),
        ("MailerLite", "Status", "Junk", "unsubscribed"),
        ("MailerLite", "Unsubscribed", "2025-01-02 10:00:00", "unsubscribed"),
        ("MailerLite", "Subscribed", "2025-01-02 10:00:00", "active"),
        ("Sendy", "Status", "Marked as spam", "unsubscribed"),
        ("Sendy", "Status", "Soft bounced", "active"),
        ("Brevo", "EMAIL_BLACKLISTED", "Yes", "unsubscribed"),
        ("Brevo", "BLOCKLISTED", "0", ""),
        ("Brevo", "DOUBLE_OPT-IN", "No", "unsubscribed"),
        ("Campaign Monitor", "State", "Deleted", "unsubscribed"),
        ("ActiveCampaign", "Status", "1", "active"),
        ("Constant Contact", "Email status", "Opt-out", "unsubscribed"),
        ("Constant Contact", "Email permission status", "Implied", "active"),
        ("HubSpot", "Unsubscribed from all email", "true", "unsubscribed"),
        ("HubSpot", "Unsubscribed from all email", "false", ""),
        ("HubSpot", "Email hard bounce reason", "Unknown user", "bounced"),
        ("Klaviyo", "Email Marketing Consent", "NEVER_SUBSCRIBED", "unsubscribed"),
        ("Klaviyo", "Email Suppressions", "USER_SUPPRESSED", "unsubscribed"),
        ("Shopify", "Accepts Email Marketing", "no", "unsubscribed"),
        ("Resend", "unsubscribed", "true", "unsubscribed"),
        ("Loops", "subscribed", "false", "unsubscribed"),
        ("EmailOctopus", "Status", "UNSUBSCRIBED", "unsubscribed"),
        ("MailPoet", "Global status", "Inactive", "unsubscribed"),
        ("Google Groups", "Email status", "Bouncing", "bounced"),
        ("Google Groups", "Email preference", "No email", "unsubscribed"),
        ("Revue", "unsubscribed_at", "2022-01-02", "unsubscribed"),
        ("German", "Status", "Abgemeldet", "unsubscribed"),
        ("French", "Désabonné le", "2022-01-02", "unsubscribed"),
        ("a link to leave", "unsubscribe_url", "https://u.example/x", ""),
        ("a date of zero", "unsub_time", "0000-00-00 00:00:00", ""),
        ("ours", "state", "bounced", "bounced"),
        ("ours", "reason", "removed by the editor", ""),
    ],
)
def test_each_platforms_own_sign_of_leaving_is_known(platform: str, heading: str, cell: str, state: str) -> None:
    assert find_state([(heading, cell)]) == state, platform


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ("Status", "needs_attention"),
        ("State", "Texas"),
        ("subscribed_to_emails", ""),
        ("subscribed", "perhaps"),
        ("Kundenstatus Status", "VIP"),
    ],
)
def test_a_cell_that_may_mean_anything_refuses_its_line(heading: str, cell: str) -> None:
    with pytest.raises(ConfigError, match=heading):
        find_state([(heading, cell)])


def test_of_two_columns_the_one_that_forbids_wins() -> None:
    assert find_state([("Status", "active"), ("Unsubscribed", "yes")]) == "unsubscribed"
    assert find_state([("CLEAN_TIME", "2025-01-02"), ("UNSUB_TIME", "2025-01-02")]) == "unsubscribed"


@pytest.mark.parametrize(
    "text",
    [
        '"Email Address","First Name","Last Name"\n"ann@readers.example","Ann","Lee"\n',
        "Email;Vorname;Nachname\r\nann@readers.example;Ann;Lee\r\n",
        "email_address\tname\nann@readers.example\tAnn Lee\n",
        'Notes,Email,Name\n"two\nlines",ann@readers.example,"Ann Lee"\n',
        "\n\nSubscriber,name\nann@readers.example,Ann Lee\n",
        'name,"E-mail ","email"\nAnn Lee,ann@readers.example,other@readers.example\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_list_is_read_as_spreadsheets_and_platforms_write_it(text: str, encoding: str) -> None:
    [row] = parse_subscriber_csv(text.encode(encoding))
    assert (row.address, row.name) == ("ann@readers.example", "Ann Lee")


def test_a_line_is_numbered_as_an_editor_shows_it() -> None:
    rows = parse_subscriber_csv(b'email,note\na@b.example,"one\ntwo"\n\nc@b.example,x\n')
    assert [(row.address, row.line_number) for row in rows] == [("a@b.example", 3), ("c@b.example", 5)]
