"""`witness`: keys, a server for other people's logs, and what it says of them."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from tests.cli.conftest import Folder, serving
from tests.witness.conftest import LOG, ORIGIN, MadeLog

from trailbook.stores import open_store
from trailbook.tree import Policy, format_vkey, open_checkpoint, parse_note, parse_vkey, verifier_of

TRUE, FORK = MadeLog(), MadeLog(forks=3)


@pytest.fixture
def witness(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A folder with a witness of one log."""
    empty = Folder(tmp_path_factory.mktemp("witness"))
    log = f'[[logs]]\norigin = "{ORIGIN}"\nkeys = ["{format_vkey(verifier_of(LOG))}"]\n'
    (empty.path / "witness.toml").write_text(f'name = "witness.example/1"\n{log}')
    empty.good("witness", "keys")
    return empty


def submit(
    address: str, content: bytes, path: str = "/add-checkpoint", method: str = "POST"
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request(method, path, content)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_keys_are_made_once_and_printed_ever_after(witness: Folder) -> None:
    lines = witness.good("witness", "keys").out.splitlines()
    assert [parse_vkey(line).alg for line in lines] == [4, 6]
    assert witness.good("witness", "keys", "--json").json == {"keys": lines}
    assert (witness.path / "witness.key").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in "".join(lines)


def test_what_was_seen_is_not_begun_anew_under_the_same_keys(witness: Folder) -> None:
    (witness.path / "witness.db").unlink()
    witness.good("witness", "keys")
    for command in ("serve", "status"):
        ended = witness.run("witness", command)
        assert (ended.code, "another name and new keys" in ended.err) == (4, True)


def test_a_witness_serves_whoever_knows_its_address(witness: Folder) -> None:
    """Status tells what was cosigned while the server runs, and a fork, for ever, with exit 1."""
    assert witness.good("witness", "status").out == f"{ORIGIN}: nothing cosigned yet.\n"
    keys = tuple(map(parse_vkey, witness.good("witness", "keys").out.splitlines()))
    with serving(witness, "witness", "serve") as served:
        assert served.answer["name"] == "witness.example/1"
        status, lines = submit(served.address, TRUE.submission(0, 7))
        assert status == 200
        note = parse_note(TRUE.note(7)).text.encode() + b"\n" + TRUE.note(7).split(b"\n\n")[1] + lines
        assert len(open_checkpoint(note, Policy(ORIGIN, (verifier_of(LOG),), keys, 2)).cosigned) == 2
        assert witness.good("witness", "status").out.startswith(f"{ORIGIN}: 7 entries, last cosigned 20")
        assert submit(served.address, TRUE.submission(3, 9)) == (409, b"7\n")
        assert submit(served.address, b"nonsense")[0] == 400
        assert submit(served.address, MadeLog(origin="log.example/b").submission(0, 1))[0] == 404
        assert submit(served.address, FORK.submission(7, 9))[0] == 422
    with serving(witness, "witness", "serve") as served:
        assert submit(served.address, FORK.submission(7, 9))[0] == 422
        assert submit(served.address, TRUE.submission(7, 9))[0] == 200
    ended = witness.run("witness", "status")
    assert ended.code == 1
    first, second = ended.out.splitlines()
    assert first.startswith(f"{ORIGIN}: 9 entries, last cosigned")
    assert second.startswith(f"{ORIGIN}: refused ")
    assert second.endswith(
        ": a head of 9 entries after the cosigned one of 7: the log's key signed two histories."
    )
    answer = json.loads(witness.run("witness", "status", "--json").out)
    (refused,) = answer["refused"]
    assert (refused["proved"], refused["size"], refused["after"]) == (True, 9, 7)
    assert refused["note"].encode() == FORK.note(9)
    assert answer["logs"][0]["last"]["root"] == TRUE.root(9).hex()


def test_it_takes_nothing_else_and_a_head_without_a_proof_is_no_finding(witness: Folder) -> None:
    with serving(witness, "witness", "serve") as served:
        assert submit(served.address, b"", "/")[0] == 404
        assert submit(served.address, b"", "/add-checkpoint/")[0] == 404
        assert submit(served.address, b"", method="GET")[0] == 405
        assert submit(served.address, b"x" * 262_145)[0] == 413
        assert submit(served.address, b"x" * 262_144)[0] == 400
        assert submit(served.address, TRUE.submission(0, 7))[0] == 200
        assert submit(served.address, TRUE.submission(7, 9, []))[0] == 422
    ended = witness.run("witness", "status")
    assert (ended.code, "gave no proof that it extends that one" in ended.out) == (0, True)


def test_a_server_cannot_be_begun_without_its_settings_or_keys(witness: Folder) -> None:
    (witness.path / "witness.key").unlink()
    assert witness.run("witness", "serve").code == 4
    assert witness.run("witness", "serve", "none.toml").code == 2
    witness.good("witness", "keys")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "another program listens" in witness.run("witness", "serve", "--listen", listen).err


def test_a_served_log_is_witnessed_by_another_process(begun: Folder, witness: Folder) -> None:
    """From the settings to the bundle that an auditor checks, with nothing in between but commands."""
    for _ in range(3):
        begun.good(*begun.given)
    vkeys = witness.good("witness", "keys").out.split()
    log = [json.dumps(vkey) for vkey in begun.good("keys", "list").out.split()]
    origin = begun.good("keys", "list").out.partition("+")[0]
    settings = f'name = "witness.example/1"\n[[logs]]\norigin = "{origin}"\nkeys = [{", ".join(log)}]\n'
    (witness.path / "witness.toml").write_text(settings)
    with serving(witness, "witness", "serve") as served:
        port = urlsplit(served.address).port
        with (begun.path / "trailbook.toml").open("a") as out:
            out.write(f'witnesses = ["{served.address} {" ".join(vkeys)}"]\n')
            out.write(f'outgoing_private = ["127.0.0.1:{port}=127.0.0.1/32"]\n')
        with serving(begun):
            until(lambda: f"{origin}: 3 entries" in witness.good("witness", "status").out)
            until(lambda: "witness.example/1 saw the head of acme over 3 entries" in begun.run("doctor").out)
    store, _ = open_store(f"sqlite:///{begun.path / 'trailbook.db'}")
    (note,) = [
        store.blob("acme", kind, key) or b"" for kind, key in store.blob_names("acme") if kind == "witnessed"
    ]
    store.close()
    keys = tuple(map(parse_vkey, begun.good("keys", "list").out.split()))
    opened = open_checkpoint(note, Policy(origin, keys, tuple(map(parse_vkey, vkeys)), 2))
    assert (opened.checkpoint.size, len(opened.cosigned)) == (3, 2)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
