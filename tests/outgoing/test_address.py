"""Which addresses may be called: the rule, and each way around it."""

from ipaddress import ip_address

import pytest

from trailbook.errors import CallFailedError, InvalidError
from trailbook.outgoing import Address, parse_address, parse_place, require_reachable

HTTPS = parse_address("https://witness.example")


def test_an_address_is_read_in_its_parts() -> None:
    assert parse_address("https://Witness.Example./w/1") == Address(True, "witness.example", 443, "/w/1")
    assert parse_address("http://10.0.0.7:8751") == Address(False, "10.0.0.7", 8751, "/")
    assert parse_address("https://[2001:db8::1]:8443/w").netloc == "[2001:db8::1]:8443"
    assert (HTTPS.netloc, parse_address("http://a:81").netloc) == ("witness.example", "a:81")
    for url in ("https://a", "https://a/"):
        assert parse_address(url).below("add-checkpoint").path == "/add-checkpoint"
    assert parse_address("https://a/w/1").below("add-checkpoint").path == "/w/1/add-checkpoint"


@pytest.mark.parametrize(
    "url",
    [
        *("", "witness.example", "ftp://a", "file:///etc/passwd", "https://", "https:///w", "//a/b"),
        *("https://u:secret@a", "https://u@a", "https://a?key=secret", "https://a#b", "https://a/b c"),
        *(
            "https://a:0",
            "https://a:65536",
            "https://a:x",
            "https://[::1",
            "https://æ.example",
            "https://a\n",
        ),
    ],
)
def test_other_urls_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidError, match=r"^address: ") as caught:
        parse_address(url)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("ip", ["9.9.9.9", "2620:fe::9"])
def test_a_public_address_may_be_called_over_tls(ip: str) -> None:
    require_reachable(HTTPS, ip_address(ip), ())
    with pytest.raises(CallFailedError, match="needs https"):
        require_reachable(parse_address("http://witness.example"), ip_address(ip), ())


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:9.9.9.9", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1"),
    ],
)
def test_an_address_that_is_not_public_may_not(ip: str) -> None:
    """Private, loopback, link-local, metadata, shared, multicast, and what wraps an address of version 4."""
    with pytest.raises(CallFailedError, match=r"^witness.example: is a private address"):
        require_reachable(HTTPS, ip_address(ip), ())


def test_a_place_is_a_host_a_port_and_a_network() -> None:
    """Another port, another host, another network: none of it is named."""
    places = [parse_place("witness.internal:8751=10.0.0.0/8"), parse_place("[::1]:8751=::1/128")]
    inside = parse_address("http://witness.internal:8751/w")
    require_reachable(inside, ip_address("10.3.4.5"), places)
    require_reachable(parse_address("http://[::1]:8751"), ip_address("::1"), places)
    for url, ip in (
        ("http://witness.internal:8752", "10.3.4.5"),
        ("http://other.internal:8751", "10.3.4.5"),
        ("http://witness.internal:8751", "11.0.0.1"),
        ("http://witness.internal:8751", "127.0.0.1"),
        ("https://witness.internal", "10.3.4.5"),
    ):
        with pytest.raises(CallFailedError):
            require_reachable(parse_address(url), ip_address(ip), places)


@pytest.mark.parametrize(
    "text",
    [
        *("", "10.0.0.0/8", "a:1", "a=10.0.0.0/8", "a:0=10.0.0.0/8", "a:65536=10.0.0.0/8", "a:1=10.0.0.1/8"),
        *("a:1=0.0.0.0/0", "a:1=::/0", "a:1=b", "u@a:1=10.0.0.0/8", "http://a:1=10.0.0.0/8"),
    ],
)
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_place(text)
