"""Proofs over HTTP: what is fetched is enough to verify, and only who may read proofs gets it."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from trailbook.errors import ProofInvalidError
from trailbook.model import Actor, Item, Origin
from trailbook.record.canonical import item_preimage, token_of
from trailbook.testing import FrozenClock
from trailbook.testing.witness import witnessing_server
from trailbook.tree import parse_range
from trailbook.tree.checkpoint import Policy, open_checkpoint, parse_proof, parse_vkey
from trailbook.tree.merkle import leaf_hash, subtree_root, verify_inclusion

VERIFIER = Path(__file__).parents[3] / "examples" / "check_it_yourself.py"
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")


@pytest.fixture(scope="module")
def proving(serve: Callable[..., Any]) -> Any:
    """A server of its own, whose log is signed."""
    served = serve()
    served.deployment.signer().sign("nordlys")
    return served


@pytest.fixture
def prover(proving: Any) -> Iterator[httpx.Client]:
    """A client whose key may read proofs, and nothing that it does not need."""
    scopes, named = ("read", "prove"), ("whistleblowing",)
    _, secret = proving.deployment.credentials.new_key("nordlys", "Auditor", scopes, restricted=named)
    with httpx.Client(base_url=proving.base_url, headers={"Authorization": f"Bearer {secret}"}) as client:
        yield client


def newest(client: httpx.Client) -> dict[str, Any]:
    """The newest entry that the signed head covers."""
    entries = client.get("/api/v1/orgs/nordlys/entries").json()["entries"]
    return next(entry for entry in entries if entry["state"] == "checkpointed")


def test_what_is_fetched_verifies_without_us(prover: httpx.Client) -> None:
    entry = newest(prover)
    body = prover.get(f"/api/v1/orgs/nordlys/entries/{entry['id']}/leaf").content
    proof = parse_proof(prover.get(f"/api/v1/orgs/nordlys/entries/{entry['id']}/proof").content)
    keys = [parse_vkey(line) for line in prover.get("/log/nordlys/key").text.splitlines()]
    head = open_checkpoint(prover.get("/log/nordlys/checkpoint").content, Policy(keys[0].name, tuple(keys)))
    size, root = head.checkpoint.size, head.checkpoint.root
    verify_inclusion(leaf_hash(body), proof.hashes, index=entry["seq"], size=size, root=root)
    assert proof.index == entry["seq"]
    with pytest.raises(ProofInvalidError):  # the control: another body is not in the tree
        verify_inclusion(leaf_hash(body + b" "), proof.hashes, index=entry["seq"], size=size, root=root)


def test_who_has_seen_which_head_is_told(
    serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the head is served with their cosignatures; where nobody is asked, nobody has."""
    served, clock = serve(), FrozenClock(datetime.now(UTC))
    deployment, origin = served.deployment, f"{served.deployment.signing.origin}/nordlys"
    _, secret = deployment.credentials.new_key("nordlys", "Auditor", ("prove",))
    with (
        witnessing_server(tmp_path, clock) as server,
        httpx.Client(base_url=served.base_url, headers={"Authorization": f"Bearer {secret}"}) as client,
    ):
        assert client.get("/log/nordlys/witnesses").status_code == 404
        deployment.signer().sign("nordlys")
        assert client.get("/log/nordlys/witnesses").json() == []
        server.knows({origin: deployment.signing.keyring.verifiers(origin)})
        signing = structs.replace(deployment.signing, witnesses=(server.witness,), places=(server.place,))
        monkeypatch.setattr(deployment, "_signing", signing)
        unseen = {"name": "witness.example/1", "size": None, "at": None, "newest": False}
        assert client.get("/log/nordlys/witnesses").json() == [unseen]
        (witnessing,) = deployment.signer().witnessings
        [witnessing.ask(org) for org in witnessing.due()]
        (seen,) = client.get("/log/nordlys/witnesses").json()
        note = client.get("/log/nordlys/checkpoint").content
        head = open_checkpoint(
            note, Policy(origin, signing.keyring.verifiers(origin), server.witness.keys, 2)
        )
        assert (seen["size"], seen["newest"]) == (head.checkpoint.size, True)
        assert datetime.fromisoformat(seen["at"]).timestamp() == head.cosigned[0].time


def test_tiles_and_entry_bundles_are_those_of_the_tree(prover: httpx.Client) -> None:
    size = int(prover.get("/log/nordlys/checkpoint").text.splitlines()[1])
    tile = prover.get(f"/log/nordlys/tile/0/000.p/{size}")
    entries = prover.get(f"/log/nordlys/tile/entries/000.p/{size}").content
    bodies = []
    while entries:
        length = int.from_bytes(entries[:2], "big")
        bodies.append(entries[2 : 2 + length])
        entries = entries[2 + length :]
    assert tile.content == b"".join(map(leaf_hash, bodies))
    assert tile.headers["etag"]
    assert tile.headers["cache-control"] == "private, max-age=31536000, immutable"
    root = subtree_root([leaf_hash(body) for body in bodies])
    assert prover.get("/log/nordlys/checkpoint").text.splitlines()[2] == base64.b64encode(root).decode()
    for width in (1, size - 1):
        assert prover.get(f"/log/nordlys/tile/0/000.p/{width}").content == tile.content[: 32 * width]
    beyond = f"tile/0/000.p/{size + 1}", f"tile/entries/000.p/{size + 1}", "tile/7/000.p/129"
    for missing in ("tile/0/001", *beyond, "tile/1/000.p/1", "tile/0/nonsense"):
        assert prover.get(f"/log/nordlys/{missing}").status_code == 404


