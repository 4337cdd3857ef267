"""The suite every `Registry` passes: subclass the class and give the fixture `engine`, as for `StoreConformance`.

Owns what the parts promise: keys, sessions and links, members, views, jobs. An engine that keeps one part gives its
fixture to that part's suite alone. Refuses to know an engine's name.
"""

from hashlib import sha256

import pytest
from msgspec import structs

from trailbook.errors import HeadMovedError, StoreError
from trailbook.stores import (
    Access,
    ApiKey,
    ApiKeys,
    Change,
    Choice,
    Job,
    JobLimits,
    Jobs,
    Member,
    Organisation,
    Role,
    SavedView,
    Session,
    Sessions,
    Views,
)
from trailbook.testing.engines import ORG, OTHER, Engine


def a_key(number: int = 1, org: str = ORG) -> ApiKey:
    """The API key of a number."""
    return ApiKey(
        id=f"k-{number}",
        org=org,
        name="HR system",
        scopes=("record", "read"),
        secret_hash=sha256(b"%d" % number).digest(),
        created_at=100 - number,
        expires_at=2**53,
    )


def a_session(number: int = 1, *, kind: str = "session") -> Session:
    """The session, or the link, of a number."""
    return Session(
        token_hash=sha256(b"token %d" % number).digest(),
        org=ORG,
        type="user",
        id=f"u-{number}",
        name="Åse",
        roles=("hr", "own") if number % 2 else None,
        expires_at=2**53,
        kind=kind,
        seen_at=number,
    )


def a_member(number: int = 1, login: str | None = None) -> Member:
    """The member of a number."""
    return Member(type="user", id=f"u-{number}", name=f"Åse {number}", roles=("hr", "r-1"), login=login)


def a_view(number: int = 1, owner: str = "user/u-1", *, org: str = ORG, shared: bool = False) -> SavedView:
    """The saved view of a number."""
    return SavedView(
        id=f"v-{number}-{org}",
        org=org,
        owner=owner,
        name=f"Åse's {number}",
        shared=shared,
        filter=b"[]",
        created_at=number,
    )


def a_job(number: int = 1, viewer: str = "user/u-1", *, org: str = ORG, state: str = "queued") -> Job:
    """The job of a number."""
    return Job(
        id=f"j-{number}",
        org=org,
        viewer=viewer,
        state=state,
        created_at=number,
        expires_at=2**53,
        beat_at=number,
        tries=0,
        rows_done=0,
        count=10,
        as_of=10,
        order=b"{}",
    )


class ApiKeysConformance:
    """What `ApiKeys` promise."""

    @pytest.fixture
    def keys(self, engine: Engine) -> ApiKeys:
        """The part under test, empty."""
        return engine.registry.keys

    def test_keys(self, keys: ApiKeys) -> None:
        for key in (a_key(1), a_key(2), a_key(3, OTHER)):
            keys.add(key)
        assert keys.get("k-1") == a_key(1)
        assert keys.get("k-9") is None
        assert keys.every(ORG) == [a_key(2), a_key(1)]
        assert keys.every("nobody") == []

    def test_revoking_works_once(self, keys: ApiKeys) -> None:
        keys.add(a_key())
        assert not keys.revoke("k-9", 5)
        assert keys.revoke("k-1", 5)
        assert not keys.revoke("k-1", 6)
        assert keys.get("k-1") == structs.replace(a_key(), revoked_at=5)

    def test_a_key_is_replaced_by_who_read_it_last(self, keys: ApiKeys) -> None:
        old = a_key()
        keys.add(old)
        new = structs.replace(
            old,
            secret_hash=bytes(32),
            old_hash=old.secret_hash,
            old_until=7,
            categories=("salary",),
            only_itself=True,
            restricted=("whistleblowing",),
        )
        assert keys.replace(old, new)
        assert keys.get("k-1") == new
        assert not keys.replace(old, structs.replace(old, name="late"))
        keys.touch("k-1", 9)
        keys.touch("k-9", 9)
        assert keys.get("k-1") == structs.replace(new, used_at=9)
        assert keys.revoke("k-1", 10)
        assert not keys.replace(new, old)


