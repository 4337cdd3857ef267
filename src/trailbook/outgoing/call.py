"""One call: a POST to an address, and its answer.

Owns that the machine which was looked at is the machine that is called, and that no answer takes longer or is larger
than its limit. Refuses to follow a redirect, which is an answer like any other, to go by way of a proxy, and to say of
a failure anything but who was called and what kind of failure it was.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

from msgspec import Struct

from trailbook.errors import CallFailedError
from trailbook.outgoing.address import Address, PrivatePlace, require_reachable


class CallLimits(Struct, frozen=True, kw_only=True):
    """The most that a call may take: seconds from looking up its host to the last byte, and bytes of the answer."""

    seconds: float = 10.0
    answer: int = 65_536


DEFAULT_LIMITS = CallLimits()


class Call(Struct, frozen=True):
    """What is sent where: the `content`, and its media type."""

    address: Address
    content: bytes
    media_type: str


class Reply(Struct, frozen=True):
    """What came back, whatever its status."""

    status: int
    media_type: str
    content: bytes


def post(call: Call, places: Sequence[PrivatePlace] = (), limits: CallLimits = DEFAULT_LIMITS) -> Reply:
    """Send a call, and give its answer.

    Raises: CallFailedError where the address may not be called, or nobody answers within the limits.
    """
    until = time.monotonic() + limits.seconds
    try:
        with _connected(call.address, places, until) as connection:
            headers = {
                "Host": call.address.netloc,
                "Content-Type": call.media_type,
                "User-Agent": "trailbook",
                "Connection": "close",
            }
            connection.request("POST", call.address.path, call.content, headers)
            with connection.getresponse() as answer:
                content = answer.read(limits.answer + 1)
    except (OSError, HTTPException, UnicodeError) as error:
        why = "did not answer in time" if time.monotonic() >= until else _why(error)
        raise CallFailedError(f"{call.address.netloc}: {why}") from None
    if time.monotonic() >= until:  # what the end of its time cut off may look like a whole answer
        raise CallFailedError(f"{call.address.netloc}: did not answer in time")
    if len(content) > limits.answer:
        raise CallFailedError(f"{call.address.netloc}: the answer is longer than {limits.answer} bytes")
    return Reply(answer.status, answer.getheader("Content-Type", "").partition(";")[0].strip(), content)


@contextmanager
def _connected(address: Address, places: Sequence[PrivatePlace], until: float) -> Iterator[HTTPConnection]:
    """A connection to a machine behind an address, that ends when its time is over, whatever it is doing then."""
    line = _line(address, places, until)
    end = threading.Timer(max(0.0, until - time.monotonic()), _hang_up, [line])
    end.daemon = True
    end.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection = HTTPConnection(address.host, address.port)
        connection.auto_open = 0  # nothing is ever sent to a machine that was not looked at
        connection.sock = line
        yield connection
    finally:
        end.cancel()
        line.close()


def _line(address: Address, places: Sequence[PrivatePlace], until: float) -> socket.socket:
    """A socket to the first machine that takes it; none is tried before all of them may be called."""
    looked_up = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for *_, where in looked_up:
        require_reachable(address, ip_address(where[0]), places)
    failed: OSError = OSError("the host has no address")
    for family, kind, number, _, where in looked_up:
        line = socket.socket(family, kind, number)
        try:
            line.settimeout(max(0.01, until - time.monotonic()))
            line.connect(where)
            require_reachable(address, ip_address(line.getpeername()[0]), places)
            return _secured(line, address) if address.secure else line
        except OSError as error:
            line.close()
            failed = error
        except CallFailedError:
            line.close()
            raise
    raise failed


def _secured(line: socket.socket, address: Address) -> socket.socket:
    context = ssl.create_default_context()
    return context.wrap_socket(line, server_hostname=address.host, do_handshake_on_connect=False)


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        # Past the TLS: to end that properly the other side would have to answer.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    """The kind of failure: what the other side says may hold anything."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return "the host is not known"
    if isinstance(error, OSError) and error.strerror and error.errno is not None:
        return error.strerror
    return f"no answer that can be read ({type(error).__name__})"
