"""Exports over HTTP: ordered, watched, fetched whole and in parts, cancelled; and what is refused."""

import base64
import hashlib
import io
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.web.conftest import ORG, Served

from trailbook import Actor, Item, Origin, operator
from trailbook.query import from_params


@pytest.fixture
def archive(served: Served) -> Iterator[httpx.Client]:
    """A client with a key of its own that may export, whose exports go with the test."""
    _, text = served.deployment.credentials.new_key(ORG, "Archive", ("export", "prove"))
    with httpx.Client(base_url=f"{served.api}/", headers={"Authorization": f"Bearer {text}"}) as client:
        yield client
        for job in client.get("exports").json()["exports"]:
            client.delete(f"exports/{job['id']}")


def ordered(served: Served, client: httpx.Client, **order: Any) -> dict[str, Any]:
    """An export that was ordered and has ended."""
    answer = client.post("exports", json={"format": "jsonl", **order})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{served.api}/exports/{answer.json()['id']}"
    for _ in range(300):
        served.deployment.signer().sign(ORG)
        job = client.get(f"exports/{answer.json()['id']}").json()
        if job["state"] not in ("queued", "running"):
            return dict(job)
        time.sleep(0.05)
    raise AssertionError(f"the export is still {job['state']}")


def test_an_export_is_ordered_and_fetched(served: Served, archive: httpx.Client) -> None:
    """What was counted is in the file; its digest stands in the headers and in the signed manifest."""
    job = ordered(served, archive, filter={"category": ["roles"], "outcome.not": "denied"})
    query = from_params([("category", "roles"), ("outcome.not", "denied"), ("as_of", str(job["as_of"]))])
    counted, _ = served.log.count(query, viewer=operator(ORG))
    assert (job["state"], job["count"], job["rows_done"]) == ("ready", counted, counted)
    assert job["filter"]["category"] == ["roles"]
    answer = archive.get(f"exports/{job['id']}/file")
    assert len(answer.content) == job["size"] == int(answer.headers["content-length"])
    assert answer.content.count(b"\n") == counted
    digest = hashlib.sha256(answer.content).digest()
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["etag"] == f'"{digest.hex()}"'
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(
        r'attachment; filename="roles-selection-nordlys\.jsonl"', answer.headers["content-disposition"]
    )
    note = archive.get(f"exports/{job['id']}/manifest").text
    assert digest.hex() in note
    assert '"kind":"file"' in note
    assert [export["id"] for export in archive.get("exports").json()["exports"]] == [job["id"]]


