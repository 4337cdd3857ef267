"""What entries that a viewer sees say of those that they do not: no cause, no name, no end of an item, no count."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Actor, Item, Log, Origin, Viewer, operator
from trailbook.errors import FiguresOfAPersonError
from trailbook.finding.answers import Shown
from trailbook.query import Query
from trailbook.testing.steady import FrozenClock, new_log

WEB = Origin(interface="web")
PER = Actor(kind="person", type="user", id="u-2", name="Per Moe")
READER = Viewer(org="acme", item=Item(type="user", id="u-9"), activity_log="full")
NAMED = structs.replace(READER, restricted=("whistleblowing",))
SALARY_KEPT = structs.replace(READER, withheld=("salary",))
BEFORE, NOW = "Ida Lie", "Ida Hemmelig"


class Small:
    """Ida Lie was given a role, and by another name a case is about her; the case led to two entries."""

    def __init__(self) -> None:
        clock = FrozenClock()
        self.log: Log = new_log(clock=clock)
        self.role = self.record(
            "role.assigned", Item(type="role", id="r-1", name="Lead"), {"member": ida(BEFORE)}
        )
        case = Item(type="case", id="c-1")
        actor = Actor(kind="person", **structs.asdict(ida(NOW)))
        self.case = self.log.record(
            "case.opened", actor=actor, target=case, origin=WEB, occurred_at=clock() + timedelta(seconds=1)
        ).id
        role = Item(type="role", id="r-2", name="Member")
        self.led = self.record("role.assigned", role, {"member": ida(BEFORE)}, caused_by=self.case)
        self.free = self.record("role.unassigned", role, {"member": ida(BEFORE)}, caused_by=self.role)
        self.alone = self.record("role.updated", role, caused_by=UUID(int=7))

    def record(
        self,
        action: str,
        target: Item,
        concerns: Any = (),
        *,
        actor: Actor = PER,
        caused_by: UUID | None = None,
    ) -> UUID:
        return self.log.record(
            action, actor=actor, target=target, concerns=concerns, origin=WEB, caused_by=caused_by
        ).id


def ida(name: str) -> Item:
    return Item(type="user", id="u-1", name=name)


@pytest.fixture
def small() -> Small:
    return Small()


def shown_by_all(log: Log, id_: UUID, viewer: Viewer) -> list[Shown]:
    """An entry as each reading shows it that shows entries."""
    lists = [
        log.search(Query(), viewer=viewer, limit=200).entries,
        tuple(log.rows(Query(), viewer=viewer)),
        log.newer(Query(), viewer=viewer, after=-1),
        (log.show(id_, viewer=viewer),),
    ]
    return [entry for entries in lists for entry in entries if entry.id == str(id_)]


def test_a_cause_that_is_not_seen_is_not_told(small: Small) -> None:
    """Whoever sees the cause has its id; what is seen, and what never was an entry, is told to everybody."""
    log, case = small.log, str(small.case)
    assert [e.caused_by for e in shown_by_all(log, small.led, READER)] == [None] * 4
    assert [e.caused_by for e in shown_by_all(log, small.led, NAMED)] == [case] * 4
    assert [e.caused_by for e in shown_by_all(log, small.led, READER)] == [
        None
    ] * 4  # asked after somebody else
    assert {e.caused_by for e in shown_by_all(log, small.free, READER)} == {str(small.role)}
    assert {e.caused_by for e in shown_by_all(log, small.alone, READER)} == {str(UUID(int=7))}


def test_what_belongs_together_leaves_out_what_is_not_seen(small: Small) -> None:
    """The entry that led to another is among what belongs to it for whoever sees it, and for nobody else."""
    assert [e.id for e in small.log.related(small.led, viewer=READER).entries] == []
    assert [e.id for e in small.log.related(small.led, viewer=NAMED).entries] == [str(small.case)]
    assert [e.id for e in small.log.related(small.free, viewer=READER).entries] == [str(small.role)]


def test_a_file_tells_no_more(small: Small) -> None:
    """An export says of cause, name and end of an item what the page says."""
    for viewer, cause, now in ((READER, None, None), (NAMED, str(small.case), NOW)):
        batches = small.log.export(Query(), viewer=viewer).batches
        lines = {line.body.id: line for batch in batches for line in batch}
        assert lines[str(small.led)].body.caused_by == cause
        assert lines[str(small.free)].body.caused_by == str(small.role)
        assert lines[str(small.led)].concerns[0][1].shown.name_now == now
        facts = {str(f.entry.id): f.entry for f in small.log.views(Query(), viewer=viewer)}
        assert facts[str(small.led)].caused_by == (cause and UUID(cause))


def test_a_name_that_stands_only_in_what_is_not_seen_is_not_told(small: Small) -> None:
    """Ida is called otherwise in the case: nobody else hears it, by entry, item, offer, facet or word."""
    log = small.log
    for viewer, now in ((READER, None), (NAMED, NOW), (READER, None)):
        assert {e.concerns[0].name_now for e in shown_by_all(log, small.role, viewer)} == {now}
        item = log.item("user", "u-1", viewer=viewer)
        assert item is not None
        assert (item.name, item.before) == ((BEFORE, ()) if now is None else (NOW, (BEFORE,)))
        (offer,) = log.items("Ida", viewer=viewer)
        assert (offer.name, offer.name_now) == (BEFORE, now or BEFORE)
        assert [o.id for o in log.items("Hemmelig", viewer=viewer)] == ([] if now is None else ["u-1"])
        assert [o.id for o in log.items("u-1", viewer=viewer)] == ["u-1"]
        labels = [v.label for v in log.facets(Query(), "concerns", viewer=viewer).values]
        assert ((now or BEFORE) in labels, NOW in labels) == (True, now is not None)


def test_what_ended_an_item_unseen_is_not_told(small: Small) -> None:
    """Ida was deleted by an entry of a category that is withheld: for whoever sees it she is gone."""
    small.record("user.deleted", ida(BEFORE))
    kept = structs.replace(READER, withheld=("users",))
    for viewer, exists in ((kept, True), (READER, False), (kept, True)):
        assert {e.concerns[0].exists for e in shown_by_all(small.log, small.role, viewer)} == {exists}
        item = small.log.item("user", "u-1", viewer=viewer)
        assert item is not None
        assert item.exists == exists
        lines = [line for batch in small.log.export(Query(), viewer=viewer).batches for line in batch]
        assert {face.shown.exists for line in lines for _, face in line.concerns} == {exists}


def test_an_item_had_a_part_only_in_what_is_seen(small: Small) -> None:
    """Ida did nothing but open the case: whoever does not see that is not offered her as somebody who did anything."""
    for viewer, offered in ((NAMED, ["u-1"]), (READER, [])):
        assert [item.id for item in small.log.items("Ida", viewer=viewer, role="actor")] == offered
        assert [item.id for item in small.log.items("Ida", viewer=viewer, role="concerns")] == ["u-1"]
    small.record(
        "role.updated",
        Item(type="role", id="r-2", name="Member"),
        actor=Actor(kind="person", **structs.asdict(ida(BEFORE))),
    )
    assert [item.id for item in small.log.items("Ida", viewer=READER, role="actor")] == ["u-1"]


def test_an_item_is_of_the_kind_as_which_it_is_seen_to_act(small: Small) -> None:
    """An integration that acted only where somebody does not see it has done nothing, as far as they know."""
    visma = Item(type="integration", id="visma", name="Visma")
    small.record("integration.connected", visma)
    hidden = Actor(kind="integration", **structs.asdict(visma))
    small.record("salary.updated", Item(type="salary", id="s-1"), {"owner": ida(BEFORE)}, actor=hidden)
    for viewer, kind in ((READER, "integration"), (SALARY_KEPT, None)):
        assert [item.kind for item in small.log.items("visma", viewer=viewer)] == [kind]


def test_a_sentence_counts_what_is_seen(small: Small) -> None:
    """A synchronisation led to a role and a salary: whoever does not see salaries reads of one."""
    visma = Item(type="integration", id="visma", name="Visma")
    actor = Actor(kind="integration", **structs.asdict(visma))
    cause = small.record("integration.sync_completed", visma, actor=actor)
    small.record("salary.updated", Item(type="salary", id="s-1"), {"owner": ida(BEFORE)}, caused_by=cause)
    small.record("role.updated", Item(type="role", id="r-3", name="Lead"), caused_by=cause)
    for viewer, says in ((SALARY_KEPT, "1 person"), (READER, "2 people"), (SALARY_KEPT, "1 person")):
        for entry in shown_by_all(small.log, cause, viewer):
            assert entry.sentence.endswith(f"{says} updated")
            small.log._reader.sentences._by_entry.clear()
            pieces = small.log.pieces(entry, viewer=viewer)
            assert "".join(piece.text for piece in pieces) == entry.sentence
        batches = small.log.export(Query(), viewer=viewer).batches
        lines = {line.body.id: line.sentence for batch in batches for line in batch}
        assert lines[str(cause)].endswith(f"{says} updated")


def test_no_number_names_what_is_hidden(small: Small) -> None:
    """Neither an item that only a hidden entry cites nor an origin; the control sees the case too."""
    numbers = range(1, 40)
    seen, named = (set(small.log.numbered(numbers, viewer=who).values()) for who in (READER, NAMED))
    assert named - seen == {"case/c-1"}
    assert {"role/r-1", "role/r-2", "user/u-1"} <= seen
    everything = small.log.numbered(numbers, viewer=operator("acme")).values()
    assert not [item for item in everything if item.startswith("origin/")]


@pytest.mark.parametrize("hours", ["", "night"])
def test_that_a_word_is_refused_names_nobody_hidden(small: Small, hours: str) -> None:
    """Somebody who stands in hidden entries alone answers as nobody does; who sees them is refused."""
    siv = Actor(kind="person", type="user", id="u-5", name="Siv Qualtinger")
    small.record("case.opened", Item(type="case", id="c-2"), actor=siv)

    def answer(word: str, viewer: Viewer) -> int | None:
        query = Query(text=(word,), hours=hours or None)
        try:
            if hours:
                return small.log.count(query, viewer=viewer)[0]
            return len(small.log.facets(query, "action", viewer=viewer).values)
        except FiguresOfAPersonError:
            return None

    assert answer("qualtinger", READER) == answer("qualtingxx", READER) == 0
    assert answer("qualtinger", NAMED) is None
    assert answer("lie", READER) is answer("lie", NAMED) is None
