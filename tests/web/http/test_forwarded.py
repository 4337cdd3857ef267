"""Where a request came from: what is believed of proxies, what is not, and that nobody adds to it from the left."""

import pytest
from hypothesis import given, strategies as st

from trailbook.web.http.forwarded import MOST, Proxies, Way

TRUSTED = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
PEER, CLIENT = "127.0.0.1", "203.0.113.9"
PROXIES, NONE = Proxies(TRUSTED), Proxies()


def way(*fields: tuple[str, str], peer: str | None = PEER, proxies: Proxies = PROXIES) -> Way:
    """The way of a request with these header fields."""
    return proxies.way(peer, [(name.encode(), value.encode("latin-1")) for name, value in fields])


def for_(*lines: str) -> list[tuple[str, str]]:
    return [("x-forwarded-for", line) for line in lines]


def forwarded(*lines: str) -> list[tuple[str, str]]:
    return [("forwarded", line) for line in lines]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (CLIENT, CLIENT),
        (f"198.51.100.1, {CLIENT}", CLIENT),
        (f"198.51.100.1, {CLIENT}, 10.1.2.3", CLIENT),
        (f"{CLIENT},10.1.2.3 ,\t10.0.0.1", CLIENT),
        (f"127.0.0.1, {CLIENT}, 10.1.2.3", CLIENT),
        ("10.1.2.3", "10.1.2.3"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        (f"{CLIENT}:4711", CLIENT),
        (f"::ffff:{CLIENT}", CLIENT),
        (f"{CLIENT}, ::ffff:10.1.2.3", CLIENT),
        (f"{CLIENT}, fd00::1", CLIENT),
        ("", PEER),
        ("unknown", PEER),
        ("_hidden", PEER),
        ("unix:", PEER),
        (f"{CLIENT}, unknown", PEER),
        (f"{CLIENT}, unknown, 10.1.2.3", "10.1.2.3"),
        (f"{CLIENT},", PEER),
        (f"{CLIENT} 198.51.100.1", PEER),
        ("203.0.113.999", PEER),
        ("203.0.113.009", PEER),
        ("fe80::1%eth0", PEER),
        (f"for={CLIENT}", PEER),
        (f'"{CLIENT}"', PEER),
    ],
)
def test_x_forwarded_for(line: str, address: str) -> None:
    """From the right up to the first that is not trusted; a proxy that names no address stands for what it hides."""
    assert way(*for_(line)) == Way(address)
    assert way(*for_(line), proxies=NONE) == Way(PEER)  # nobody is trusted unless it is said
    assert way(*for_(line), peer="198.51.100.7") == Way("198.51.100.7")  # nor whoever came past the proxy


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"For={CLIENT};proto=https;by=10.0.0.1", CLIENT),
        (f"for=198.51.100.1, for={CLIENT} , for=10.1.2.3;proto=http", CLIENT),
        (f'for="{CLIENT}:4711"', CLIENT),
        ('for="[2001:db8::9]"', "2001:db8::9"),
        ('for="[2001:db8::9]:_port"', "2001:db8::9"),
        (f'for={CLIENT};host="a,b;c\\"d"', CLIENT),
        (f'for=198.51.100.1;host="x, for={CLIENT}, for="10.1.2.3"', CLIENT),
        ("for=unknown", PEER),
        ("for=_hidden", PEER),
        ("for=[2001:db8::9]", PEER),
        (f"for={CLIENT};for=198.51.100.1", PEER),
        ("proto=https", PEER),
        (CLIENT, PEER),
        ("", PEER),
        (f"for={CLIENT};;", PEER),
        (f"for = {CLIENT}", PEER),
        (f'for="{CLIENT}', PEER),
        (f"for={CLIENT}, for=unknown, for=10.1.2.3", "10.1.2.3"),
    ],
)
def test_forwarded(line: str, address: str) -> None:
    """RFC 7239, as strictly as it is written: what is not so says nothing."""
    assert way(*forwarded(line)).address == address
    assert way(*forwarded(line), proxies=NONE) == Way(PEER)


def test_several_lines_are_one() -> None:
    """A proxy may add a line of its own: the last line is the nearest proxy's."""
    assert way(*for_("198.51.100.1", f"{CLIENT}, 10.1.2.3")).address == CLIENT
    assert way(*for_("198.51.100.1", CLIENT)).address == CLIENT
    assert way(*forwarded("for=198.51.100.1", f"for={CLIENT}", "for=10.1.2.3")).address == CLIENT