def test_parts_of_a_file(served: Served, archive: httpx.Client) -> None:
    """Contracts 6: one range of bytes, from either end, while the file is the same; outside it 416."""
    path = f"exports/{ordered(served, archive, format='csv')['id']}/file"
    whole = archive.get(path)
    size, tag = len(whole.content), whole.headers["etag"]
    for given, part in (
        ("bytes=0-9", whole.content[:10]),
        ("bytes=10-", whole.content[10:]),
        ("bytes=-7", whole.content[-7:]),
        (f"bytes=5-{size + 99}", whole.content[5:]),
    ):
        answer = archive.get(path, headers={"Range": given, "If-Range": tag})
        assert (answer.status_code, answer.content) == (206, part), given
        assert answer.headers["content-range"].endswith(f"/{size}")
    for given in ("bytes=0-1,3-4", "pages=1-2", "bytes=-"):
        assert archive.get(path, headers={"Range": given}).content == whole.content
    assert archive.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    answer = archive.get(path, headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range-unsatisfiable")


def test_every_format_can_be_ordered(served: Served, archive: httpx.Client) -> None:
    """Tables, lines and bundles, with columns, language and zone."""
    begins = {
        "csv": b"\xef\xbb\xbfseq,",
        "xlsx": b"PK",
        "parquet": b"PAR1",
        "jsonl": b"{",
        "pdf": b"%PDF-",
        "bundle-inclusion": b"PK",
    }
    for form, begin in begins.items():
        table = {"columns": ["seq", "sentence"]} if form in ("csv", "xlsx", "parquet") else {}
        job = ordered(served, archive, format=form, lang="nb", tz="Europe/Oslo", **table)
        assert job["state"] == "ready", job
        assert archive.get(f"exports/{job['id']}/file").content.startswith(begin)
        assert archive.delete(f"exports/{job['id']}").status_code == 204
        assert archive.get(f"exports/{job['id']}").status_code == 404


def test_a_file_for_people(served: Served, archive: httpx.Client) -> None:
    """A preset by its name, titled and named by the filter, file and statement in one, newest first."""
    wanted = {"category": ["roles"], "from": "2026-01-01", "to": "2026-12-31", "tz": "Europe/Oslo"}
    job = ordered(served, archive, format="csv", preset="hr", zip=True, lang="nb", filter=wanted)
    assert (job["name"], job["preset"], job["zip"]) == ("roller-2026-nordlys.zip", "hr", True)
    assert job["title"] == "Roles, from 1 January 2026 to 31 December 2026"
    assert job["order"] == "desc"
    answer = archive.get(f"exports/{job['id']}/file")
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="roller-2026-nordlys.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as both:
        assert both.namelist() == ["roller-2026-nordlys.csv", "roller-2026-nordlys.csv.note"]
        rows = both.read("roller-2026-nordlys.csv").decode("utf-8-sig").splitlines()
        statement = both.read("roller-2026-nordlys.csv.note").decode()
    assert rows[0] == "Når (Europe/Oslo),Hvem,Hva skjedde,Hvem det gjelder,Kategori,Lenke"
    assert len(rows) == job["count"] + 1
    assert [row[:19] for row in rows[1:]] == sorted((row[:19] for row in rows[1:]), reverse=True)
    assert '"order":"desc"' in statement
    assert '"preset":"hr"' in statement
    note = archive.get(f"exports/{job['id']}/manifest")
    assert note.text == statement
    assert 'filename="roller-2026-nordlys.csv.note"' in note.headers["content-disposition"]


def test_a_preset_comes_at_once_too(client: httpx.Client) -> None:
    """CSV sent straight from the filter has it as a parameter; of JSON lines it is none."""
    rows = client.get("entries.csv?preset=hr&category=roles&tz=Europe/Oslo").text.splitlines()
    assert rows[0].endswith("When (Europe/Oslo),Who,What happened,About whom,Category,Link")
    every = client.get("entries.csv?preset=everything&category=roles").text
    assert every.splitlines()[0] == client.get("entries.csv?category=roles").text.splitlines()[0]
    for refused in (
        "entries.csv?preset=auditor",
        "entries.csv?preset=hr&preset=hr",
        "entries.jsonl?preset=hr",
    ):
        assert client.get(refused).status_code == 422, refused


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({"format": "docx"}, 422, "parameter-invalid"),
        ({"format": "csv", "filter": {"actr": "user/u-1"}}, 422, "parameter-unknown"),
        ({"format": "csv", "filter": {"category": ["roels"]}}, 422, "filter-invalid"),
        ({"format": "csv", "columns": ["salary"]}, 422, "invalid"),
        ({"format": "csv", "preset": "auditor"}, 422, "parameter-invalid"),
        ({"format": "csv", "preset": "hr", "columns": ["seq"]}, 422, "invalid"),
        ({"format": "jsonl", "preset": "hr"}, 422, "invalid"),
        ({"format": "csv", "zip": True, "manifest": False}, 422, "invalid"),
        ({"format": "csv", "tz": "Mars/Olympus"}, 422, "filter-invalid"),
        ({"format": "csv", "lang": "xx"}, 422, "parameter-invalid"),
        ({"format": "csv", "as_of": 10**9}, 422, "filter-invalid"),
        ({"format": "csv", "limit": 5}, 422, "filter-invalid"),
        ({"format": "bundle-closed", "filter": {"text": "anna"}}, 403, "not-permitted"),
        ({}, 422, "filter-invalid"),
    ],
)
def test_orders_that_cannot_be(archive: httpx.Client, order: dict[str, Any], status: int, code: str) -> None:
    """Refused at once, naming what is wrong; nothing is ordered."""
    answer = archive.post("exports", json=order)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert archive.get("exports").json()["exports"] == []


NO_ZONES = [
    *(
        "",
        " ",
        "UTC ",
        "localtime",
        "posixrules",
        "Factory",
        "../UTC",
        "/etc/localtime",
        "europe/oslo",
        "utc",
    ),
    *(
        "Europe",
        "Europe/",
        "Europe/Oslo\n",
        "posix/Europe/Oslo",
        "right/Europe/Oslo",
        "leapseconds",
        "tzdata.zi",
    ),
]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"preview": "true"}, "/preview"),
        ({"as_of": "all"}, "/as_of"),
        ({"filter": {"category": 7}}, "/filter/..."),
        ({"colums": ["when"]}, "/colums"),
    ],
)
def test_an_order_of_another_shape_is_pointed_at(
    archive: httpx.Client, changed: dict[str, object], pointer: str
) -> None:
    """The member that does not fit is named; the same order without it is taken."""
    order = {"format": "csv", "filter": {}}
    answer = archive.post("exports", json=order | changed)
    assert (answer.status_code, answer.json()["code"]) == (422, "filter-invalid"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert archive.post("exports", json=order).status_code == 202


@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        (
            {
                "format": "docx",
                "lang": "xx",
                "preset": "auditor",
                "filter": {"category": ["roels"], "frob": "x"},
            },
            ["/format", "/lang", "/preset", "/filter/category", "/filter/frob"],
        ),
        ({"filter": {"hours": "night", "actor": "user/u-17"}}, ["/filter/hours"]),
        ({"filter": {"tz": "Mars/Olympus"}}, ["/filter/tz"]),
        ({"tz": "Mars/Olympus", "filter": {"tz": "Europe/Oslo"}}, ["/tz"]),
    ],
)
def test_everything_wrong_with_an_order_is_pointed_at_where_it_stands(
    archive: httpx.Client, changed: dict[str, object], pointers: list[str]
) -> None:
    """In the body that was sent, what is wrong with its filter too; without that the order is taken."""
    order = {"format": "csv", "filter": {"category": ["roles"]}}
    answer = archive.post("exports", json=order | changed)
    assert answer.status_code == 422, answer.text
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == sorted(pointers)
    assert archive.post("exports", json=order).status_code == 202


