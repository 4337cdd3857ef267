"""Near names: whom somebody may have meant by a name that nobody has, and who is never offered."""

import pytest

from trailbook import Actor, Item, Log, Origin, Viewer, operator
from trailbook.finding.near import costs_of
from trailbook.testing import new_log

ME = operator("acme")
WEB = Origin(interface="web")
NAMES = (
    "Ana Berg",
    "Anna Borg",
    "Åse Ødegård",
    "Bob Li",
    "Kari Anne Nordmann",
    "Jørgen Hansen",
    "Ida Hansen",
)
HR = Actor(kind="system", type="system", id="hr", name="HR")


def create(log: Log, number: int, name: str, action: str = "user.created") -> None:
    log.record(action, actor=HR, target=Item(type="user", id=f"u-{number}", name=name), origin=WEB)


@pytest.fixture
def log() -> Log:
    """A few people whom the system made."""
    log = new_log()
    for number, name in enumerate(NAMES):
        create(log, number, name)
    return log


def near(log: Log, q: str, viewer: Viewer = ME, **more: object) -> list[str | None]:
    answer = log.meant(q, viewer=viewer, **more)  # type: ignore[arg-type]
    assert not (answer.items and answer.near)
    return [item.name for item in answer.near]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("ana brg", ["Ana Berg", "Anna Borg"]),  # a letter too few
        ("annna borg", ["Anna Borg"]),  # and too many
        ("ase odegardd", ["Åse Ødegård"]),
        ("jorgen hanesn", ["Jørgen Hansen"]),  # two changed places
        ("jorgne hanesn", ["Jørgen Hansen"]),
        ("bob ly", ["Bob Li"]),
        ("kari norman", ["Kari Anne Nordmann"]),
        ("kari johanne nordmann", ["Kari Anne Nordmann"]),  # one of three that nobody has
        ("krai nord", ["Kari Anne Nordmann"]),  # the beginning of a word
        ("idda johanne", []),
        ("xyz", []),
        ("q", []),
        ("!!!", []),
        ("x" * 80, []),
        ("a b c d e f g", []),
    ],
)
def test_whose_names_are_nearest(log: Log, typed: str, names: list[str]) -> None:
    assert near(log, typed) == names


def test_the_nearest_come_first_and_few_of_them(log: Log) -> None:
    """Nobody is near where somebody has the name."""
    for number in range(5):
        create(log, 20 + number, "Ane Berg")
    create(log, 30, "Ana Berger")
    assert near(log, "ana bergr") == ["Ana Berg", "Ana Berger", "Ane Berg"]
    assert near(log, "ana") == []
    assert len(log.meant("ana", viewer=ME).items) == 2


def test_only_whoever_had_the_part(log: Log) -> None:
    assert near(log, "ana brg", role="actor") == []
    assert near(log, "ana brg", role="concerns") == ["Ana Berg", "Anna Borg"]


def test_nobody_hidden_or_erased_is_offered(log: Log) -> None:
    """Not by the name of an entry that is not seen, not where all their entries are; the operator is offered them."""
    reader = Viewer(org="acme", item=Item(type="user", id="u-99"), activity_log="full")
    case = Item(type="case", id="c-1")
    for id_, name in (("u-70", "Ana Bergh"), ("u-1", "Ulla Varsel")):
        actor = Actor(kind="person", type="user", id=id_, name=name)
        log.record("case.opened", actor=actor, target=case, origin=WEB)
    assert near(log, "ana berh", reader) == ["Ana Berg"]
    assert near(log, "ana berh") == ["Ana Berg", "Ana Bergh"]
    assert near(log, "ula varsel", reader) == []
    assert near(log, "ula varsel") == ["Anna Borg"]
    log.erase(Item(type="user", id="u-0"), actor=HR, origin=WEB)
    assert near(log, "ana berh", reader) == []


def test_how_far_words_lie_apart() -> None:
    """One letter in short words, two in long ones; exactly what changing letter by letter says."""
    (costs,) = costs_of(
        ["hansen"], ["hansen", "hanssen", "hasnen", "hensne", "jansson", "hansensen", "李娜", "h" * 40]
    )
    assert costs == {"hansen": 0, "hanssen": 1, "hasnen": 1, "hensne": 2, "hansensen": 1}
    first, second, none = costs_of(
        ["ana", "李", "x" * 30], ["anna", "nna", "ann", "bana", "nan", "李", "李娜", "o"]
    )
    assert (first, second, none) == (
        {"anna": 1, "nna": 1, "ann": 1, "bana": 1},
        {"李": 0, "李娜": 1},
        {},
    )
    assert costs_of(["ana"], []) == [{}]
