"""Bodies in the file: the very bytes come back, damaged ones are damage, and the dictionary is the one that shipped."""

from hashlib import sha256
from importlib import resources
from pathlib import Path
from uuid import UUID

import apsw
import pytest
from hypothesis import given, strategies as st

from trailbook.stores import NewRow, open_store
from trailbook.stores.sqlite.bodies import PLAIN, packed, unpacked
from trailbook.testing.engines import ORG, batch

BODY = b'{"action":"role.assigned","actor":{"item":"tkFZI8Aq-CuTNQfyu0ztm1IJWe8eUxfP","kind":"person"},"v":1}'


@given(
    st.binary(max_size=2000) | st.text(max_size=65_535).map(str.encode), st.sampled_from((0, PLAIN, 10**9))
)
def test_the_very_bytes_come_back(body: bytes, seq: int) -> None:
    assert unpacked(packed(body, seq)) == body


def test_the_first_lie_as_they_are_and_the_others_small() -> None:
    assert packed(BODY, PLAIN - 1) == BODY
    assert len(packed(BODY, PLAIN)) < len(BODY)


@given(st.data())
def test_a_flipped_bit_is_damage_to_be_told_not_an_error(data: st.DataObject) -> None:
    """What cannot be unpacked is given out as it lies, so that its hash is wrong; nothing is raised."""
    kept = bytearray(packed(BODY, PLAIN))
    kept[data.draw(st.integers(0, len(kept) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert isinstance(unpacked(bytes(kept)), bytes)


def test_a_bomb_is_not_unpacked() -> None:
    """A damaged or forged row cannot ask for more memory than any body has."""
    bomb = packed(b"a" * (64 << 20), PLAIN)
    assert unpacked(bomb) == bomb
    assert unpacked(packed(b"a" * 65_535, PLAIN)) == b"a" * 65_535


def test_the_dictionary_is_never_another() -> None:
    """Stored bodies need the very bytes they were packed with; a better dictionary is the next number."""
    file = resources.files("trailbook.stores.sqlite") / "bodies-1.zdict"
    assert (
        sha256(file.read_bytes()).hexdigest()
        == "5c40ce21683aa7f5dfe5abebcbd808f1aedfb898cb4dbbfe546052a48f86e72b"
    )


@pytest.mark.parametrize("seq", [0, PLAIN + 5])
def test_rows_written_before_are_read(tmp_path: Path, seq: int) -> None:
    """A body that lies there verbatim is one, wherever it stands."""
    store = open_store(f"sqlite:///{tmp_path}/log.db", create=True)[0]
    store.create(ORG)
    head = store.head(ORG)
    store.append(ORG, head, batch(head, [NewRow(UUID(int=at), BODY) for at in range(PLAIN + 10)]))
    db = apsw.Connection(str(tmp_path / "log.db"))
    db.execute("UPDATE entry SET body = ? WHERE place & 0xFFFFFFFFFF = ?", (BODY, seq))
    db.close()
    assert {row.body for row in store.kept(ORG, 0, PLAIN + 10)} == {BODY}
    store.close()


@pytest.mark.parametrize("value", ["7", "1.5", "'text'"])
def test_a_body_that_is_no_bytes_any_more_is_no_entry(tmp_path: Path, value: str) -> None:
    """Where damage turns bytes into a number or a text, what is read is told apart from every entry."""
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db", create=True)
    store.create(ORG)
    head = store.head(ORG)
    store.append(ORG, head, batch(head, [NewRow(UUID(int=at), BODY) for at in range(2)]))
    file = str(tmp_path / "log.db")
    loose = apsw.Connection(file)
    loose.execute(
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'entry'"
    )
    loose.close()
    db = apsw.Connection(file)
    db.execute(f"UPDATE entry SET body = {value} WHERE place & 0xFFFFFFFFFF = 1")
    db.close()
    assert [row.body for row in store.kept(ORG, 0, 2)] == [BODY, value.strip("'").encode()]
    assert [row.body for row in store.kept_at(ORG, [1])] == [value.strip("'").encode()]
    store.close()