class SessionsConformance:
    """What `Sessions` promise."""

    @pytest.fixture
    def sessions(self, engine: Engine) -> Sessions:
        """The part under test, empty."""
        return engine.registry.sessions

    def test_a_link_works_once_and_is_no_session(self, sessions: Sessions) -> None:
        link = a_session(1, kind="sign-in")
        sessions.add(link)
        assert sessions.get(link.token_hash) is None
        assert sessions.take_link(link.token_hash, "password") is None
        sessions.end(link.token_hash)
        assert sessions.link(link.token_hash, "sign-in") == link
        assert sessions.take_link(link.token_hash, "sign-in") == link
        assert sessions.take_link(link.token_hash, "sign-in") is None

    def test_a_session_ends_and_is_no_link(self, sessions: Sessions) -> None:
        session = a_session(2)
        sessions.add(session)
        assert sessions.take_link(session.token_hash, "sign-in") is None
        assert sessions.get(session.token_hash) == session
        sessions.touch(session.token_hash, 50)
        assert sessions.get(session.token_hash) == structs.replace(session, seen_at=50)
        sessions.end(session.token_hash)
        sessions.end(session.token_hash)
        assert sessions.get(session.token_hash) is None

    def test_sessions_of_a_person_end_together(self, sessions: Sessions) -> None:
        first, other = a_session(1), a_session(2)
        sessions.add(first)
        sessions.add(other)
        assert sessions.end_all_of(OTHER, "user", "u-1") == 0
        assert sessions.get(first.token_hash) == first
        sessions.add(structs.replace(a_session(3, kind="sign-in"), id="u-1"))
        assert sessions.end_all_of(ORG, "user", "u-1") == 2
        assert sessions.end_all_of(ORG, "user", "u-1") == 0
        assert sessions.get(first.token_hash) is None
        assert sessions.get(other.token_hash) == other

    def test_what_is_over_is_swept(self, sessions: Sessions) -> None:
        """An idle session and an expired link go; a link is never idle."""
        idle, link = a_session(1), a_session(2, kind="sign-in")
        over = structs.replace(a_session(3, kind="password"), expires_at=10)
        kept = structs.replace(a_session(4), seen_at=100)
        for each in (idle, link, over, kept):
            sessions.add(each)
        assert sessions.sweep(10, 50) == 2
        assert sessions.link(link.token_hash, "sign-in") == link
        assert sessions.get(kept.token_hash) == kept
        assert sessions.sweep(10, 50) == 0


class AccessConformance:
    """What `Access` promises."""

    @pytest.fixture
    def access(self, engine: Engine) -> Access:
        """The part under test, empty."""
        return engine.registry.access

    def test_access_is_changed_in_one_order(self, access: Access) -> None:
        """A change made from what somebody else has changed since is refused, whole."""
        begun = access.organisation(ORG)
        assert begun == Organisation(org=ORG)
        role = Role(id="r-1", name="Own", full=("activity_log",), categories=("cases", "whistleblowing"))
        withheld = structs.replace(begun, withheld=("salary",), suspended_at=3)
        change = Change(organisation=withheld, put_roles=[role], put_members=[a_member(2), a_member(1)])
        access.change_access(begun, change)
        now = access.organisation(ORG)
        assert now == structs.replace(withheld, version=1)
        assert access.roles(ORG) == [role]
        assert access.members(ORG) == [a_member(1), a_member(2)]
        with pytest.raises(HeadMovedError):
            access.change_access(begun, Change(organisation=begun, drop_roles=["r-1"]))
        assert access.roles(ORG) == [role]
        drop = Change(organisation=now, drop_roles=["r-1"], drop_members=[("user", "u-2"), ("user", "u-9")])
        access.change_access(now, drop)
        assert (access.roles(ORG), access.members(ORG)) == ([], [a_member(1)])
        assert (access.roles(OTHER), access.members(OTHER)) == ([], [])
        assert access.organisation(ORG).version == 2

    def test_members_are_found_and_logins_are_their_own(self, access: Access) -> None:
        first = structs.replace(a_member(1, "anna"), password="$argon2id$x")
        begun = access.organisation(ORG)
        access.change_access(begun, Change(organisation=begun, put_members=[first, a_member(2)]))
        assert access.member(ORG, "user", "u-1") == access.member_by_login(ORG, "anna") == first
        assert access.member(OTHER, "user", "u-1") is access.member_by_login(OTHER, "anna") is None
        assert access.member(ORG, "user", "u-9") is access.member_by_login(ORG, "bob") is None
        now = access.organisation(ORG)
        taken = Change(organisation=now, put_members=[a_member(2, "anna")])
        with pytest.raises(StoreError):
            access.change_access(now, taken)
        assert access.member(ORG, "user", "u-2") == a_member(2)
        assert access.organisation(ORG) == now


