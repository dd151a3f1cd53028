"""Which addresses a webhook may reach: the public internet, and what the operator opens by name.

The vetted form is the one connected to, so nothing is resolved twice. Sources: the IANA special-purpose
registries (RFC 6890 and successors), RFC 6052 and 8215 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

_NETWORKS_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata (100.100.100.200)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the clouds' metadata (169.254.169.254)
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # Azure's host, public by range and private by use
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
"""All that is assigned as global unicast; everything outside is refused without being listed."""
_NETWORKS_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo (2001::/32), benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: reaches the IPv4 address inside it
        "3fff::/20",  # documentation
        "3ffe::/16",  # the old 6bone
        "2620:4f:8000::/48",  # AS112
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")


class Vetted(msgspec.Struct, frozen=True):
    """An address that may be connected to, in canonical text."""

    address: str


class Forbidden(msgspec.Struct, frozen=True):
    """An address that may not, and why."""

    address: str
    reason: str


def vet(text: str) -> Vetted | Forbidden:
    """Whether an address (as the resolver gave it) is public. Never raises: what can't be read is
    forbidden.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return Forbidden(text, "is not an IP address")
    if isinstance(address, IPv6Address) and address in _MAPPED:
        address = _inner_v4(address)  # the kernel would connect to just that
    reason = _forbidden_v4(address) if isinstance(address, IPv4Address) else _forbidden_v6(address)
    return Vetted(str(address)) if reason is None else Forbidden(str(address), reason)


def _inner_v4(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)


def _forbidden_v4(address: IPv4Address) -> str | None:
    for network in _NETWORKS_V4:
        if address in network:
            return f"is in {network}, which is not public"
    return None


def _forbidden_v6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "has a scope, so it is not public"
    if address in _NAT64:
        inner = _inner_v4(address)
        reason = _forbidden_v4(inner)
        return None if reason is None else f"leads to {inner}, which {reason}"
    if address not in _GLOBAL_V6:
        return f"is outside {_GLOBAL_V6}, so it is not public"
    for network in _NETWORKS_V6:
        if address in network:
            return f"is in {network}, which is not public"
    return None
