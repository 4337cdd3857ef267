"""Declarations and settings: what is wrong is refused when it is said, naming the member."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import models, transaction
from django.test.utils import isolate_apps
from tests.capture.django.company.models import (
    USER_ACTIONS,
    Absence,
    Colleague,
    Employee,
    Party,
    Person,
    Role,
    Setting,
    Stamped,
)
from tests.capture.django.outbox import captured, waiting

from trailbook.capture import Ref
from trailbook.capture.django import record_change, register, registered_item
from trailbook.capture.django.host import the_host
from trailbook.capture.django.settings import checked
from trailbook.errors import ActionUnknownError, ConfigurationError

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
SRC = Path(__file__).parents[3] / "src"

SETTINGS = {
    "org": [5, "", "no.such.module", "no such/org", "Acme", "-acme", "a" * 64],
    "name": [5],
    "job": [5],
    "folders": ["/a", [5]],
    "bounds": [{"outbox": "many"}, {"inbox": 5}, {"outbox": -1}, {"spool": -1}, {"every": -0.5}],
    "on_failure": [{"users": "ignore"}],
    "actor": ["no.such.module", 5],
    "trusted_proxies": ["10.0.0.0/8", ["10.0.0.0/99"]],
    "interface": ["telepathy"],
    "truncate": [True],
    "log": [5, "", "postgres://x", "postgresql://db/log", "sqlite://x"],
    "base_url": [
        *("", "127.0.0.1:8000", "hr.example", "ftp://hr.example", "https://", "https://hr.example:x", 5),
        *("https://hr.example/hr", "https://hr.example?a", "https://hr.example/#a", "https://a:b@hr.example"),
    ],
    "colour": ["red"],
}


@pytest.mark.parametrize(
    ("member", "value"), [(name, each) for name, some in SETTINGS.items() for each in some]
)
def test_a_wrong_setting_is_named(engine: str, member: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^TRAILBOOK: {member}"):
        checked({"org": "acme", member: value})


@pytest.mark.parametrize(
    "base_url", [None, "https://hr.example", "https://hr.example/", "http://127.0.0.1:8000"]
)
def test_an_address_is_a_scheme_and_a_host(engine: str, base_url: str | None) -> None:
    """The control; and a log may be a file, its settings, or its URL."""
    for log in ("trailbook.db", "/srv/trailbook.toml", "sqlite:////srv/log.db", None):
        settings = checked({"org": "acme-2", "base_url": base_url, "log": log})
        assert (settings.org, settings.base_url, settings.log) == ("acme-2", base_url, log)


def test_settings(engine: str) -> None:
    """All but the organisation have a default; what is callable may be named by its path."""
    with pytest.raises(ConfigurationError, match="org"):
        checked({})
    with pytest.raises(ConfigurationError, match="dict"):
        checked("acme")
    given = {"org": "builtins.str", "actor": "builtins.id", "bounds": {"outbox": 5}, "log": Path("/log")}
    settings = checked({**given, "folders": ["/a"], "on_failure": {"users": "refuse"}})
    assert (settings.org, settings.actor, settings.log) == (str, id, "/log")
    assert (settings.bounds.outbox, settings.bounds.spool) == (5, 1_000_000)
    assert settings.folders == [Path("/a")]


def _declared(**more: Any) -> dict[str, Any]:
    return {"type": "user", "actions": USER_ACTIONS, **more}


with isolate_apps("tests.capture.django.company"):  # no other test is to see them

    class Percent(models.Model):
        """A column that has a percent sign in its name."""

        share = models.IntegerField(db_column="share %")

        class Meta:
            app_label = "company"

    class Apart(Party):
        """A key beside the link to the parent."""

        party = models.OneToOneField(Party, models.CASCADE, parent_link=True)
        number = models.IntegerField(primary_key=True)

        class Meta:
            app_label = "company"

    class Both(Party, Setting):
        """Two parents with tables."""

        party = models.OneToOneField(Party, models.CASCADE, parent_link=True, primary_key=True)
        setting = models.OneToOneField(Setting, models.CASCADE, parent_link=True)

        class Meta:
            app_label = "company"

    class Grandchild(Both):
        """Whose parent has two parents with tables."""

        class Meta:
            app_label = "company"

    class Coded(Party):
        """A parent that others link to by what is not its key."""

        code = models.CharField(max_length=9, unique=True)

        class Meta:
            app_label = "company"

    class ByCode(Coded):
        """Linked to its parent by a code."""

        coded = models.OneToOneField(
            Coded, models.CASCADE, to_field="code", parent_link=True, primary_key=True
        )

        class Meta:
            app_label = "company"


@pytest.mark.parametrize(
    ("model", "more", "fault"),
    [
        ("Person", {}, "is not a model"),
        (Stamped, {}, "has no table"),
        (Person, {"name": "nothing"}, "no column 'nothing'"),
        (Person, {"fields": ["salary"]}, "no column 'salary'"),
        (Person, {"fields": {"seen": "salary"}}, "'salary' is not a field"),
        (Person, {"type": "nothing"}, "not declared in the catalogue"),
        (Person, {"owner": Ref("user", "mentor")}, "no action asks for one"),
        (Employee, {"by": "triggers"}, "a trigger sees one table"),
        (Employee, {"id": lambda row: row.pk}, "has to be a field"),
        (Percent, {}, "percent sign"),
        (Both, {}, "several models with tables"),
        (Grandchild, {}, "Both inherits from several models with tables"),
        (Apart, {}, "not the link to its parent"),
        (ByCode, {}, "ByCode is not linked to the primary key of Coded"),
    ],
)
def test_a_wrong_declaration_is_refused(empty: None, model: Any, more: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        register(model, **_declared(**more))
    assert the_host().registered == {}


def test_an_unknown_action_is_refused(empty: None) -> None:
    with pytest.raises(ActionUnknownError, match=r"user\.created"):
        register(Person, type="user", actions={**USER_ACTIONS, "created": "user.creatd"})


def test_a_table_is_registered_once(empty: None) -> None:
    """Also by a proxy, and an inherited row by the parent or by the child."""
    register(Colleague, **_declared())
    register(Employee, **_declared())
    for model in (Person, Colleague, Party):
        with pytest.raises(ConfigurationError, match="which is registered"):
            register(model, **_declared())
    assert list(the_host().registered) == [Person, Employee]


def test_which_item_an_object_is(host: None) -> None:
    """As its registration says; a model that is not registered is none."""
    bob = Colleague(pk=5, name="Bob")
    assert registered_item(bob).name == "Bob"
    with pytest.raises(ConfigurationError, match="Setting"):
        registered_item(Setting())


def test_a_foreign_key_is_read_as_it_is_stored(host: None) -> None:
    """By the field's name too, of an object as of a row: its text is whatever the host makes of it."""
    the_host().registered.clear()
    the_host().tables.clear()
    the_host().recorder.tracked.clear()
    actions = {"created": "absence.registered", "updated": "absence.updated", "deleted": "absence.deleted"}
    register(Absence, type="absence", owner=Ref("user", "person", name="person"), actions=actions)
    bob = Person.objects.create(name="Bob")
    with transaction.atomic():
        record_change(Absence.objects.create(person=bob), "absence.approved")
    with transaction.atomic():
        record_change(Absence.objects.get(), "absence.approved")
    approved = [entry for entry in waiting() if entry["action"] == "absence.approved"]
    for entry in approved:
        owner = {"part": "owner", "type": "user", "id": str(bob.pk), "name": str(bob.pk)}
        assert entry["concerns"] == [owner]
    assert len(approved) == 2


