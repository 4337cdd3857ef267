"""The rows of an export: they say of each entry what the reader says of it, and no name that was erased meanwhile."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from trailbook import Actor, Item, Log, NewEntry, Origin, Query, operator
from trailbook.catalogue import load
from trailbook.errors import DamagedError
from trailbook.finding.answers import Shown, ShownItem
from trailbook.finding.rows import ExportLine, ExportLines, Face, RowSource, bodies, line_batches
from trailbook.retention.removal import Retention
from trailbook.testing import FrozenClock, new_log
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.testing.strategies import new_entries

ME = operator("acme")
CATALOGUE = load()
BUSY = (
    "role.assigned",
    "role.deleted",
    "salary.updated",
    "user.profile_updated",
    "role.access_level_changed",
    "role_request.approved",
    "signature_request.signed",
    "competence.added",
)
HISTORIES = st.lists(new_entries(CATALOGUE, BUSY), min_size=1, max_size=20, unique_by=lambda e: e.id)


def lines(log: Log, lang: str = "en") -> list[ExportLine]:
    rows = log.export(Query(), viewer=ME, order="seq", lang=lang)
    return [line for batch in rows.batches for line in batch]


def plain(item: ShownItem) -> ShownItem:
    """An item of an entry without its part or its kind, as a file shows it."""
    return ShownItem(**{name: getattr(item, name) for name in ShownItem.__struct_fields__})


def agree(line: ExportLine, shown: Shown) -> bool:
    """Whether a line says what was shown of its entry."""
    items: list[tuple[Face | None, ShownItem | None]] = [
        (line.actor, shown.actor),
        (line.target, shown.target),
        (line.source, shown.source),
        (line.behalf, shown.on_behalf_of),
        *((face, concern) for (_, face), concern in zip(line.concerns, shown.concerns, strict=True)),
    ]
    return (
        [None if face is None else face.shown for face, _ in items]
        == [None if item is None else plain(item) for _, item in items]
        and [part for part, _ in line.concerns] == [concern.part for concern in shown.concerns]
        and (line.seq, line.body.id, line.own) == (shown.seq, shown.id, shown.self_)
        and (line.origin.shown, line.target.link) == (shown.origin, shown.link)
        and (line.state, line.sentence) == (shown.state, shown.sentence)
    )


@settings(max_examples=25, deadline=None)
@given(HISTORIES, st.sampled_from(["en", "nb"]), st.data())
def test_a_line_says_what_the_reader_says(history: list[NewEntry], lang: str, data: st.DataObject) -> None:
    """Names then and now, sentences, links, origins and whether items exist, before and after somebody is erased."""
    log = new_log()
    log.record_many(history)
    people = [entry.actor for entry in history if entry.actor.type == "user"]
    for erased in (False, True):
        if erased and people:
            log.erase(data.draw(st.sampled_from(people)), actor=ANNA, origin=WEB)
        shown = list(log.rows(Query(), viewer=ME, order="seq", lang=lang))
        assert all(agree(*pair) for pair in zip(lines(log, lang), shown, strict=True))
    other = structs.replace(shown[0], sentence=shown[0].sentence + ".")
    assert not agree(lines(log, lang)[0], other)  # the control


@pytest.mark.parametrize("read", [True, False])
def test_whoever_is_erased_between_two_batches_is_so_in_the_second(tmp_path: Path, *, read: bool) -> None:
    """What an export remembers of a person ends with the erasure, whether the log has been read before or not."""
    clock = FrozenClock()
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 1)
    log.record_many([assigned(clock, 100)])
    if read:
        log.search(Query(), viewer=ME)
    batches = line_batches(
        ExportLines(RowSource(reader=log._reader, sees=lambda category: True, lang="en")),
        ([seq] for seq in (0, 1)),
    )
    (before,) = next(batches)
    log.erase(person(100), actor=ANNA, origin=WEB)
    (after,) = next(batches)
    assert "Zebedee" in before.sentence
    assert "Zebedee" not in after.sentence
    assert after.concerns[0][1].shown.erased
    assert (after.actor.name, after.origin.shown.ip) == ("Anna Berg", "192.0.2.7")  # the control


@pytest.mark.parametrize("seqs", [[], [7], [3, 1, 2], [0, 9], range(10), [9, 8, 7]])
def test_bodies_come_in_the_order_asked(tmp_path: Path, seqs: Iterable[int]) -> None:
    """However far apart they lie; what retention removed is left out."""
    clock = FrozenClock()
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 5)
    clock.move(timedelta(days=1200))
    grow(log, clock, 5)
    wanted = list(seqs)
    assert [seq for seq, _ in bodies(log._store, ORG, wanted)] == wanted
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    assert [seq for seq, _ in bodies(log._store, ORG, wanted)] == [seq for seq in wanted if seq >= 5]


def test_a_line_of_a_damaged_body_is_not_made(tmp_path: Path) -> None:
    """Which entry it is is said; the entries beside it are made."""
    clock = FrozenClock()
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 3)
    with apsw.Connection(str(tmp_path / "log.db")) as db:
        db.execute("UPDATE entry SET body = x'7b7d' WHERE place & 0xFFFFFFFFFF = 1")
        assert db.changes() == 1
    making = ExportLines(RowSource(reader=log._reader, sees=lambda category: True, lang="en"))
    with pytest.raises(DamagedError, match="the stored body of entry 1 "):
        making.batch([0, 1, 2])
    assert [line.seq for line in making.batch([0, 2])] == [0, 2]


def test_without_sentences_there_are_none() -> None:
    """A bundle has no use for them; everything else is the same."""
    log = new_log()
    role = Item(type="role", id="r-1", name="100 % of %s {0}")
    actor = Actor(kind="person", type="user", id="u-1", name="Anna \ue0001\ue001")
    log.record("role.created", actor=actor, target=role, origin=Origin(interface="web"))
    (silent,) = next(iter(log.export(Query(), viewer=ME, sentences=False).batches))
    (line,) = lines(log)
    assert (silent.sentence, silent.target.name) == ("", line.target.name)
    # Names are filled in, never read as a form.
    assert line.sentence == log.search(Query(), viewer=ME).entries[0].sentence
    assert "100 % of %s {0}" in line.sentence
