"""Filters to and from URL parameters and one line: inverse both ways, and every breach named."""

from ipaddress import ip_network
from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, strategies as st

from trailbook.errors import CursorInvalidError, Fault, FilterInvalidError
from trailbook.query import (
    Paging,
    Query,
    Term,
    Vocabulary,
    from_line,
    from_params,
    printed,
    split_params,
    to_params,
)
from trailbook.query.dates import PRESETS

Pairs = list[tuple[str, str]]

KNOWN = Vocabulary(
    categories={"roles", "permissions", "users"},
    actions={"role.assigned", "role.removed", "user.created"},
    types={"user", "role", "source"},
)

slugs = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
# Ids as hostile as the model allows: slashes, colons, percent, plus, spaces, quotes, other scripts.
idents = st.text(st.sampled_from("aZ0/:%+&=# -'\"æØ中.~*"), min_size=1, max_size=8).filter(lambda i: i != "*")
items = st.builds("{}/{}".format, slugs, idents)
actions = st.builds("{}.{}".format, slugs, slugs | st.just("*"))
networks = st.builds(
    lambda address, bits: str(ip_network((address, bits % address.max_prefixlen), strict=False)),
    st.ip_addresses(),
    st.integers(0, 127),
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "category": slugs,
    "action": actions,
    "actor": items,
    "concerns": items,
    "target": items | st.builds("{}/*".format, slugs),
    "source": items,
    "by_or_about": items,
    "actor_kind": st.sampled_from(["person", "integration", "system"]),
    "outcome": st.sampled_from(["success", "failure", "denied"]),
    "origin": st.sampled_from(["web", "mobile", "api", "cli", "job", "import", "database"]),
    "ip": st.ip_addresses().map(str) | networks,
}
WORDS = st.text(st.sampled_from("aåØæé中1-:%*'"), min_size=1, max_size=9).filter(
    lambda w: any(c.isalnum() for c in w)
)


@st.composite
def terms(draw: st.DrawFn) -> tuple[Term, ...]:
    names = draw(st.sets(st.tuples(st.sampled_from(sorted(VALUES)), st.booleans()), max_size=5))
    return tuple(
        Term(field, tuple(sorted(draw(st.sets(VALUES[field], min_size=1, max_size=3)))), negated)
        for field, negated in sorted(names)
    )


