"""Keys, links and sessions: only hashes are kept, one refusal for every reason, nothing works too long."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from trailbook.access.api_keys import NewKey
from trailbook.access.credentials import KEY_LIFE, SESSION_LIFE, Credentials
from trailbook.errors import InvalidError, NotPermittedError, UnauthenticatedError
from trailbook.model import Item, microseconds
from trailbook.stores import memory_registry, open_store
from trailbook.testing import FrozenClock, Steady
from trailbook.testing.steady import START

ANNA = Item(type="user", id="u-17", name="Anna Berg")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def credentials(clock: FrozenClock) -> Credentials:
    return Credentials(memory_registry(), clock, Steady())


def test_a_key_opens_its_organisation(credentials: Credentials) -> None:
    key, secret = credentials.new_key("acme", "HR system", ("record", "read"))
    credential = credentials.credential(secret)
    assert (credential.org, credential.scopes) == ("acme", ("record", "read"))
    assert (credential.source.type, credential.source.id, credential.source.name) == (
        "source",
        key.id,
        "HR system",
    )
    assert key.expires_at == microseconds(START + KEY_LIFE)
    used = structs.replace(key, used_at=microseconds(START))
    assert credentials.keys("acme") == [used]
    assert credentials.keys("other") == []


def test_no_secret_is_in_any_file(tmp_path: Path, clock: FrozenClock) -> None:
    """Keys, links and sessions; the control is the name of the key, which the same scan finds."""
    store, registry = open_store(f"sqlite:///{tmp_path}/log.db", create=True)
    credentials = Credentials(registry, clock, Steady())
    _, key = credentials.new_key("acme", "HR system", ("record",))
    link = credentials.new_link("acme", ANNA, "full")
    used = credentials.new_link("acme", ANNA, "full")
    session = credentials.sign_in(used)
    credentials.credential(key)
    secrets = [key.rpartition("_")[2], link, used, session]
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [secret for secret in secrets if secret.encode() in held] == []
    assert b"HR system" in held
    store.close()
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [secret for secret in secrets if secret.encode() in held] == []


def test_every_wrong_key_is_refused_alike(credentials: Credentials, clock: FrozenClock) -> None:
    """Unknown, altered, revoked and expired are one answer; the right one goes in until then."""
    key, secret = credentials.new_key("acme", "A", ("read",))
    other, gone = credentials.new_key("acme", "B", ("read",))
    short = credentials.new_key("acme", "C", ("read",), life=timedelta(minutes=1))[1]
    assert credentials.credential(short).org == "acme"
    assert credentials.revoke_key(other.id)
    assert not credentials.revoke_key(other.id)
    clock.move(timedelta(minutes=1))
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "Q")
    crossed = f"tb_{key.id}_{gone.rpartition('_')[2]}"
    wrong = [
        "",
        "x",
        secret[:-1],
        secret + "x",
        flipped,
        crossed,
        gone,
        short,
        secret.upper(),
        f" {secret}",
        "é" * 60,
    ]
    answers = set()
    for bearer in wrong:
        with pytest.raises(UnauthenticatedError) as refused:
            credentials.credential(bearer)
        answers.add((refused.value.code, refused.value.detail))
    assert len(answers) == 1
    assert credentials.credential(secret).org == "acme"
    clock.move(KEY_LIFE)
    with pytest.raises(UnauthenticatedError):
        credentials.credential(secret)


def test_scopes(credentials: Credentials) -> None:
    recorder = credentials.credential(credentials.new_key("acme", "A", ("record",))[1])
    reader = credentials.credential(credentials.new_key("acme", "B", ("read",))[1])
    recorder.require("record", "acme")
    reader.require("read", "acme")
    for key, scope, org in (
        (recorder, "read", "acme"),
        (reader, "record", "acme"),
        (reader, "read", "other"),
    ):
        with pytest.raises(NotPermittedError):
            key.require(scope, org)  # type: ignore[arg-type]
    assert (recorder.viewer().activity_log, reader.viewer().activity_log) == ("none", "full")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/name"),
    ({"name": "x" * 301}, "/name"),
    ({"name": "a\nb"}, "/name"),
    ({"scopes": ()}, "/scopes"),
    ({"scopes": ("record", "all")}, "/scopes"),
    ({"life": timedelta(0)}, "/expires_at"),
]


@pytest.mark.parametrize(("members", "pointer"), WRONG)
def test_keys_that_cannot_be(credentials: Credentials, members: dict[str, Any], pointer: str) -> None:
    right: dict[str, Any] = {"name": "x" * 300, "scopes": ("record",), "life": timedelta(seconds=1)}
    with pytest.raises(InvalidError) as refused:
        credentials.new_key("acme", **{**right, **members})
    assert [f.pointer for f in refused.value.faults] == [pointer]
    assert credentials.keys("acme") == []
    credentials.new_key("acme", **right)


def test_a_link_signs_in_once(credentials: Credentials) -> None:
    link = credentials.new_link("acme", ANNA, "full")
    session = credentials.sign_in(link)
    viewer = credentials.viewer(session)
    assert (viewer.org, viewer.item, viewer.activity_log) == ("acme", ANNA, "full")
    for again in (link, session, ""):
        with pytest.raises(UnauthenticatedError):
            credentials.sign_in(again)
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(link)
    credentials.sign_out(session)
    credentials.sign_out(session)
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(session)


def test_a_link_and_a_session_end(credentials: Credentials, clock: FrozenClock) -> None:
    link, late = (credentials.new_link("acme", ANNA, "none", timedelta(hours=1)) for _ in range(2))
    clock.move(timedelta(hours=1) - timedelta(microseconds=1))
    session = credentials.sign_in(link)
    assert credentials.viewer(session).activity_log == "none"
    clock.move(timedelta(microseconds=1))
    with pytest.raises(UnauthenticatedError):
        credentials.sign_in(late)
    clock.move(SESSION_LIFE)
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(session)


def test_somebody_without_a_name(credentials: Credentials) -> None:
    session = credentials.sign_in(credentials.new_link("acme", Item(type="user", id="u-1"), "full"))
    assert credentials.viewer(session).item.id == "u-1"


def test_last_use_is_written_once_a_minute(credentials: Credentials, clock: FrozenClock) -> None:
    """Not at each request: reading would write as often as it reads."""
    key, secret = credentials.new_key("acme", "HR", ("read",))

    def used() -> int | None:
        credentials.credential(secret)
        stored = credentials.key("acme", key.id)
        assert stored is not None
        return stored.used_at

    assert key.used_at is None
    first = used()
    clock.move(timedelta(seconds=59))
    assert used() == first
    clock.move(timedelta(seconds=1))
    assert used() == (first or 0) + 60_000_000


def test_a_rotated_key_has_two_secrets_for_a_while(credentials: Credentials, clock: FrozenClock) -> None:
    """Both open the same key until the overlap ends; a key that was revoked meanwhile is not rotated."""
    key, old = credentials.new_key("acme", "HR system", ("read",))
    again, new = credentials.redrawn_key(key, timedelta(hours=1))
    with pytest.raises(UnauthenticatedError):
        credentials.credential(new)
    assert credentials.replace_key(key, again)
    assert [credentials.credential(secret).source.id for secret in (old, new)] == [key.id, key.id]
    clock.move(timedelta(hours=1))
    assert credentials.credential(new).source.id == key.id
    with pytest.raises(UnauthenticatedError):
        credentials.credential(old)
    kept = credentials.key("acme", key.id)
    assert kept is not None
    assert credentials.revoke_key(key.id)
    assert not credentials.replace_key(kept, credentials.redrawn_key(kept, timedelta(hours=1))[0])
    assert not credentials.revoke_key(key.id)


def test_a_key_is_found_in_its_own_organisation_alone(credentials: Credentials) -> None:
    key, _ = credentials.new_key("acme", "HR system", ("read",))
    assert credentials.key("acme", key.id) == key
    assert credentials.key("other", key.id) is None


def test_a_key_that_is_named_for_a_category_reads_that_one_alone(credentials: Credentials) -> None:
    """It is looked up at each request, so that taking it away works at once."""
    key, secret = credentials.new_key("acme", "HR system", ("read",))
    assert credentials.credential(secret).viewer().restricted == ()
    assert credentials.replace_key(key, structs.replace(key, restricted=("whistleblowing",)))
    assert credentials.credential(secret).viewer().restricted == ("whistleblowing",)


def test_a_key_that_was_drawn_opens_nothing_until_it_is_kept(credentials: Credentials) -> None:
    """It is recorded between the two: what cannot be recorded is not given out."""
    key, secret = credentials.drawn_key("acme", NewKey(name="HR system", scopes=("read",)))
    with pytest.raises(UnauthenticatedError):
        credentials.credential(secret)
    credentials.keep_key(key)
    assert credentials.credential(secret).source.id == key.id


def test_who_exports_is_looked_up_again(credentials: Credentials, clock: FrozenClock) -> None:
    """A key is still what it was, until it is revoked, expires, or lacks the permission."""
    _, secret = credentials.new_key("acme", "HR system", ("read", "export"))
    viewer = credentials.credential(secret).viewer()
    assert credentials.still(viewer) == viewer
    _, reads = credentials.new_key("acme", "Reader", ("read",))
    with pytest.raises(NotPermittedError):
        credentials.still(credentials.credential(reads).viewer())
    clock.move(KEY_LIFE)
    with pytest.raises(UnauthenticatedError):
        credentials.still(viewer)
    _, again = credentials.new_key("acme", "HR system", ("read", "export"))
    second = credentials.credential(again).viewer()
    assert credentials.still(second) == second
    credentials.revoke_key(second.item.id)
    with pytest.raises(UnauthenticatedError):
        credentials.still(second)


def test_a_person_is_looked_up_again_with_what_their_link_brought(credentials: Credentials) -> None:
    viewer = credentials.viewer(credentials.sign_in(credentials.new_link("acme", ANNA, "full")))
    assert credentials.still(viewer) == viewer
    assert credentials.still(structs.replace(viewer, roles=())).activity_log == "none"


def test_a_link_sets_a_password_once(credentials: Credentials, clock: FrozenClock) -> None:
    """To look at it is not to use it; and it is no link to sign in by."""
    secret = credentials.password_link("acme", ANNA, timedelta(hours=1))
    with pytest.raises(UnauthenticatedError):
        credentials.sign_in(secret)
    for _ in range(2):
        assert credentials.password_holder(secret, take=False).item == ANNA
    assert credentials.password_holder(secret, take=True).org == "acme"
    with pytest.raises(UnauthenticatedError):
        credentials.password_holder(secret, take=True)
    late = credentials.password_link("acme", ANNA, timedelta(hours=1))
    clock.move(timedelta(hours=1))
    with pytest.raises(UnauthenticatedError):
        credentials.password_holder(late, take=True)


def test_signing_out_everywhere_ends_sessions_and_voids_links(credentials: Credentials) -> None:
    """Of that person alone."""
    others = credentials.sign_in(
        credentials.new_link("acme", structs.replace(ANNA, id="u-42", name="Bob Li"), "full")
    )
    session = credentials.sign_in(credentials.new_link("acme", ANNA, "full"))
    link = credentials.new_link("acme", ANNA, "full")
    credentials.end_sessions("acme", ANNA)
    for ended in (lambda: credentials.viewer(session), lambda: credentials.sign_in(link)):
        with pytest.raises(UnauthenticatedError):
            ended()
    assert credentials.viewer(others).item.id == "u-42"


def test_signing_out_ends_one_session(credentials: Credentials) -> None:
    first, second = (credentials.sign_in(credentials.new_link("acme", ANNA, "full")) for _ in range(2))
    credentials.sign_out(first)
    credentials.sign_out(first)
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(first)
    assert credentials.viewer(second).item == ANNA