def test_only_one_of_the_two_is_read() -> None:
    """A client adds `Forwarded` to what a proxy says in the other fields, and it counts for nothing."""
    both = [*forwarded("for=198.51.100.1;proto=https;host=evil.example"), *for_(CLIENT)]
    assert way(*both, ("host", "log.example"), ("x-forwarded-proto", "https")) == Way(
        CLIENT, "https://log.example"
    )
    assert way(*both) == Way(CLIENT)
    assert way(both[0]) == Way("198.51.100.1", "https://evil.example")  # the control: alone it is read


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (None, None),
        ("", ""),
        ("testclient", "testclient"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_whose_connection_it_is(peer: str | None, address: str | None) -> None:
    """A socket without an address is nobody that could be trusted; an address has one spelling."""
    assert way(*for_(CLIENT), peer=peer) == Way(address)


@pytest.mark.parametrize("peer", ["::ffff:127.0.0.1", "10.255.0.1", "fd12::1", "fd12::1%eth0"])
def test_a_trusted_peer(peer: str) -> None:
    assert way(*for_(CLIENT), peer=peer).address == CLIENT


@pytest.mark.parametrize(
    ("proto", "host", "site"),
    [
        ("https", "log.example", "https://log.example"),
        ("HTTPS", "Log.Example:443", "https://log.example"),
        ("https", "log.example:8443", "https://log.example:8443"),
        ("http", "log.example:80", "http://log.example"),
        ("http, https", "evil.example, log.example", "https://log.example"),
        ("https", "[2001:db8::9]", "https://[2001:db8::9]"),
        ("ftp", "log.example", None),
        ("", "log.example", None),
        ("https", "", None),
        ("https", "evil.example/log.example", None),
        ("https", "user@log.example", None),
    ],
)
def test_the_site(proto: str, host: str, site: str | None) -> None:
    """As a browser has it in `Origin`, or nothing where the two do not make one."""
    fields = (*for_(CLIENT), ("x-forwarded-proto", proto), ("x-forwarded-host", host))
    assert way(*fields) == Way(CLIENT, site)
    assert way(*fields, peer="198.51.100.7").site is None
    if "," not in host and host:
        assert way(*forwarded(f'for={CLIENT};proto="{proto}";host="{host}"')) == Way(CLIENT, site)


def test_the_site_where_the_proxy_passes_the_host_on() -> None:
    assert way(("x-forwarded-proto", "https"), ("host", "log.example")) == Way(PEER, "https://log.example")
    assert way(*forwarded(f"for={CLIENT};proto=https"), ("host", "log.example")).site == "https://log.example"
    assert way(*forwarded("for=unknown;proto=https"), ("host", "log.example")) == Way(PEER)


def test_a_way_has_an_end() -> None:
    """More proxies one behind the other than anybody has are not followed."""
    assert way(*for_(", ".join([CLIENT] + ["10.1.2.3"] * (MOST - 1)))).address == CLIENT
    assert way(*for_(", ".join([CLIENT] + ["10.1.2.3"] * MOST))).address == "10.1.2.3"


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60) | st.lists(
    st.sampled_from(['"', "\\", ",", ";", "for=", "10.1.2.3", CLIENT, "proto=http", " ", "host=x", "["]),
    max_size=12,
).map("".join)
TAIL = st.lists(st.sampled_from(["10.1.2.3", "10.0.0.1", "127.0.0.1"]), max_size=3)
UNTRUSTED = st.sampled_from([CLIENT, "198.51.100.1", "192.168.0.1"])


@given(TEXT, UNTRUSTED, TAIL, st.booleans())
def test_nothing_to_the_left_of_a_stranger_counts(
    text: str, stranger: str, tail: list[str], lines: bool
) -> None:
    """Whatever they sent themselves, in the same line or in lines before, the result is as without it."""
    plain, pairs = ", ".join([stranger, *tail]), ", ".join(f"for={each}" for each in [stranger, *tail])
    for field, right in ((for_, plain), (forwarded, f"{pairs};proto=https;host=log.example")):
        sent = field(text, right) if lines else field(f"{text}, {right}")
        assert way(*sent) == way(*field(right))
        assert way(*sent).address == stranger


@given(
    st.lists(st.tuples(st.sampled_from(["forwarded", "x-forwarded-for", "x-forwarded-proto", "host"]), TEXT))
)
def test_whatever_is_sent_is_read_without_a_fault(fields: list[tuple[str, str]]) -> None:
    """A stranger's fields change nothing; a trusted proxy's, be they rubbish, give an address all the same."""
    assert way(*fields, peer="198.51.100.7") == Way("198.51.100.7")
    assert way(*fields).address is not None
