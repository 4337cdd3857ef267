"""Requests: where somebody acts from, and as part of what, read from the headers of a request.

Owns the reading of address, user agent and correlation for every framework's middleware. Refuses to believe a
forwarded address unless it came through a trusted proxy, and to pass on text that an entry may not hold: it is left
out.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable

from trailbook.model import MAX_ID, MAX_USER_AGENT, Interface, Origin, name_fault, text_fault

# A header's value by its name in small letters, those that were sent several times joined by commas.
Headers = Callable[[str], str | None]
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


class Origins:
    """Where requests come from, as far as trusted proxies passed it on."""

    def __init__(self, trusted_proxies: Iterable[str] = (), interface: Interface = "web") -> None:
        """`trusted_proxies` are addresses or networks. Raises: ValueError for what is neither."""
        self._trusted = tuple(ipaddress.ip_network(proxy) for proxy in trusted_proxies)
        self._interface = interface

    def of(self, peer: str | None, headers: Headers) -> Origin:
        """The origin of a request; `peer` is the address that the server saw."""
        agent = headers("user-agent")
        if agent is not None and text_fault(agent, MAX_USER_AGENT):
            agent = None
        return Origin(interface=self._interface, ip=self._address(peer, headers), user_agent=agent)

    def _address(self, peer: str | None, headers: Headers) -> str | None:
        """The last address that no trusted proxy has."""
        passed = [each.strip() for each in (headers("x-forwarded-for") or "").split(",") if each.strip()]
        nearest = peer
        while passed and nearest is not None and self._is_trusted(nearest):
            nearest = passed.pop()
        return None if nearest is None else _canonical(nearest)

    def _is_trusted(self, text: str) -> bool:
        address = _canonical(text)
        return address is not None and any(
            ipaddress.ip_address(address) in network for network in self._trusted
        )


def correlation(headers: Headers) -> str | None:
    """The trace that a request belongs to, else its own id, else nothing. Source: W3C Trace Context section 3.2."""
    trace = _TRACE.fullmatch(headers("traceparent") or "")
    if trace is not None and trace[1].strip("0"):
        return trace[1]
    request_id = headers("x-request-id")
    return None if request_id is None or name_fault(request_id, MAX_ID) else request_id


def _canonical(text: str) -> str | None:
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None
