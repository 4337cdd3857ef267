"""A host's own files: what they may add and override, and what is refused, with file and key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trailbook.catalogue import Catalogue, load
from trailbook.errors import CatalogueError

Write = Callable[..., Catalogue]

FLEET = """
[category]
sensitive = false
restricted = false
[types.car]
fields = ["plate"]
link = "https://cars.example/{id}"
[actions."car.handed_over"]
target = ["car"]
concerns = { holder = "1..1" }
verb = "gave"
since = "2.0"
"""


@pytest.fixture
def host(tmp_path: Path) -> Write:
    def write(**files: str) -> Catalogue:
        (tmp_path / "say").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / f"{name.replace('__', '/')}.toml").write_text(text, "utf-8")
        return load([tmp_path])

    return write


def test_the_built_in_catalogue_is_read_once() -> None:
    assert load() is load()


def test_a_host_adds_a_category_with_types_and_actions(host: Write) -> None:
    catalogue = host(
        fleet=FLEET, say__nb='[types]\ncar = "bilen"\n[actions."car.handed_over"]\nlabel = "Bil utlevert"'
    )
    action = catalogue.action("car.handed_over")
    assert (action.category, action.retention, action.on_failure) == ("fleet", "standard", "spool")
    assert not catalogue.categories["fleet"].seed
    assert catalogue.label("type", "car", "nb") == "Bilen"
    assert catalogue.languages["nb"].types["car"].the == "bilen"
    assert "car.handed_over" not in load().actions


def test_a_host_adds_an_action_to_a_built_in_category(host: Write) -> None:
    catalogue = host(roles='[actions."role.duplicated"]\ntarget = ["role"]\nverb = "created"\nsince = "2.0"')
    assert catalogue.action("role.duplicated").on_failure == "refuse"  # as its category does


def test_a_host_adds_fields_purposes_and_links(host: Write) -> None:
    catalogue = host(
        roles='[types.role]\nfields = ["badge"]\nlink = "/roles/{id}"', purposes='purposes = ["fire_drill"]'
    )
    assert catalogue.types["role"].fields == load().types["role"].fields | {"badge"}
    assert catalogue.types["role"].link == "/roles/{id}"
    assert catalogue.purposes == (*load().purposes, "fire_drill")


def test_a_host_overrides_retention_and_on_failure(host: Write) -> None:
    catalogue = host(
        users='[category]\nretention = "brief"\non_failure = "refuse"\n'
        '[actions."user.photo_changed"]\nretention = "permanent"\non_failure = "spool"'
    )
    assert catalogue.action("user.email_changed").retention == "brief"
    assert catalogue.action("user.email_changed").on_failure == "refuse"
    assert catalogue.action("user.photo_changed").retention == "permanent"
    assert catalogue.action("user.photo_changed").on_failure == "spool"


def test_a_host_overrides_one_template_and_keeps_the_rest(host: Write) -> None:
    catalogue = host(say__en='[actions."role.assigned"]\nplain = "{actor} made {member} {target}"')
    words = catalogue.languages["en"].actions["role.assigned"]
    built_in = load().languages["en"].actions["role.assigned"]
    assert words.plain == ("{actor} made {member} {target}",)
    assert (words.label, words.self_) == (built_in.label, built_in.self_)


def test_a_host_adds_a_language(host: Write) -> None:
    assert host(say__fi='[kinds]\nperson = "Henkilö"').label("kind", "person", "fi") == "Henkilö"


def test_a_later_folder_is_laid_over_an_earlier_one(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "roles.toml").write_text(f'[types.role]\nlink = "/{folder.name}/{{id}}"', "utf-8")
    assert load(folders).types["role"].link == "/b/{id}"
    assert load(folders[::-1]).types["role"].link == "/a/{id}"


ASSIGNED = '[actions."role.assigned"]\n'
NEW = '[actions."role.copied"]\ntarget = ["role"]\nverb = "created"\nsince = "1"\n'
REFUSED = {
    "target": ("roles", ASSIGNED + 'target = ["role"]', "actions.role.assigned.target: is declared already"),
    "concerns": ("roles", ASSIGNED + 'concerns = { member = "0..1" }', "actions.role.assigned.concerns"),
    "verb": ("roles", ASSIGNED + 'verb = "took"', "actions.role.assigned.verb"),
    "another category": ("users", ASSIGNED + 'retention = "brief"', "actions.role.assigned: is declared in"),
    "named": ("salary", "[types.salary]\nnamed = true", "types.salary.named: is declared already"),
    "id": ("salary", '[types.salary]\nid = ".*"', "types.salary.id: is declared already"),
    "sensitive": ("salary", "[category]\nsensitive = false", "category.sensitive: is declared already"),
    "unknown key of an action": (
        "roles",
        NEW + 'colour = "red"',
        "actions.role.copied: Object contains unknown",
    ),
    "unknown key of a type": ("roles", "[types.role]\nnamee = true", "types.role: Object contains unknown"),
    "unknown section": ("roles", "[typos.role]", "typos: is not a section"),
    "wrong shape": ("roles", "types = 3", "types: Expected `object`"),
    "wrong retention": (
        "roles",
        ASSIGNED + 'retention = "forever"',
        "actions.role.assigned: Invalid enum value",
    ),
    "missing verb": (
        "roles",
        '[actions."role.copied"]\ntarget = ["role"]\nsince = "1"',
        "role.copied.verb: is missing",
    ),
    "missing sensitive": ("fleet", "[category]\nrestricted = false", "category.sensitive: is missing"),
    "no category": (
        "fleet",
        '[types.car]\nfields = ["plate"]',
        "types.car: the category 'fleet' is not declared",
    ),
    "action of no category": (
        "fleet",
        NEW.replace("role.copied", "car.sold"),
        "the category 'fleet' is not declared",
    ),
    "range": (
        "roles",
        NEW + 'concerns = { member = "2..1" }',
        "role.copied.concerns.member: '2..1' is neither",
    ),
    "too many": (
        "roles",
        NEW + 'concerns = { member = "1..101" }',
        "role.copied.concerns.member: '1..101' is neither",
    ),
    "not TOML": ("roles", "[types", "is not TOML"),
    "purposes": ("purposes", 'purpose = ["x"]', "purpose: is not a section"),
    "unknown word": (
        "say__en",
        '[actions."role.assigned"]\nplian = "x"',
        "actions.role.assigned: Object contains",
    ),
    "unknown words": ("say__en", '[actoins."role.assigned"]\nplain = "x"', "actoins: is not a section"),
    "half a type": (
        "say__en",
        '[types.car]\nlabel = "Car"',
        "types.car: Object missing required field `the`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_rule_is_refused_with_file_and_key(host: Write, name: str) -> None:
    file, text, detail = REFUSED[name]
    with pytest.raises(CatalogueError) as caught:
        host(**{file: text})
    assert f"{file.replace('__', '/')}.toml: " in caught.value.detail
    assert detail in caught.value.detail


def test_the_same_files_without_the_faults_load(host: Write) -> None:
    catalogue = host(
        roles=NEW + 'concerns = { member = "1..2" }\n' + ASSIGNED + 'retention = "brief"', fleet=FLEET
    )
    assert {"role.copied", "car.handed_over"} <= catalogue.actions.keys()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is not a folder"):
        load([tmp_path / "gone"])