RANGES = st.one_of(
    st.builds(dict),
    st.builds(dict, date=st.sampled_from(PRESETS)),
    st.builds(dict, from_=st.dates().map(str)),
    st.builds(dict, to=st.just("2026-11-02T09:15:00.5+01:00")),
    st.just({"from_": "2026-01-01", "to": "2026-01-01"}),
    st.just({"from_": "2026-01-01", "to": "2026-01-01T12:00:00Z"}),
)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    return Query(
        **draw(RANGES),
        tz=draw(st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Apia"])),
        hours=draw(st.sampled_from([None, "night", "outside,12345,08:00-17:00,Europe/Oslo"])),
        terms=draw(terms()),
        text=tuple(draw(st.lists(WORDS, max_size=10))),
        self_=draw(st.none() | st.booleans()),
        as_of=draw(st.none() | st.integers(0, 10**15 - 1)),
    )


@given(queries())
def test_parameters_and_line_read_back_as_printed(query: Query) -> None:
    """parse(format(x)) == x, through a real URL too."""
    assert from_params(to_params(query)) == query
    assert (
        from_params(parse_qsl(urlencode(to_params(query)), strict_parsing=True) if query != Query() else [])
        == query
    )
    assert from_line(printed(query)) == query
    assert len(printed(query).splitlines()) <= 1
    assert hash(from_params(to_params(query))) == hash(query)


@given(queries(), st.randoms())
def test_order_and_repetition_of_parameters_do_not_matter(query: Query, random: Random) -> None:
    """One filter, one printed form: digests and cursors are bound to it."""
    pairs = to_params(query)
    shuffled = [*pairs, *(pair for pair in pairs if pair[0].removesuffix(".not") in VALUES)]
    random.shuffle(shuffled)
    assert printed(from_params(shuffled)) == printed(query)


def test_the_line_of_the_contract() -> None:
    """The same in one line."""
    line = "category:roles concerns:user/u-42 -outcome:denied date:last-quarter"
    query = from_line(line, Vocabulary(categories=["roles"], actions=[], types=["user"]))
    assert printed(query) == line
    assert query == Query(
        date="last-quarter",
        terms=(
            Term("category", ("roles",)),
            Term("concerns", ("user/u-42",)),
            Term("outcome", ("denied",), True),
        ),
    )
    assert from_line("Anna category:roles Berg") == from_line("category:roles text:Anna%20Berg")
    assert from_line("") == Query() == from_params([])


def faults(pairs: Pairs, known: Vocabulary | None = KNOWN) -> tuple[Fault, ...]:
    with pytest.raises(FilterInvalidError) as refused:
        from_params(pairs, known)
    assert all(fault.pointer.lstrip("/") in refused.value.detail for fault in refused.value.faults)
    return refused.value.faults


REFUSED: list[tuple[Pairs, str, str]] = [  # a parameter at fault, its pointer, and the value that is right
    ([("category", "Roles")], "/category", "roles"),
    ([("category", "")], "/category", "roles"),
    ([("category", "salary")], "/category", "roles"),
    ([("category.not", "role")], "/category.not", "roles"),
    ([("action", "assigned")], "/action", "role.assigned"),
    ([("action", "role.assign")], "/action", "role.removed"),
    ([("action", "roles.*")], "/action", "role.*"),
    ([("action", "*.*")], "/action", "role.*"),
    ([("action", "role.*x")], "/action", "role.*"),
    ([("actor", "u-17")], "/actor", "user/u-17"),
    ([("actor", "user/")], "/actor", "user/u-17"),
    ([("actor", "User/u-17")], "/actor", "user/u-17"),
    ([("actor", "usr/u-17")], "/actor", "user/u-17"),
    ([("actor", "user/*")], "/actor", "user/u*"),
    ([("concerns", "user/" + "x" * 201)], "/concerns", "user/" + "x" * 200),
    ([("concerns.not", "user/a\nb")], "/concerns.not", "user/a b"),
    ([("by_or_about", "user/\u202eu")], "/by_or_about", "user/u/17"),
    ([("source", "key")], "/source", "source/key"),
    ([("target", "*")], "/target", "role/*"),
    ([("target", "rolle/*")], "/target", "role/*"),
    ([("target", "/r-1")], "/target", "role/r-1"),
    ([("actor_kind", "robot")], "/actor_kind", "system"),
    ([("outcome", "ok")], "/outcome", "success"),
    ([("origin", "fax")], "/origin", "import"),
    ([("ip", "192.0.2")], "/ip", "192.0.2.0"),
    ([("ip", "192.0.2.007")], "/ip", "192.0.2.7"),
    ([("ip", "")], "/ip", "::"),
    ([("ip", "example.org")], "/ip", "2001:db8::1"),
    ([("ip", "2001:DB8::1")], "/ip", "2001:db8::1"),
    ([("ip", "fe80::1%eth0")], "/ip", "fe80::1"),
    ([("ip", "192.0.2.7/24")], "/ip", "192.0.2.0/24"),
    ([("ip", "192.0.2.0/33")], "/ip", "192.0.2.0/31"),
    ([("ip", "192.0.2.0/255.255.255.0")], "/ip", "192.0.2.0/24"),
    ([("ip", "192.0.2.7/32")], "/ip", "192.0.2.7"),
    ([("ip", "2001:db8::1/32")], "/ip", "2001:db8::/32"),
    ([("ip", "fe80::%eth0/64")], "/ip", "fe80::/64"),
    ([("ip.not", "/24")], "/ip.not", "0.0.0.0/0"),
    ([("date", "last-fortnight")], "/date", "last-week"),
    ([("date", "2026-01-01")], "/date", "today"),
    ([("from", "yesterday")], "/from", "2026-01-01"),
    ([("from", "2026-02-30")], "/from", "2026-02-28"),
    ([("to", "2026-01-01T10:00:00")], "/to", "2026-01-01T10:00:00Z"),
    ([("to", "2026-01-01T25:00:00Z")], "/to", "2026-01-01T23:00:00-09:00"),
    ([("tz", "Oslo")], "/tz", "Europe/Oslo"),
    ([("tz", "")], "/tz", "UTC"),
    ([("text", "")], "/text", "a"),
    ([("text", " ".join("abcdefghijk"))], "/text", " ".join("abcdefghij")),
    ([("text", "x" * 41)], "/text", "x" * 40),
    ([("text", "anna --")], "/text", "anna b--"),
    ([("text", "an\x00na")], "/text", "anna"),
    ([("self", "yes")], "/self", "true"),
    ([("as_of", "-1")], "/as_of", "0"),
    ([("as_of", "01")], "/as_of", "1"),
    ([("as_of", "1" * 16)], "/as_of", "1" * 15),
    ([("as_of", "٣")], "/as_of", "3"),
]


@pytest.mark.parametrize(("pairs", "pointer", "right"), REFUSED)
def test_a_broken_parameter_is_refused_and_named(pairs: Pairs, pointer: str, right: str) -> None:
    """With the control that the right value in its place is taken."""
    (fault,) = faults(pairs)
    assert (fault.pointer, fault.code) == (pointer, "parameter-invalid")
    assert from_params([(pairs[0][0], right)], KNOWN) != Query() or right == "UTC"


@pytest.mark.parametrize(
    "name", ["categry", "text.not", "date.not", "category.not.not", "order", "limit", "cursor", "Self", ""]
)
def test_an_unknown_parameter_is_refused_and_named(name: str) -> None:
    """The names of filters are a closed list; paging is no filter."""
    (fault,) = faults([("category", "roles"), (name, "x")])
    assert (fault.pointer, fault.code) == (f"/{name}", "parameter-unknown")
    assert from_params([("category", "roles")], KNOWN) != Query()


def test_each_parameter_at_fault_is_named_once() -> None:
    """All of them in one answer; RFC 6901 escapes in a name nobody declared."""
    pairs = [("category", "x"), ("category", "y"), ("a/b~", ""), ("outcome", "denied"), ("self", "0")]
    assert [fault.pointer for fault in faults(pairs)] == ["/category", "/a~1b~0", "/self"]


@pytest.mark.parametrize("name", ["date", "from", "to", "tz", "text", "self", "as_of"])
def test_what_can_stand_once_is_refused_twice(name: str) -> None:
    """None of them is the winner in silence."""
    right = {"date": "today", "tz": "UTC", "text": "a", "self": "true", "as_of": "1"}.get(name, "2026-01-01")
    assert faults([(name, right), (name, right)])[0].pointer == f"/{name}"
    assert from_params([(name, right)]) is not None


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_an_address_that_is_not_written_so_is_said_as_it_is(sent: str, right: str) -> None:
    """What is said can be sent."""
    (fault,) = faults([("ip", sent)])
    assert fault.detail.endswith(right)
    assert to_params(from_params([("ip", right)])) == [("ip", right)]


def test_names_are_refused_with_the_nearest() -> None:
    """An undeclared name is answered with the one most like it; people are never repeated."""
    assert "nearest is permissions" in faults([("category", "permission")])[0].detail
    assert "nearest is role.assigned" in faults([("action", "role.assign")])[0].detail
    assert "nearest is user" in faults([("actor", "usr/anna.berg")])[0].detail
    assert "anna" not in faults([("actor", "usr/anna.berg")])[0].detail
    assert from_params([("category", "permission")]) == Query(terms=(Term("category", ("permission",)),))


def test_a_range_is_given_in_one_way() -> None:
    """Date stands alone; a range does not end before it begins; an empty one may be asked for."""
    for name in ("from", "to"):
        assert faults([("date", "today"), (name, "2026-01-01")]) == (
            Fault("/date", "parameter-invalid", "is given together with from or to"),
        )
    turned = [("from", "2026-01-02"), ("to", "2026-01-01")]
    assert faults(turned) == (Fault("/to", "parameter-invalid", "is before from"),)
    assert from_params([("from", turned[1][1]), ("to", turned[0][1])]) != Query()
    late = [("from", "2026-01-01T00:00:00+01:00"), ("to", "2025-12-31T22:59:59Z")]
    assert faults(late)[0].pointer == "/to"
    assert from_params([late[0], ("to", "2025-12-31T23:00:00Z")]) != Query()
    assert from_params([("from", "2011-12-30"), ("to", "2011-12-30"), ("tz", "Pacific/Apia")]) != Query()


def test_a_filter_has_at_most_a_hundred_values() -> None:
    pairs = [("actor", f"user/{n}") for n in range(101)]
    assert faults(pairs)[0].pointer == ""
    assert len(from_params(pairs[:100]).terms[0].values) == 100


def test_paging_is_parted_from_the_filter() -> None:
    """Order, limit, cursor, count say how to read, not what."""
    pairs = [
        ("category", "roles"),
        ("order", "seq"),
        ("limit", "200"),
        ("x", "y"),
        ("cursor", "c"),
        ("count", "true"),
    ]
    assert split_params(pairs) == (
        [("category", "roles"), ("x", "y")],
        Paging(order="seq", limit=200, cursor="c", count=True),
    )
    assert split_params([]) == ([], Paging(order="desc", limit=50, cursor=None, count=False))


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("order", "newest", "asc"),
        ("limit", "0", "1"),
        ("limit", "201", "200"),
        ("limit", "1e2", "100"),
        ("limit", "", "10"),
        ("cursor", "", "c"),
        ("count", "1", "false"),
    ],
)
def test_broken_paging_is_refused_and_named(name: str, wrong: str, right: str) -> None:
    """Each with the control that the right value is taken once and refused twice."""
    with pytest.raises(FilterInvalidError) as refused:
        split_params([(name, wrong)])
    assert [fault.pointer for fault in refused.value.faults] == [f"/{name}"]
    assert split_params([(name, right)])
    with pytest.raises(FilterInvalidError):
        split_params([(name, right), (name, right)])


def test_a_cursor_has_at_most_512_characters() -> None:
    """Any other is cursor-invalid."""
    with pytest.raises(CursorInvalidError):
        split_params([("cursor", "c" * 513)])
    assert split_params([("cursor", "c" * 512)])[1].cursor == "c" * 512


def test_a_line_that_is_no_utf8_is_refused() -> None:
    """Nothing is replaced in silence."""
    with pytest.raises(FilterInvalidError) as refused:
        from_line("concerns:user/%ff")
    assert refused.value.faults[0].pointer == "/concerns"
    assert from_line("concerns:user/%C3%A5") == from_line("concerns:user/å")
