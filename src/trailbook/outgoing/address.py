"""Addresses that may be called: which URLs there are for that, and which machines behind them.

Owns the rule: `https`, to a public address. Another one, and `http`, only at a host and port that the operator's
settings name together with the network it is in. Refuses credentials, queries and fragments in a URL: nothing of it is
secret, so that an error may name it.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from trailbook.errors import CallFailedError, InvalidError

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_PORTS = {"https": 443, "http": 80}
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):([1-9][0-9]{0,4})=([0-9A-Fa-f.:/]+)")
# Where public addresses of version 6 begin so far; of what is in it, 6to4 wraps any address of version 4.
_PUBLIC_6, _WRAPPED = ip_network("2000::/3"), ip_network("2002::/16")
# What a cloud tells its machines of themselves, though it may look public.
_METADATA = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))


class Address(Struct, frozen=True):
    """The parts of a URL that may be called: `secure` over TLS, `host` in small letters, `path` with its slash."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and port, as the head of a request and an error name them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"

    def below(self, name: str) -> "Address":
        """The address of `name` below this one."""
        return Address(self.secure, self.host, self.port, f"{self.path.rstrip('/')}/{name}")


class PrivatePlace(Struct, frozen=True):
    """A host and port that may be called although it is in a private network, and the network it must be in."""

    host: str
    port: int
    network: IpNetwork


def parse_address(url: str) -> Address:
    """Read the URL of somebody to be called. Raises: InvalidError naming what is wrong."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise InvalidError("address: is no URL") from None
    if parts.scheme not in _PORTS or not host or port == 0 or not url.isascii() or not url.isprintable():
        raise InvalidError("address: is not a URL such as https://witness.example")
    if "@" in parts.netloc or "?" in url or "#" in url or " " in url:
        raise InvalidError("address: may have no user, password, query, fragment or space")
    return Address(parts.scheme == "https", host, port or _PORTS[parts.scheme], parts.path or "/")


def parse_place(text: str) -> PrivatePlace:
    """Read `HOST:PORT=NETWORK`, such as `witness.internal:8751=10.0.0.0/8`. Raises: InvalidError."""
    parts = _PLACE.fullmatch(text)
    try:
        if parts is None or int(parts[2]) > 65535:
            raise ValueError
        network = ip_network(parts[3])
    except ValueError:
        raise InvalidError("is not HOST:PORT=NETWORK, such as witness.internal:8751=10.0.0.0/8") from None
    if not network.prefixlen:
        raise InvalidError("is every network: name the one in which this host is")
    return PrivatePlace(parts[1].strip("[]").lower(), int(parts[2]), network)


def require_reachable(address: Address, ip: IpAddress, places: Sequence[PrivatePlace]) -> None:
    """Refuse an IP address behind a URL that may not be called. Raises: CallFailedError."""
    named = [place for place in places if (place.host, place.port) == (address.host, address.port)]
    if named:
        if not any(ip in place.network for place in named):
            raise CallFailedError(
                f"{address.netloc}: is not in the network that `outgoing_private` names for it"
            )
    elif not address.secure:
        raise CallFailedError(
            f"{address.netloc}: needs https; http only to a host that `outgoing_private` names"
        )
    elif not _is_public(ip):
        raise CallFailedError(f"{address.netloc}: is a private address; `outgoing_private` may allow it")


def _is_public(ip: IpAddress) -> bool:
    if ip.is_multicast or not ip.is_global or any(ip in network for network in _METADATA):
        return False
    return ip.version == 4 or (ip in _PUBLIC_6 and ip not in _WRAPPED)
