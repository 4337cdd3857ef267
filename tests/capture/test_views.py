"""Views of SQLite, whose rows are written by triggers: another name of the tables that those write to."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, text, update
from tests.capture.small import ANNA, USER_ACTIONS, forget, waiting

from trailbook.capture import Capture, acting_as, recorded_as
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
META = MetaData()
PERSON = Table("person", META, Column("id", Integer, primary_key=True), Column("name", String))
OTHER = Table("other", META, Column("id", Integer, primary_key=True), Column("name", String))
VIEWS = (
    "CREATE VIEW Shown AS SELECT id, name FROM person",
    "CREATE TRIGGER shown_update INSTEAD OF UPDATE ON Shown BEGIN"
    " UPDATE person SET name = NEW.name WHERE id = NEW.id; END",
    "CREATE VIEW few AS SELECT id, name FROM Shown WHERE id < 10",
    "CREATE TRIGGER few_update INSTEAD OF UPDATE ON few BEGIN"
    " UPDATE shown SET name = NEW.name WHERE id = NEW.id; END",
    "CREATE VIEW alike AS SELECT id, name FROM other",
    "CREATE TRIGGER alike_update INSTEAD OF UPDATE ON alike BEGIN"
    " UPDATE other SET name = NEW.name WHERE id = NEW.id; END",
    "INSERT INTO person VALUES (1, 'p')",
    "INSERT INTO other VALUES (1, 'o')",
)


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """A tracked table, another one, and views over both."""
    META.create_all(engine)
    with engine.begin() as connection:
        for statement in VIEWS:
            connection.exec_driver_sql(statement)
    host = Capture("acme")
    host.track(PERSON, type="user", name="name", actions=USER_ACTIONS)
    host.install(engine)
    forget(engine)
    yield host
    host.stop()


def name_in(engine: Engine, table: str) -> str:
    """The name that stands in a table's row."""
    with engine.connect() as connection:
        return str(connection.exec_driver_sql(f"SELECT name FROM {table}").scalar_one())


@pytest.mark.parametrize("view", ["shown", "main.SHOWN", "few"])
def test_a_view_that_writes_is_refused(capture: Capture, engine: Engine, view: str) -> None:
    """As text and as a table of Core, before it runs."""
    writes = [
        text(f"UPDATE {view} SET name = 'x'"),
        update(Table(view, MetaData(), *columns())).values(name="x"),
    ]
    for write in writes[: 1 if "." in view else 2]:
        with pytest.raises(UncapturedWriteError, match="recorded_as"), engine.begin() as connection:
            connection.execute(write)
    assert (name_in(engine, "person"), waiting(engine)) == ("p", [])


def columns() -> list[Column[str]]:
    """The columns of a view, as Core declares them."""
    return [Column("name", String)]


def test_what_it_means_is_recorded(capture: Capture, engine: Engine) -> None:
    """SQLite counts no row that a view's trigger wrote, and yet the entry is there."""
    bob = Item(type="user", id="1")
    with acting_as(ANNA), recorded_as("user.profile_updated", target=bob), engine.begin() as connection:
        connection.execute(text("UPDATE few SET name = 'x'"))
    assert name_in(engine, "person") == "x"
    assert [entry["target"]["id"] for entry in waiting(engine)] == ["1"]


def test_a_view_over_another_table_is_written_freely(capture: Capture, engine: Engine) -> None:
    """Negative control: whose trigger writes to no tracked table."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alike SET name = 'x'"))
    assert (name_in(engine, "other"), waiting(engine)) == ("x", [])


def test_a_view_that_was_made_later_is_known_once_capture_is_installed_again(
    capture: Capture, engine: Engine
) -> None:
    with engine.connect() as connection:  # as another client makes it
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.executescript(
            "CREATE VIEW late AS SELECT id, name FROM person;"
            "CREATE TRIGGER late_update INSTEAD OF UPDATE ON late BEGIN UPDATE person SET name = NEW.name; END"
        )
    capture.install(engine)
    with pytest.raises(UncapturedWriteError), engine.begin() as connection:
        connection.execute(text("UPDATE late SET name = 'x'"))