class ViewsConformance:
    """What `Views` promise."""

    @pytest.fixture
    def views(self, engine: Engine) -> Views:
        """The part under test, empty."""
        return engine.registry.views

    def test_views_are_ones_own_or_shared(self, views: Views) -> None:
        """A viewer has their own views and the shared ones of their organisation, by name."""
        for view in (
            a_view(2),
            a_view(1),
            a_view(3, "user/u-2"),
            a_view(4, "user/u-2", shared=True),
            a_view(5, org=OTHER, shared=True),
        ):
            assert views.put(view, 9)
        assert [view.id for view in views.of(ORG, "user/u-1")] == [
            f"v-1-{ORG}",
            f"v-2-{ORG}",
            f"v-4-{ORG}",
        ]
        assert [view.id for view in views.every(OTHER)] == [f"v-5-{OTHER}"]
        assert views.get(ORG, f"v-3-{ORG}") == a_view(3, "user/u-2")
        assert views.get(OTHER, f"v-3-{ORG}") is None

    def test_a_name_is_one_viewers_once(self, views: Views) -> None:
        """Another of the same name is refused, not so the same one again; beyond the most nothing is kept."""
        assert views.put(a_view(1), 2)
        with pytest.raises(ValueError, match="taken"):
            views.put(structs.replace(a_view(2), name=a_view(1).name), 2)
        assert views.put(structs.replace(a_view(1), shared=True), 2)
        assert views.put(structs.replace(a_view(2, "user/u-2"), name=a_view(1).name), 2)
        assert views.put(a_view(3), 2)
        assert not views.put(a_view(4), 2)
        assert [view.shared for view in views.of(ORG, "user/u-1")] == [True, False]

    def test_choices_are_a_viewers_own(self, views: Views) -> None:
        """One view is begun with; what a removed view was chosen for goes with it."""
        assert views.put(a_view(1, shared=True), 9)
        saved = Choice(org=ORG, viewer="user/u-2", view=f"v-1-{ORG}", default=True, alert=True, seen=7)
        ready = Choice(org=ORG, viewer="user/u-2", view="ready:denied", default=True)
        views.choose(saved)
        views.choose(ready)
        assert views.choices(ORG, "user/u-2") == [ready, structs.replace(saved, default=False)]
        assert views.choices(ORG, "user/u-1") == views.choices(OTHER, "user/u-2") == []
        views.drop(ORG, f"v-1-{ORG}")
        assert views.choices(ORG, "user/u-2") == [ready]
        assert views.of(ORG, "user/u-1") == []
        views.drop(ORG, "none")

    def test_a_viewer_is_forgotten_with_their_views_and_choices(self, views: Views) -> None:
        """What others chose of those views goes too; views and choices of others, and elsewhere, stay."""
        shared, other = a_view(1, shared=True), a_view(2, "user/u-2", shared=True)
        elsewhere = a_view(3, org=OTHER)
        for view in (shared, a_view(4), other, elsewhere):
            assert views.put(view, 9)
        for viewer, view in (("user/u-2", shared), ("user/u-1", other), ("user/u-2", other)):
            views.choose(Choice(org=ORG, viewer=viewer, view=view.id))
        views.choose(Choice(org=ORG, viewer="user/u-1", view="ready:denied"))
        assert views.forget(ORG, "user/u-1") == 2
        assert (views.every(ORG), views.every(OTHER)) == ([other], [elsewhere])
        assert views.choices(ORG, "user/u-1") == []
        assert [choice.view for choice in views.choices(ORG, "user/u-2")] == [other.id]
        assert views.forget(ORG, "user/u-1") == 0


class JobsConformance:
    """What `Jobs` promise."""

    @pytest.fixture
    def jobs(self, engine: Engine) -> Jobs:
        """The part under test, empty."""
        return engine.registry.jobs

    def test_jobs_are_an_organisations_own_oldest_first(self, jobs: Jobs) -> None:
        limits = JobLimits()
        for job in (a_job(2), a_job(1), a_job(3, org=OTHER)):
            assert jobs.add(job, limits)
        assert jobs.every() == [a_job(1), a_job(2), a_job(3, org=OTHER)]
        assert jobs.every(ORG) == [a_job(1), a_job(2)]
        assert jobs.get(ORG, "j-1") == a_job(1)
        assert jobs.get(OTHER, "j-1") is jobs.get(ORG, "j-9") is None
        jobs.drop(OTHER, "j-1")
        jobs.drop(ORG, "j-2")
        jobs.drop(ORG, "j-2")
        assert jobs.every() == [a_job(1), a_job(3, org=OTHER)]
        jobs.forget(ORG)
        assert jobs.every() == [a_job(3, org=OTHER)]

    def test_a_job_beyond_a_limit_is_not_kept(self, jobs: Jobs) -> None:
        """Of a viewer and of an organisation only live jobs count, of those that are kept every one."""
        limits = JobLimits(viewer=1, org=2, kept=4)
        assert jobs.add(a_job(1), limits)
        assert not jobs.add(a_job(2), limits)
        assert jobs.add(a_job(3, "user/u-2"), limits)
        assert not jobs.add(a_job(4, "user/u-3"), limits)
        assert jobs.add(a_job(5, org=OTHER), limits)
        assert jobs.put(structs.replace(a_job(1), state="ready"), a_job(1))
        assert jobs.add(a_job(6), limits)
        assert jobs.put(structs.replace(a_job(6), state="failed"), a_job(6))
        assert jobs.add(a_job(7), limits)
        assert jobs.put(structs.replace(a_job(7), state="ready"), a_job(7))
        assert not jobs.add(a_job(8), limits)
        assert [job.id for job in jobs.every(ORG)] == ["j-1", "j-3", "j-6", "j-7"]

    def test_a_job_is_changed_by_who_read_it_last(self, jobs: Jobs) -> None:
        assert jobs.add(a_job(), JobLimits())
        done = structs.replace(a_job(), state="ready", beat_at=9, rows_done=10, file=b'{"size":3}')
        assert jobs.put(done, a_job())
        assert jobs.get(ORG, "j-1") == done
        assert not jobs.put(structs.replace(a_job(), state="failed", problem="internal"), a_job())
        assert not jobs.put(a_job(2), a_job(2))
        assert jobs.every() == [done]


class RegistryConformance(
    ApiKeysConformance, SessionsConformance, AccessConformance, ViewsConformance, JobsConformance
):
    """What a `Registry` promises: each of its parts."""
