"""Which IP addresses may be dialled, decided after DNS, so that no spelling evades the check."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# RFC 6890 and the IANA special-purpose registries. `is_private` misses 100.64/10 and multicast; `is_global` is true for
# 224.0.0.1, 64:ff9b::7f00:1 and 2002:7f00:1::, so the table is our own.
_FORBIDDEN_V4 = [ip_network(n) for n in ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"]]
_PRIVATE_V4 = [
    ip_network(n)
    for n in [
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
    ]
]
_GLOBAL_V6 = ip_network("2000::/3")
_RESERVED_V6 = [ip_network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_PRIVATE_V6 = [ip_network(n) for n in ("::1/128", "fc00::/7")]
_NAT64 = ip_network("64:ff9b::/96")


def is_ip_allowed(address: str, *, allow_private: bool = False) -> bool:
    """Whether this IP address may be dialled; `allow_private` admits loopback and local networks, never link-local."""
    ip = _unwrap_ipv4(ip_address(address))
    if isinstance(ip, IPv4Address):
        if any(ip in net for net in _FORBIDDEN_V4):
            return False
        return allow_private or not any(ip in net for net in _PRIVATE_V4)
    if ip in _GLOBAL_V6:
        return not any(ip in net for net in _RESERVED_V6)
    return allow_private and any(ip in net for net in _PRIVATE_V6)


def _unwrap_ipv4(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Unwrap the IPv4 address of a mapped or NAT64 address; return others as they are."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
