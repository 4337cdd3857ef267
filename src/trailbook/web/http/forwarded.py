"""Where a request came from: the one place that says so, for entries, limits and the check of where a form is from.

Owns the reading of `Forwarded` and `X-Forwarded-*`, from the right up to the first address that is no trusted proxy's.
Refuses to believe whoever is not trusted: their fields are not read, what stands left of their address is not looked
at, and where a trusted proxy names no address it is the proxy's own that counts. Source: RFC 7239.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice

from msgspec import Struct

Headers = Iterable[tuple[bytes, bytes]]
Address = IPv4Address | IPv6Address

MOST = 32  # proxies one behind the other; whoever sends more means no good
_PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_NODE = re.compile(rf"\[([0-9A-Fa-f:.]+)\]{_PORT}|([0-9.]+){_PORT}|([0-9A-Fa-f:.]+)")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'[ \t]*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|$)')
_HOST = re.compile(r"[a-z0-9.-]{1,255}(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?")
_USUAL = {"http": ":80", "https": ":443"}


class Way(Struct, frozen=True):
    """The address that a request came from, and the site it was sent to, as in `Origin`, where a proxy says so."""

    address: str | None
    site: str | None = None


class _Hop(Struct, frozen=True):
    """What one proxy says of whoever it got the request from; an address that it does not name is None."""

    address: str | None
    scheme: str = ""
    host: str = ""


class Proxies:
    """The proxies that are trusted, by their networks."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def way(self, peer: str | None, headers: Headers) -> Way:
        """The way that a request took which came over a connection of `peer`."""
        nearest = _canonical(peer)
        if nearest is None or not self._trusts(nearest):
            return Way(peer if nearest is None else nearest)
        fields = _Fields(headers)
        if fields.has(b"x-forwarded-for") or not fields.has(b"forwarded"):
            hop = self._first(nearest, map(_addressed, _from_right(fields.value(b"x-forwarded-for"))))
            return Way(
                hop.address, _site(fields.last(b"x-forwarded-proto"), fields.host(b"x-forwarded-host"))
            )
        hop = self._first(nearest, map(_hop, _from_right(fields.value(b"forwarded"))))
        return Way(hop.address, _site(hop.scheme, hop.host or fields.host(b"host")))

    def _first(self, nearest: str, hops: Iterator[_Hop]) -> _Hop:
        """The first hop from the right whose address is not trusted, or the last that names one."""
        first = _Hop(nearest)
        for hop in islice(hops, MOST):
            if hop.address is None:
                return _Hop(first.address)
            first = hop
            if not self._trusts(hop.address):
                break
        return first

    def _trusts(self, address: str) -> bool:
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)


class _Fields:
    """The header fields of a request, by their names."""

    def __init__(self, headers: Headers) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            self._values.setdefault(name.lower(), []).append(value)

    def has(self, name: bytes) -> bool:
        """Whether a field is there, if empty."""
        return name in self._values

    def value(self, name: bytes) -> str:
        """A field's lines as one."""
        return b",".join(self._values.get(name, ())).decode("latin-1")

    def last(self, name: bytes) -> str:
        """The last member of a field that is a list: what the nearest proxy wrote."""
        return self.value(name).rpartition(",")[2].strip(" \t")

    def host(self, name: bytes) -> str:
        """A host that is named, in `Host` where the field is not there."""
        return self.last(name if self.has(name) else b"host")


def _canonical(text: str | None) -> str | None:
    """An address as it is written once; a zone says nothing to others, and IPv4 in IPv6 is IPv4."""
    try:
        parsed = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def _from_right(text: str) -> Iterator[str]:
    """The members of a list, the last first; a comma between quotation marks parts nothing."""
    end, quoted = len(text), False
    for at in range(len(text) - 1, -1, -1):
        if text[at] == '"':
            quoted ^= not _escaped(text, at)
        elif text[at] == "," and not quoted:
            yield text[at + 1 : end]
            end = at
    yield text[:end]


def _escaped(text: str, at: int) -> bool:
    begin = at
    while begin and text[begin - 1] == "\\":
        begin -= 1
    return (at - begin) % 2 == 1


def _addressed(member: str) -> _Hop:
    """A member of `X-Forwarded-For`."""
    return _Hop(_address(member.strip(" \t")))


def _hop(member: str) -> _Hop:
    """A member of `Forwarded`; one that is not as RFC 7239 has it says nothing."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(member):
        match = _PAIR.match(member, at)
        if match is None or match[1].lower() in pairs:
            return _Hop(None)
        pairs[match[1].lower()] = match[2] or re.sub(r"\\(.)", r"\1", match[3] or "")
        at = match.end()
    return _Hop(_address(pairs.get("for", "")), pairs.get("proto", ""), pairs.get("host", ""))


def _address(node: str) -> str | None:
    """The address of a node, or None where it hides it (`unknown`, `_name`) or is none."""
    match = _NODE.fullmatch(node)
    return None if match is None else _canonical(match[1] or match[2] or match[3])


def _site(scheme: str, host: str) -> str | None:
    """A scheme and a host as a browser writes them in `Origin`."""
    scheme, host = scheme.lower(), host.lower()
    if scheme not in _USUAL or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.removesuffix(_USUAL[scheme])}"
