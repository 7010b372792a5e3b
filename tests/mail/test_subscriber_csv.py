"""An address that could be more than an address in a header or an envelope is refused wherever it comes from."""

from __future__ import annotations

import pytest

from digest.errors import ConfigError
from digest.mail.subscriber_csv import normalise_address


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\nBcc: all@example.org",
        "ada\r\nBcc: x@example.org",
        "a b@example.org",
        "a,b@example.org",
        "a;b@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        '"a b"@example.org',
        "a@b@example.org",
        "a\0b@example.org",
        "a\tb@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "a..b@example.org",
        "(ada)@example.org",
        "a:b@example.org",
        "a\\b@example.org",
        "@example.org",
        "ada@",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@exam ple.org",
        "ada@example.org>",
        f"{'a' * 65}@example.org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        normalise_address(address)


def test_what_servers_take_is_taken_and_the_domain_is_written_in_ascii() -> None:
    assert (
        normalise_address(" Ada.Lovelace+news!#$@B\u00fccher.Example ") == "Ada.Lovelace+news!#$@xn--bcher-kva.example"
    )