def test_attributes_are_names_of_fields_or_of_ids(empty: None) -> None:
    """What is ignored by one of a foreign key's names is ignored by both."""
    actions = {"created": "absence.registered", "updated": "absence.updated", "deleted": "absence.deleted"}
    tracked = register(
        Absence, type="absence", owner=Ref("user", "person"), actions=actions, ignore=["person"]
    )
    assert tracked.ignore == {"person", "person_id"}
    assert tracked.columns["start"] == "Begins on"
    roles = {"created": "role.assigned", "updated": None, "deleted": "role.unassigned"}
    member = {"member": Ref("user", "person_id")}
    assert register(Role.members.through, type="role", id="role_id", actions=roles, concerns=member).key == (
        "id",
    )


def test_without_sqlalchemy(host: None, tmp_path: Path) -> None:
    """A host that has Django only: SQLAlchemy cannot be imported, and a save is captured and drained all the same."""
    script = tmp_path / "host.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={"PYTHONPATH": f"{SRC}:{SRC.parent}", "DJANGO_SETTINGS_MODULE": "tests.capture.django.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout == "Drained(recorded=2, quarantined=0, names_mended=0, waiting=0)\n"
        or "recorded=2" in done.stdout
    )
    assert captured() == []


SCRIPT = """
import sys
sys.modules["sqlalchemy"] = None
import django
django.setup()
from django.core.management import call_command
from django.db import connections
from tests.capture.django.company.models import Person, declare
from trailbook import open_deployment
from trailbook.capture import drain
from trailbook.capture.django import DjangoDatabase

connections["default"].settings_dict["NAME"] = sys.argv[1] + "/host.db"
declare()
call_command("migrate", run_syncdb=True, verbosity=0)
Person.objects.create(name="Bob")
deployment = open_deployment("memory:", create=True)
print(drain(DjangoDatabase(), deployment.create("acme")))
deployment.close()
"""
