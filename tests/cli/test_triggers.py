"""`capture install`, `check` and `remove`: the triggers of a host's declarations in its database."""

from sqlalchemy import create_engine
from tests.cli.conftest import Folder

HOST = """
from sqlalchemy import Column, Integer, MetaData, String, Table
from trailbook.capture import Capture

meta = MetaData()
people = Table("people", meta, Column("id", Integer, primary_key=True), Column("name", String))
actions = {"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"}
capture = Capture("acme")
capture.track(people, type="user", name="name", actions=actions, by="triggers")
"""


def test_triggers_from_declarations(begun: Folder) -> None:
    """Triggers are installed, checked and removed from a host's declarations; what any client writes is drained."""
    (begun.path / "hr.py").write_text(HOST)
    engine = create_engine(f"sqlite:///{begun.path / 'host.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    options = ("--app", "hr:capture", "--from", "sqlite:///host.db")
    assert begun.run("capture", "check", *options).code == 4
    assert begun.good("capture", "install", *options, "--json").json == [
        f"trailbook_people_{op}"
        for op in ("created", "updated", "deleted", "before_created", "before_updated")
    ]
    assert begun.good("capture", "check", *options).out == ""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO people (name) VALUES ('Eve')")
        connection.exec_driver_sql("DROP TRIGGER trailbook_people_updated")
    assert begun.good("drain", "--from", "sqlite:///host.db", "--json").json["recorded"] == 1
    missing = begun.run("capture", "check", *options, "--json")
    assert (missing.code, [each["code"] for each in missing.json]) == (1, ["trigger-missing"])
    begun.good("capture", "remove", *options)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO people (name) VALUES ('Unseen')")
    assert begun.good("drain", "--from", "sqlite:///host.db", "--json").json["recorded"] == 0
    engine.dispose()
    assert begun.run("capture", "check", "--app", "hr:meta", "--from", "sqlite:///host.db").code == 2
    assert begun.run("capture", "check", "--app", "absent:x", "--from", "sqlite:///host.db").code == 2
