"""Presets: columns by one name, as golden files have them in both languages."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from tables import written

from trailbook import Actor, Item, Log, Origin
from trailbook.errors import InvalidError
from trailbook.export import COLUMN_PRESETS, COLUMNS, HR, Layout, columns_of
from trailbook.testing.small import ANNA
from trailbook.testing.steady import FrozenClock, new_log

GOLDEN = Path(__file__).parents[1] / "golden"
BOB = Item(type="user", id="u-42", name='Bob "=1+1" Li')
LINKS = '[types]\nuser = { link = "/hr/people/{id}" }\nrole = { link = "https://roles.example/{id}" }\n'


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log with time and randomness held still, whose host shows people and roles."""
    (tmp_path / "links.toml").write_text(LINKS)
    clock = FrozenClock()
    log = new_log(org="nordlys", clock=clock, seed=7, folders=[tmp_path])
    role, web = Item(type="role", id="r 1", name="Manager"), Origin(interface="web")
    log.record("role.assigned", actor=ANNA, target=role, concerns={"member": BOB}, origin=web)
    clock.move(timedelta(hours=18))
    log.record("role.deleted", actor=ANNA, target=role, outcome="denied", origin=web)
    system = Actor(kind="system", type="system", id="sync")
    log.record("user.created", actor=system, target=BOB, origin=Origin(interface="job"))
    return log


@pytest.mark.parametrize(("name", "lang"), [(HR, "en"), (HR, "nb"), ("everything", "en")])
def test_a_preset_is_its_golden_file(log: Log, name: str, lang: str) -> None:
    """Byte for byte, whatever the language; another zone is another file."""
    golden = (GOLDEN / f"export-{name}-{lang}.csv").read_bytes()
    layout = Layout(
        columns=COLUMN_PRESETS[name],
        tz="Europe/Oslo",
        lang=lang,
        words=name == HR,
        base="https://log.example/trail",
        catalogue=log.catalogue,
    )
    assert written(log, "csv", layout=layout, lang=lang) == golden
    changed = structs.replace(layout, tz="Asia/Tokyo")
    assert written(log, "csv", layout=changed, lang=lang) != golden


def test_columns_are_chosen_one_way(hostile: Log) -> None:
    """A preset or names; both, or a preset nobody knows, is refused by its member."""
    assert columns_of(None, None) is None
    assert columns_of(None, ["seq"]) == ("seq",)
    assert columns_of("everything", None) == COLUMNS
    assert len(columns_of(HR, None) or ()) == 6
    for preset, columns in (("hr", ["seq"]), ("auditor", None)):
        with pytest.raises(InvalidError) as refused:
            columns_of(preset, columns)
        assert refused.value.faults[0].pointer == "/preset"