def test_the_verifier_to_read_checks_a_server(proving: Any, prover: httpx.Client, tmp_path: Path) -> None:
    """With a key that may read proofs, whose entries are all there; without one nothing is shown."""
    (tmp_path / "keys").write_text(prover.get("/log/nordlys/key").text, "utf-8")
    words = [f"{proving.base_url}/log/nordlys", "--key", str(tmp_path / "keys"), "--entries"]
    command = [sys.executable, "-I", str(VERIFIER), *words]
    secret = prover.headers["authorization"].removeprefix("Bearer ")
    done = subprocess.run(
        command,
        env={"LOG_API_KEY": secret, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    size = prover.get("/log/nordlys/checkpoint").text.splitlines()[1]
    assert (done.returncode, f"{size} of {size} entries are published" in done.stdout) == (0, True), (
        done.stderr
    )
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "the server answers 401" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["checkpoint", "key"])
def test_notes_and_keys_are_text_in_one_charset_that_nobody_keeps(prover: httpx.Client, name: str) -> None:
    answer = prover.get(f"/log/nordlys/{name}")
    assert answer.headers.get_list("content-type") == ["text/plain; charset=utf-8"]
    assert answer.headers["cache-control"] == "no-store"


def test_identities_open_the_tokens(prover: httpx.Client) -> None:
    identities = prover.get("/api/v1/orgs/nordlys/items/user/u-42/identities").json()
    bob = identities[0]
    item = Item(type=bob["type"], id=bob["id"], name=bob["name"])
    assert token_of(item_preimage(item), bytes.fromhex(bob["salt"])) == bob["token"]


def test_absent_and_erased_items_answer_alike(proving: Any, prover: httpx.Client) -> None:
    log = proving.deployment.log("nordlys")
    gone = Actor(kind="person", type="user", id="u-gone", name="Gone Soon")
    web = Origin(interface="web")
    log.record("user.profile_updated", actor=gone, target=Item(type="user", id="u-gone"), origin=web)
    assert prover.get("/api/v1/orgs/nordlys/items/user/u-gone/identities").status_code == 200
    log.erase(Item(type="user", id="u-gone"), actor=ANNA, origin=web)
    erased = prover.get("/api/v1/orgs/nordlys/items/user/u-gone/identities")
    absent = prover.get("/api/v1/orgs/nordlys/items/user/u-never/identities")
    answers = [{k: v for k, v in a.json().items() if k != "request_id"} for a in (erased, absent)]
    assert (erased.status_code, answers[0]) == (404, answers[1])


def test_an_entry_that_is_not_signed_yet_says_so(proving: Any, prover: httpx.Client) -> None:
    log = proving.deployment.log("nordlys")
    receipt = log.record(
        "role.created", actor=ANNA, target=Item(type="role", id="r-new"), origin=Origin(interface="web")
    )
    early = prover.get(f"/api/v1/orgs/nordlys/entries/{receipt.id}/proof")
    assert (early.status_code, early.json()["code"]) == (409, "not-checkpointed")
    assert early.headers["retry-after"] == "1"
    proving.deployment.signer().sign("nordlys")
    assert prover.get(f"/api/v1/orgs/nordlys/entries/{receipt.id}/proof").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/orgs/nordlys/entries/{id}/leaf",
        "/api/v1/orgs/nordlys/entries/{id}/proof",
        "/api/v1/orgs/nordlys/items/user/u-42/identities",
        "/log/nordlys/checkpoint",
        "/log/nordlys/key",
        "/log/nordlys/tile/entries/000.p/62",
    ],
)
def test_only_who_may_read_proofs_is_let_in(proving: Any, prover: httpx.Client, path: str) -> None:
    """401, 403 for a key that may read entries, 403 for a foreign one; the control is the prover."""
    at = proving.base_url + path.format(id=newest(prover)["id"])
    assert httpx.get(at).status_code == 401
    for name in ("read", "both", "other"):
        refused = httpx.get(at, headers={"Authorization": f"Bearer {proving.keys[name]}"})
        assert (refused.status_code, refused.json()["code"]) == (403, "not-permitted")
    assert prover.get(at).status_code in (200, 404)


def test_keys_that_were_replaced_come_with_the_sizes_that_they_sign(serve: Callable[..., Any]) -> None:
    """Each alone before that, as other people's tools read it."""
    served = serve()
    deployment = served.deployment
    deployment.signer().sign("nordlys")
    _, secret = deployment.credentials.new_key("nordlys", "Auditor", ("prove",))
    with httpx.Client(base_url=served.base_url, headers={"Authorization": f"Bearer {secret}"}) as client:
        before = client.get("/log/nordlys/key").text.splitlines()
        assert [range_.key for range_ in map(parse_range, before)] == [parse_vkey(line) for line in before]
        deployment.rotate_keys(deployment.signing.folder)
        size = int(client.get("/log/nordlys/checkpoint").text.splitlines()[1])
        after = client.get("/log/nordlys/key").text.splitlines()
    assert [(r.first, r.after) for r in map(parse_range, after)] == [(0, size + 1), (size, None)] * 2
    assert [line.partition(" ")[0] for line in after[::2]] == before