@pytest.mark.parametrize("tz", NO_ZONES, ids=ascii)
@pytest.mark.parametrize("form", ["csv", "jsonl", "bundle-inclusion"])
@pytest.mark.parametrize("filtered", [{}, {"tz": "Europe/Oslo"}], ids=["alone", "beside another"])
def test_what_is_no_zone_is_none_of_a_file_either(
    served: Served, archive: httpx.Client, tz: str, form: str, filtered: dict[str, str]
) -> None:
    """An order and a filter take the same zones: whatever a machine keeps beside them is none of either."""
    answer = archive.post("exports", json={"format": form, "tz": tz, "filter": filtered})
    assert (answer.status_code, answer.json()["code"]) == (422, "filter-invalid"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/tz"]
    reader = {"Authorization": f"Bearer {served.keys['read']}"}
    asked = httpx.get(f"{served.api}/entries", params={"tz": tz}, headers=reader)
    assert (asked.status_code, asked.json()["code"]) == (422, "filter-invalid"), asked.text
    assert archive.get("exports").json()["exports"] == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "bundle-inclusion"])
def test_a_zone_beside_that_of_the_filter_is_the_files(
    served: Served, archive: httpx.Client, form: str
) -> None:
    """The control: days are cut in the filter's zone, and the file has its own."""
    job = ordered(served, archive, format=form, tz="Asia/Tokyo", filter={"tz": "Europe/Oslo"})
    assert (job["state"], job["tz"], job["filter"]["tz"]) == ("ready", "Asia/Tokyo", ["Europe/Oslo"])
    archive.delete(f"exports/{job['id']}")


def test_who_may_not_export(served: Served, archive: httpx.Client) -> None:
    """Without the scope 403 before anything is looked up; another's export and none at all are one 404."""
    job = ordered(served, archive)
    reader = {"Authorization": f"Bearer {served.keys['read']}"}
    for path in (job["id"], "never"):
        answer = httpx.get(f"{served.api}/exports/{path}", headers=reader)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
    _, text = served.deployment.credentials.new_key(ORG, "Other archive", ("export",))
    other = {"Authorization": f"Bearer {text}"}
    answers = []
    for path in (job["id"], "never"):
        answer = httpx.get(f"{served.api}/exports/{path}/file", headers=other)
        assert answer.status_code == 404
        answers.append({**answer.json(), "request_id": ""})
    assert answers[0] == answers[1]
    assert httpx.get(f"{served.api}/exports").status_code == 401


def test_a_cookie_orders_from_our_own_pages_only(served: Served, signed_in: httpx.Client) -> None:
    """A change by cookie that another site began is refused; from our own page it is taken."""
    path = f"{served.api}/exports"
    for site, status in (("cross-site", 403), ("same-origin", 202)):
        answer = signed_in.post(path, json={"format": "csv"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status, answer.text
    deleting = f"{path}/{answer.json()['id']}"
    assert signed_in.delete(deleting, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert signed_in.delete(deleting, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 204


def test_too_many(served: Served, archive: httpx.Client) -> None:
    """A third live export of one viewer is 429; one cancelled makes room."""
    served.log.record(
        "user.profile_updated",
        actor=Actor(kind="person", type="user", id="u-17", name="Anna Berg"),
        target=Item(type="user", id="u-17", name="Anna Berg"),
        origin=Origin(interface="web"),
    )  # signed by nobody: a manifest of it waits
    answers = [archive.post("exports", json={"format": "jsonl"}) for _ in range(3)]
    assert [response.status_code for response in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "too-many-exports"
    answer = archive.get(f"exports/{answers[0].json()['id']}/file")
    assert (answer.status_code, answer.json()["code"]) == (409, "export-not-ready")
    assert archive.delete(f"exports/{answers[0].json()['id']}").status_code == 204
    assert archive.get(f"exports/{answers[0].json()['id']}").json()["state"] == "cancelled"
    assert archive.post("exports", json={"format": "jsonl"}).status_code == 202
