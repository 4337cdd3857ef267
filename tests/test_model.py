"""The model: decoded JSON to entries with pointers, times and text bounds."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import structs

from trailbook.catalogue import load
from trailbook.errors import EntryInvalidError
from trailbook.model import (
    Actor,
    Mended,
    NewEntry,
    entry_from,
    instant,
    item_faults,
    mend_names,
    microseconds,
    name_fault,
    parse_instant,
    shape_faults,
    shaped,
    text_fault,
    written,
)
from trailbook.testing.strategies import new_entries, texts

GIVEN: dict[str, Any] = {
    "id": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11",
    "action": "role.assigned",
    "category": "roles",
    "occurred_at": "2026-11-02T09:15:00.123456+01:00",
    "outcome": "success",
    "actor": {"type": "user", "id": "u-17", "name": "Anna Berg", "kind": "person"},
    "on_behalf_of": {"type": "user", "id": "u-18", "name": "Bo"},
    "target": {"type": "role", "id": "r-3", "name": "Manager"},
    "concerns": [{"type": "user", "id": "u-42", "name": "Bob Li", "part": "member"}],
    "fields": ["name"],
    "purpose": "leave",
    "effective_at": "2026-12-01",
    "correlation": "x",
    "caused_by": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b10",
    "origin": {"interface": "web", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0"},
}
GONE = object()


def changed(path: str, value: object) -> Any:
    """GIVEN with the member at a pointer set, or taken away."""
    document = json.loads(json.dumps(GIVEN))
    *way, last = path.strip("/").split("/")
    at: Any = document
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    key: Any = int(last) if last.isdigit() else last
    if value is GONE:
        del at[key]
    else:
        at[key] = value
    return document


def test_every_member_is_read() -> None:
    """The control of every refusal below; and GIVEN has every member there is."""
    entry = entry_from(GIVEN)
    assert set(GIVEN) == set(NewEntry.__struct_fields__)
    assert entry.occurred_at == datetime(2026, 11, 2, 8, 15, 0, 123456, tzinfo=UTC)
    assert entry.id == UUID(GIVEN["id"])
    assert entry.concerns[0].part == "member"


REFUSED = [
    *(("/" + name, GONE) for name in ("action", "occurred_at", "actor", "target", "origin")),
    *((f"/actor/{name}", GONE) for name in ("type", "id", "kind")),
    *((f"/target/{name}", GONE) for name in ("type", "id")),
    *((f"/concerns/0/{name}", GONE) for name in ("type", "id", "part")),
    ("/origin/interface", GONE),
    *(("/" + name, 5) for name in GIVEN),
    *(("/" + name, None) for name in ("action", "occurred_at", "actor", "target", "origin", "outcome")),
    *(("/" + name, None) for name in ("concerns", "fields")),
    *((f"/actor/{name}", 5) for name in ("type", "id", "name", "kind")),
    *((f"/concerns/0/{name}", []) for name in ("type", "id", "name", "part")),
    *((f"/origin/{name}", {}) for name in ("interface", "ip", "user_agent")),
    ("/value", "secret"),
    ("/old", {"salary": 1}),
    ("/seq", 4),
    ("/recorded_at", "2026-11-02T09:15:00Z"),
    ("/source", {"type": "source", "id": "k"}),
    ("/actor/email", "a@b.no"),
    ("/actor/part", "member"),
    ("/target/kind", "person"),
    ("/target/value", "5"),
    ("/on_behalf_of/kind", "person"),
    ("/concerns/0/note", "ill"),
    ("/origin/request", "body"),
    ("/outcome", "maybe"),
    ("/actor/kind", "robot"),
    ("/origin/interface", "fax"),
    ("/id", "not a uuid"),
    ("/caused_by", "17"),
    ("/fields", "name"),
    ("/fields/0", 5),
    ("/concerns/0", "u-42"),
]


@pytest.mark.parametrize(("pointer", "value"), REFUSED, ids=[f"{p}={v!r:.20}" for p, v in REFUSED])
def test_shape_is_refused_with_a_pointer(pointer: str, value: object) -> None:
    """Wrong types, what is missing and what is unknown; there is no member for a value."""
    with pytest.raises(EntryInvalidError) as refused:
        entry_from(changed(pointer, value))
    assert [f.pointer for f in refused.value.faults] == [pointer]
    assert refused.value.code == "entry-invalid"


OPTIONAL = ["id", "category", "outcome", "on_behalf_of", "concerns", "fields", "purpose", "effective_at"]


@pytest.mark.parametrize("name", [*OPTIONAL, "correlation", "caused_by"])
def test_what_may_be_absent(name: str) -> None:
    entry_from(changed("/" + name, GONE))


@pytest.mark.parametrize("value", [[], "x", None, 5, [GIVEN]])
def test_what_is_no_object(value: object) -> None:
    with pytest.raises(EntryInvalidError) as refused:
        entry_from(value)
    assert refused.value.faults[0].pointer == ""


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-02T09:15:00+01:00", "2026-11-02T08:15:00.000000Z"),
        ("2026-11-02T08:15:00.1Z", "2026-11-02T08:15:00.100000Z"),
        ("2026-11-02T08:15:00.123456Z", "2026-11-02T08:15:00.123456Z"),
        ("2026-11-02T00:15:00-11:30", "2026-11-02T11:45:00.000000Z"),
        ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_times_become_utc(text: str, utc: str) -> None:
    assert written(parse_instant(text)) == utc


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02T09:15:00",  # no offset
        "2026-11-02T09:15:00.1234567Z",  # seven digits
        "2026-11-02T09:15:00.Z",
        "2026-11-02 09:15:00Z",
        "2026-11-02t09:15:00z",
        "2026-11-02T09:15Z",
        "2026-11-02",
        "2026-02-30T09:15:00Z",
        "2016-12-31T23:59:60Z",  # a leap second
        "2026-11-02T24:00:00Z",
        "2026-11-02T09:15:00+25:00",
        "2026-11-02T09:15:00+00:60",
        "2026-11-02T09:15:00+0100",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "2026-11-02T09:15:00Z\n",
        "２０２６-11-02T09:15:00Z",
        "",
    ],
)
def test_times_that_are_refused(text: str) -> None:
    with pytest.raises(EntryInvalidError) as refused:
        entry_from(changed("/occurred_at", text))
    assert [f.pointer for f in refused.value.faults] == ["/occurred_at"]


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_are_exact(at: datetime) -> None:
    assert instant(microseconds(at)) == at
    assert parse_instant(written(at)) == at


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_offsets_name_the_same_instant(at: datetime, minutes: int) -> None:
    here = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_instant(here.isoformat()) == here
    assert microseconds(parse_instant(here.isoformat())) == microseconds(here)


FORBIDDEN = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]


@pytest.mark.parametrize("code", [*FORBIDDEN, 0xD800, 0xDFFF], ids=hex)
def test_characters_that_are_forbidden(code: int) -> None:
    """Control characters, line separators, bidi overrides and isolates, lone surrogates."""
    assert f"U+{code:04X}" in (text_fault(f"Anna{chr(code)}Berg", 300) or "")


@pytest.mark.parametrize(
    "text",
    ["Åse", "李娜", "🧭", "محمد", "a\u200bb", "a\u200db", "a\u00a0b", "\u00ad", "\U00010ffd", "<b>&", "'--"],
)
def test_characters_that_are_kept(text: str) -> None:
    """The control of the test above: zero width, four bytes and right to left are stored byte-exact."""
    assert text_fault(text, 300) is None


def test_bounds_of_text() -> None:
    assert text_fault("", 5) == "is empty"
    assert text_fault("å" * 5, 5) is None
    assert text_fault("å" * 6, 5) == "is longer than 5 characters"
    assert text_fault("A\u030ase", 5) == "is not in Unicode normal form C"
    assert text_fault("\u00c5se", 5) is None


READABLE = (
    *("Åse", "李娜", "🧭", "محمد", "a\u200bb", "a\u200db", "a\u00a0b", "\U00010ffd", "<b>&", "'--", " Åse "),
    "❤\ufe0f",
)
UNREADABLE = [
    *(
        ("is blank", text)
        for text in (" ", "\u00a0\u3000", "\u200b", "\u00ad", "\ufeff", "\u2800", "\u2060 \u200d")
    ),
    *(("is blank", text) for text in ("\u3164\uffa0", "\ufe0f")),
    *(("has the unreadable character U+FFFD", text) for text in ("\ufffd", "Bj\ufffdrn")),
    ("has the unreadable character U+E0041", "Anna\U000e0041"),
    ("has the unreadable character U+E0041", "\U0001f3f4\U000e0041\U000e007f"),
    ("has the unreadable character U+E0000", "\U000e0000x"),
    ("has the unreadable character U+E007F", "x\U000e007f"),
]


@pytest.mark.parametrize(("why", "text"), UNREADABLE, ids=ascii)
def test_a_name_that_nobody_can_read_is_refused(why: str, text: str) -> None:
    """A blank one, one with characters that nobody sees, one with the mark of a letter that was lost."""
    assert name_fault(text, 300) == why
    assert text_fault(text, 300) is None  # an older version kept it: it can be asked for


@pytest.mark.parametrize("text", READABLE, ids=ascii)
def test_a_name_that_somebody_can_read_is_kept(text: str) -> None:
    """The control; and whatever text may not be kept at all is no name either."""
    assert name_fault(text, 300) is None
    assert name_fault(f"{text}\x00", 300) == "has the forbidden character U+0000"


@given(texts())
def test_drawn_texts_may_be_kept(text: str) -> None:
    assert text_fault(text, 300) is None
    assert text.encode().decode() == text


@given(new_entries(load()))
def test_shaping_changes_nothing_that_is_right(entry: NewEntry) -> None:
    assert shaped(entry) == entry


@pytest.mark.parametrize(
    ("name", "kept", "mend"),
    [
        ("Zoe\u0308 A\u030angstro\u0308m", "Zoë Ångström", "composed"),
        ("Kari\r\nHolm", "Kari Holm", "composed"),
        ("\x1b[31mKari\u202e  Holm\x00", "[31mKari Holm", "composed"),
        ("\ud800Kari", "Kari", "composed"),
        ("x" * 301, "x" * 299 + "…", "cut"),
        ("e\u0301" * 300, "é" * 300, "composed"),
        ("e\u0301" * 301, "é" * 299 + "…", "cut"),
        ("a\u0301" + "\u0301" * 100_000, "á" + "\u0301" * 298 + "…", "cut"),
        ("", None, "left out"),
        (" \u3000\u00a0", None, "left out"),
        ("\x07\u2028", None, "left out"),
        ("Bj\ufffdrn Li", "Bj rn Li", "composed"),
        ("Kari\U000e0041\U000e007f", "Kari", "composed"),
        ("\ufffd", None, "left out"),
        ("\u200b\u00ad", None, "left out"),
    ],
)
def test_a_name_that_may_not_stand_is_mended(name: str, kept: str | None, mend: str) -> None:
    """Wherever it stands in an entry; nothing else of the entry changes."""
    entry = entry_from(GIVEN)
    assert mend_names(entry) == Mended(entry)  # the control
    actor, target = structs.replace(entry.actor, name=name), structs.replace(entry.target, name=name)
    behalf, concern = entry.on_behalf_of, structs.replace(entry.concerns[0], name=name)
    assert behalf is not None
    bad = structs.replace(
        entry,
        actor=actor,
        target=target,
        on_behalf_of=structs.replace(behalf, name=name),
        concerns=(concern,),
    )
    mended = mend_names(bad)
    assert mended.mends == (mend,) * 4
    items = (mended.entry.actor, mended.entry.target, mended.entry.on_behalf_of, mended.entry.concerns[0])
    assert [item and item.name for item in items] == [kept] * 4
    assert [item and item.id for item in items] == ["u-17", "r-3", "u-18", "u-42"]
    assert structs.replace(mended.entry, actor=actor, target=target, concerns=(concern,)) == structs.replace(
        bad, on_behalf_of=mended.entry.on_behalf_of
    )
    assert mend_names(mended.entry) == Mended(mended.entry)


def test_a_name_of_a_type_that_takes_none_is_left_out() -> None:
    mended = mend_names(entry_from(GIVEN), {"role"})
    assert (mended.entry.target.name, mended.mends) == (None, ("left out",))
    assert mended.entry.actor.name == "Anna Berg"


def test_a_hint_is_mended_as_a_name_is() -> None:
    """Composed, cut to 80, left out where the type takes none; an empty one, which takes one back, stays."""
    entry, hints = entry_from(GIVEN), ("Kari\r\nHolm", "x" * 81, "\ufffd", "", "Cook")
    items = [structs.replace(entry.actor, hint=hint) for hint in hints]
    mended = [mend_names(structs.replace(entry, actor=item)) for item in items]
    assert [m.entry.actor.hint for m in mended] == ["Kari Holm", "x" * 79 + "…", None, "", "Cook"]
    assert [m.mends for m in mended] == [("composed",), ("cut",), ("left out",), (), ()]
    assert mend_names(structs.replace(entry, actor=items[-1]), {"user"}).entry.actor.hint is None


@given(st.text(max_size=400))
def test_whatever_a_name_is_the_mended_entry_keeps_the_rules(name: str) -> None:
    entry = structs.replace(entry_from(GIVEN), actor=Actor(kind="person", type="user", id="u-17", name=name))
    mended = mend_names(entry)
    assert next(item_faults(mended.entry.actor, ""), None) is None
    if name_fault(name, 300) is None:
        assert mended == Mended(entry)


def test_every_member_whose_shape_is_wrong_is_named_at_once() -> None:
    """Unknown, missing and of another type, in the entry and in what lies in it; the control is the same, mended."""
    sent: dict[str, Any] = {
        "action": 5,
        "occurred_at": "yesterday",
        "actor": {"kind": "robot", "type": "user", "id": "u-17"},
        "target": {"type": "role"},
        "origin": {"interface": "api", "port": 22},
        "concerns": [
            {"type": "user", "id": "u-42", "part": "member"},
            {"type": "user", "id": 7, "part": None},
        ],
        "fields": "name",
        "on/behalf": None,
    }
    with pytest.raises(EntryInvalidError) as refused:
        entry_from(sent)
    assert {fault.pointer for fault in refused.value.faults} == {
        *("/action", "/occurred_at", "/actor/kind", "/target/id", "/origin/port"),
        *("/concerns/1/id", "/concerns/1/part", "/fields", "/on~1behalf"),
    }
    del sent["on/behalf"], sent["origin"]["port"]
    sent["action"], sent["occurred_at"], sent["fields"] = "role.assigned", "2026-11-02T08:15:00Z", ["name"]
    sent["actor"]["kind"], sent["target"]["id"] = "person", "r-3"
    sent["concerns"][1] |= {"id": "u-7", "part": "member"}
    assert entry_from(sent).fields == ("name",)


def test_an_answer_lists_no_more_than_a_hundred_faults() -> None:
    """A body of nothing but faults costs no answer of the same length."""
    with pytest.raises(EntryInvalidError) as refused:
        entry_from({"occurred_at": "2026-11-02T08:15:00Z", "fields": [0] * 5000})
    assert len(refused.value.faults) == 100


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.text(max_size=3)
    | st.sampled_from(["person", "web", "u-1"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "id", "kind", "x"]), inner)
    ),
    max_leaves=6,
)


@given(new_entries(load()), st.data())
def test_whatever_cannot_be_read_is_at_fault_somewhere(entry: NewEntry, data: st.DataObject) -> None:
    """Exactly what msgspec refuses has faults: none that it reads has one, and no refusal is left without a word."""
    sent = msgspec.to_builtins(entry)
    for name in data.draw(st.lists(st.sampled_from([*sent, "unknown"]), max_size=3)):
        sent[name] = data.draw(JSON)
    try:
        msgspec.convert(sent, NewEntry)
        assert shape_faults(sent, NewEntry) == ()
    except msgspec.ValidationError:
        assert shape_faults(sent, NewEntry) != ()
