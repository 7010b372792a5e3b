"""Only public addresses are dialled, in whatever notation they come."""

from __future__ import annotations

import pytest

from digest.http.ip_policy import is_ip_allowed


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_a_public_address_may_be_dialled(address: str) -> None:
    assert is_ip_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
        "169.254.169.254", "0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.0.8",
        "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:53aa:64c:1:2:3:4", "2001:db8::1", "3fff::1", "::127.0.0.1", "100::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_may_not_be_dialled(address: str) -> None:
    assert not is_ip_allowed(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "100.64.0.1", "::1", "fd12::1", "::ffff:192.168.0.9", "1.1.1.1"]
)
def test_a_source_that_allows_private_addresses_may_be_on_a_local_network(address: str) -> None:
    assert is_ip_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "255.255.255.255", "ff02::1"]
)
def test_link_local_and_multicast_addresses_are_never_dialled(address: str) -> None:
    assert not is_ip_allowed(address, allow_private=True)
