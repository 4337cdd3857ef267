"""Roles, members and keys over HTTP: who is let in, what is answered, and what is refused."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.model import Actor, Item, Origin


@pytest.fixture(scope="module")
def cared(serve: Callable[..., Any]) -> Any:
    """A server of its own: these tests change who may do what."""
    return serve()


@pytest.fixture
def admin(cared: Any) -> Iterator[httpx.Client]:
    """A key that may administer."""
    _, secret = cared.deployment.credentials.new_key("nordlys", "Admin", ("administer",))
    with httpx.Client(base_url=cared.api, headers={"Authorization": f"Bearer {secret}"}) as client:
        yield client


def signed_in(cared: Any, item: Item) -> httpx.Client:
    """The browser of somebody who is let in by their membership."""
    session = cared.deployment.credentials.new_session("nordlys", item)
    return httpx.Client(base_url=cared.base_url, headers={"Cookie": f"__Host-trailbook={session}"})


def test_a_role_from_made_to_removed(admin: httpx.Client) -> None:
    made = admin.post("/roles", json={"name": "Payroll", "permissions": {"activity_log": "full"}})
    role = made.json()
    assert made.status_code == 201
    assert made.headers["location"].endswith(f"/roles/{role['id']}")
    assert (role["permissions"]["activity_log"], role["permissions"]["manage_access"]) == ("full", "none")
    assert admin.get(f"/roles/{role['id']}").json() == role
    names = [row["name"] for row in admin.get("/roles").json()["roles"]]
    assert names == ["System administrator", "HR", "Auditor", "Employee", "Payroll"]
    changed = admin.put(f"/roles/{role['id']}", json={"name": "Pay", "permissions": {}})
    assert (changed.status_code, changed.json()["name"]) == (200, "Pay")
    assert admin.delete(f"/roles/{role['id']}").status_code == 204
    assert admin.get(f"/roles/{role['id']}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"name": "A"}, "/permissions"),
        ({"name": "A", "permissions": {}, "scope": {}}, "/scope"),
        ({"name": 1, "permissions": {}}, "/name"),
        ({"name": "A", "permissions": {"activity_log": "limited"}}, "/permissions/activity_log"),
        ({"name": "A", "permissions": {"activity_log": True}}, "/permissions/..."),
    ],
)
def test_a_role_that_cannot_be(admin: httpx.Client, sent: dict[str, Any], pointer: str) -> None:
    refused = admin.post("/roles", json=sent)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_member_and_the_last_administrator(admin: httpx.Client, cared: Any) -> None:
    put = admin.put("/members/user/u-50", json={"roles": ["system-administrator"], "name": "Ada"})
    assert put.status_code == 200
    assert (put.json()["name"], put.json()["permissions"]["manage_access"]) == ("Ada", "full")
    for refused in (
        admin.delete("/members/user/u-50"),
        admin.put("/members/user/u-50", json={"roles": ["employee"]}),
        admin.put("/members/user/u-50", json={"roles": ["system-administrator"], "disabled": True}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")
    assert admin.put("/members/user/u-51", json={"roles": ["system-administrator"]}).status_code == 200
    assert admin.delete("/members/user/u-51").status_code == 204
    assert admin.get("/members/user/u-51").status_code == 404
    assert [m["id"] for m in admin.get("/members").json()["members"]] == ["u-50"]
    assert admin.put("/roles/hr", json={"name": "HR", "permissions": {}}).json()["code"] == "role-predefined"


def test_losing_a_role_acts_on_the_next_request(cared: Any) -> None:
    """The same session, before and after."""
    by, nina = By(cared.deployment, operator("nordlys")), Item(type="user", id="u-60", name="Nina")
    put_member(by, nina, ["hr"])
    with signed_in(cared, nina) as browser:
        assert browser.get("/api/v1/orgs/nordlys/entries").status_code == 200
        assert browser.get("/api/v1/orgs/nordlys/roles").status_code == 403
        put_member(by, nina, ["employee"])
        refused = browser.get("/api/v1/orgs/nordlys/entries")
        assert (refused.status_code, refused.json()["code"]) == (403, "not-permitted")
        put_member(by, nina, ["system-administrator"])
        assert browser.get("/api/v1/orgs/nordlys/roles").status_code == 200
        body = {"name": "Csrf", "permissions": {}}
        crossed = browser.post(
            "/api/v1/orgs/nordlys/roles", json=body, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert (crossed.status_code, crossed.json()["code"]) == (403, "cross-site")
        own = browser.post("/api/v1/orgs/nordlys/roles", json=body, headers={"Sec-Fetch-Site": "same-origin"})
        assert own.status_code == 201


def test_other_keys_and_organisations_are_refused_alike(cared: Any, admin: httpx.Client) -> None:
    """Without the scope, and for an organisation that is not theirs or is not, one answer."""
    answers = set()
    for secret, org in ((cared.keys["both"], "nordlys"), (cared.keys["other"], "nordlys")):
        answer = httpx.get(
            f"{cared.base_url}/api/v1/orgs/{org}/members", headers={"Authorization": f"Bearer {secret}"}
        )
        answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    for org in ("fjell", "nowhere"):
        answer = admin.get(f"{cared.base_url}/api/v1/orgs/{org}/members")
        answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert answers == {
        (
            403,
            "not-permitted",
            "You need full access to the system permission Manage access. Ask whoever administers roles.",
        )
    }


def test_a_key_is_shown_once_rotated_and_revoked(admin: httpx.Client, cared: Any) -> None:
    """The secret stands in the answer that made it, and nowhere else."""
    sent = {"name": "Sync", "scopes": ["record"], "categories": ["roles"], "actors": "itself"}
    made = admin.post("/keys", json=sent)
    key = made.json()
    assert made.status_code == 201
    listed = next(k for k in admin.get("/keys").json()["keys"] if k["id"] == key["id"])
    assert "secret" not in listed
    assert (listed["categories"], listed["actors"], listed["used_at"]) == (["roles"], "itself", None)
    rotated = admin.post(f"/keys/{key['id']}/rotate", json={"overlap_hours": 0}).json()
    url = f"{cared.api}/entries"
    entry = {
        "action": "user.created",
        "occurred_at": "2026-01-02T03:04:05Z",
        "actor": {"kind": "person", "type": "user", "id": "u-1", "name": "Anna"},
        "target": {"type": "user", "id": "u-2", "name": "Bo"},
        "origin": {"interface": "api"},
    }
    old, new = ({"Authorization": f"Bearer {k['secret']}"} for k in (key, rotated))
    assert httpx.post(url, json=entry, headers=old).status_code == 401
    refused = httpx.post(url, json=entry, headers=new)
    assert [e["code"] for e in refused.json()["errors"]] == ["category-refused", "actor-refused"]
    own = {"kind": "integration", "type": "source", "id": key["id"], "name": "Sync"}
    role = {"action": "role.created", "target": {"type": "role", "id": "r-9", "name": "New"}, "actor": own}
    assert httpx.post(url, json=entry | role, headers=new).status_code == 201
    assert admin.delete(f"/keys/{key['id']}").status_code == 204
    assert httpx.post(url, json=entry | role, headers=new).status_code == 401
    assert admin.delete("/keys/nothing").status_code == 404
    assert admin.post("/keys", json={"name": "X", "scopes": ["all"]}).status_code == 422


def test_what_is_withheld_nobody_reads(admin: httpx.Client, cared: Any) -> None:
    """Full access does not show it, in rows or counts, from the next request on."""
    reader = {"Authorization": f"Bearer {cared.keys['read']}"}
    roles = f"{cared.api}/entries?category=roles&count=true"
    before = httpx.get(roles, headers=reader).json()["count"]
    assert admin.put("/withheld", json={"categories": ["roles"]}).json() == {"categories": ["roles"]}
    after = httpx.get(roles, headers=reader).json()
    assert admin.put("/withheld", json={"categories": []}).status_code == 200
    assert before > 0
    assert (after["count"], after["entries"]) == (0, [])
    refused = admin.put("/withheld", json={"categories": ["roles", "none"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/categories/1")


def test_working_hours(admin: httpx.Client, cared: Any) -> None:
    """Read and set whole; what is wrong is said at its member; what one person did is no matter of hours."""
    hours = {
        "days": "1234",
        "work": "07:00-15:00",
        "night": "23:00-05:00",
        "weekend": "567",
        "tz": "Europe/Oslo",
    }
    before = admin.get("/working-hours").json()
    assert (before["days"], before["work"], before["weekend"]) == ("12345", "08:00-17:00", "67")
    assert admin.put("/working-hours", json=hours).json() == admin.get("/working-hours").json() == hours
    wrong = admin.put("/working-hours", json=hours | {"work": "17:00-08:00"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/work")
    partly = admin.put(
        "/working-hours", json={"days": "12345"}
    )  # the others would not stay, so they are asked for
    assert partly.status_code == 422
    assert {error["pointer"] for error in partly.json()["errors"]} == {"/work", "/night", "/weekend", "/tz"}
    assert admin.get("/working-hours").json() == hours
    assert admin.put("/working-hours", json=before).status_code == 200
    reader = {"Authorization": f"Bearer {cared.keys['read']}"}
    for path in ("entries?", "entries.csv?", "facets?by=action&", "histogram?", "live?"):
        refused = httpx.get(f"{cared.api}/{path}hours=night&actor=user/u-17", headers=reader)
        assert (refused.status_code, refused.json()["code"]) == (422, "figures-of-a-person"), path
        with httpx.stream("GET", f"{cared.api}/{path}hours=night", headers=reader) as control:
            assert control.status_code == 200


def test_a_restricted_category_is_read_under_its_name_alone(admin: httpx.Client, cared: Any) -> None:
    """Rows, counts, the entry itself, names offered: nothing, until a role names the category."""
    log = cared.deployment.log("nordlys")
    system = Actor(type="system", id="hotline", name="Hotline", kind="system")
    case = Item(type="case", id="case-4711")
    at = log.record("case.opened", actor=system, target=case, origin=Origin(interface="job")).id
    person = Item(type="user", id="u-71", name="Kari Vik")
    with signed_in(cared, person) as page:
        assert admin.put("/members/user/u-71", json={"roles": ["hr"]}).status_code == 200
        asked = ["entries?category=whistleblowing&count=true", f"entries/{at}", "items?q=case-4711"]

        def seen() -> list[Any]:
            return [page.get(f"{cared.api}/{path}") for path in asked]

        rows, entry, offered = seen()
        assert (rows.json()["count"], rows.json()["entries"]) == (0, [])
        assert entry.status_code == 404
        assert offered.json() == []
        wanted = {"name": "Cases", "permissions": {}, "categories": ["whistleblowing"]}
        role = admin.post("/roles", json=wanted).json()
        assert role["categories"] == ["whistleblowing"]
        assert admin.put("/members/user/u-71", json={"roles": ["hr", role["id"]]}).status_code == 200
        rows, entry, offered = seen()
        assert [e["id"] for e in rows.json()["entries"]] == [str(at)]
        assert entry.status_code == 200
        assert [i["id"] for i in offered.json()] == ["case-4711"]
        refused = admin.put(f"/roles/{role['id']}", json=wanted | {"categories": ["salary"]})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/categories")


def test_an_invitation_and_a_reset(admin: httpx.Client) -> None:
    assert admin.put("/members/user/u-70", json={"roles": ["hr"]}).status_code == 200
    assert admin.post("/members/user/u-70/reset").status_code == 404
    made = admin.post("/members/user/u-70/invitation", json={"login": "Ida"})
    assert made.status_code == 201
    assert "/set-password?link=" in made.json()["link"]
    assert admin.get("/members/user/u-70").json()["login"] == "ida"
    assert admin.post("/members/user/u-70/reset").status_code == 201
    assert admin.post("/members/user/u-70/invitation", json={"login": "a b"}).status_code == 422
