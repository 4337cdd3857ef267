"""Witnesses are asked, believed only where their cosignatures verify, and never waited for."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Query
from trailbook.access import operator
from trailbook.deployment import Deployment, Signs, open_deployment
from trailbook.errors import AnchorError, ConfigurationError, InvalidError
from trailbook.proofs import Signer, Witness, check_witnesses, keyring_of, parse_witness
from trailbook.proofs.witnesses import MOST_WITNESSES
from trailbook.stores import Blob
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow
from trailbook.testing.witness import WitnessServer, witnessing_server
from trailbook.tree import (
    Note,
    Policy,
    SignerKey,
    VerifierKey,
    format_note,
    format_vkey,
    open_checkpoint,
    parse_note,
    parse_proof,
    sign,
    verifier_of,
)
from trailbook.witness import WitnessAnswer

ORIGIN = f"log.example/{ORG}"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def server(tmp_path: Path, clock: FrozenClock) -> Iterator[WitnessServer]:
    with witnessing_server(tmp_path, clock) as made:
        yield made


def opened(folder: Path, clock: FrozenClock, *servers: WitnessServer, name: str = "log") -> Deployment:
    """A deployment whose heads these witnesses are asked to cosign; they know its log."""
    signs = Signs(
        origin="log.example",
        witnesses=tuple(server.witness for server in servers),
        places=tuple(server.place for server in servers),
    )
    deployment = open_deployment(f"sqlite:///{folder}/{name}.db", create=True, clock=clock, signs=signs)
    for server in servers:
        server.knows({ORIGIN: deployment.signing.keyring.verifiers(ORIGIN)})
    return deployment


def ask(signer: Signer) -> None:
    """What the loops of witnessing do, once."""
    for witnessing in signer.witnessings:
        for org in witnessing.due():
            witnessing.ask(org)


def policy(deployment: Deployment, *servers: WitnessServer) -> Policy:
    keys = tuple(key for server in servers for key in server.witness.keys)
    return Policy(ORIGIN, deployment.verifier_keys(ORG), keys, len(keys))


def test_a_head_is_cosigned_and_served_with_its_cosignatures(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """With a key of each type; the log goes on to hold, and says who has seen how much of it."""
    deployment = opened(tmp_path, clock, server)
    log, signer = deployment.create(ORG), deployment.signer()
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [None]
    for first in (100, 200):
        grow(log, clock, 300, first)
        clock.move(timedelta(minutes=1))
        signer.sign(ORG)
        ask(signer)
    head = open_checkpoint(log.checkpoint(viewer=operator(ORG)), policy(deployment, server))
    assert (head.checkpoint.size, len(head.cosigned)) == (600, 2)
    assert log.evidence(viewer=operator(ORG)).note == format_note(head.note)
    entry = log.search(Query(), viewer=operator(ORG), limit=1).entries[0]
    proof = parse_proof(log.proof(UUID(entry.id), viewer=operator(ORG)))
    assert open_checkpoint(format_note(proof.note), policy(deployment, server)) == head
    assert [raw.partition(b"\n")[0] for raw in server.asked] == [b"old 0", b"old 300"]
    (seen,) = deployment.trust(ORG).witnesses
    assert (seen.name, seen.size, seen.at, seen.newest) == ("witness.example/1", 600, clock.at, True)
    report = deployment.verify(ORG)
    assert (report.findings, report.checked["checkpoints"]) == ((), 5)
    grow(log, clock, 1, 900)
    signer.sign(ORG)
    assert [(seen.size, seen.newest) for seen in deployment.trust(ORG).witnesses] == [(600, False)]
    assert len(parse_note(log.checkpoint(viewer=operator(ORG))).signatures) == 2
    deployment.close()


def test_keys_are_replaced_while_a_witness_is_asked(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """By the signer that runs: what the witness saw last is known still, and heads of the new keys are."""
    deployment = opened(tmp_path, clock, server)
    log, signer = deployment.create(ORG), deployment.signer()
    for first in (100, 200, 300):
        grow(log, clock, 3, first)
        signer.sign(ORG)
        ask(signer)
        if first == 100:
            deployment.rotate_keys(tmp_path / "log.db.signing")
            server.knows({ORIGIN: deployment.signing.keyring.verifiers(ORIGIN)})
        clock.move(timedelta(minutes=1))
    assert [raw.partition(b"\n")[0] for raw in server.asked] == [b"old 0", b"old 3", b"old 7"]
    assert [(seen.size, seen.newest) for seen in deployment.trust(ORG).witnesses] == [(10, True)]
    deployment.close()


def test_a_witness_is_asked_once_a_minute_and_after_a_start(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    deployment = opened(tmp_path, clock, server)
    log, signer = deployment.create(ORG), deployment.signer()
    for seconds, times in ((0, 1), (30, 1), (29, 1), (1, 2)):
        clock.move(timedelta(seconds=seconds))
        grow(log, clock, 3)
        signer.sign(ORG)
        ask(signer)
        assert len(server.asked) == times
    clock.move(timedelta(minutes=5))
    ask(signer)
    assert len(server.asked) == 2
    ask(deployment.signer())
    assert [raw.partition(b"\n")[0] for raw in server.asked] == [b"old 0", b"old 3", b"old 12"]
    deployment.close()


def test_a_log_without_a_head_is_asked_about_as_soon_as_it_has_one(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    deployment = opened(tmp_path, clock, server)
    log, signer = deployment.create(ORG), deployment.signer()
    ask(signer)
    assert (signer.witnessings[0].due(), server.asked) == ([], [])
    grow(log, clock, 3)
    signer.sign(ORG)
    ask(signer)
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [3]
    deployment.close()


def test_an_idle_log_is_seen_again_each_hour(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """So that it is known until when nothing was added."""
    deployment = opened(tmp_path, clock, server)
    grow(deployment.create(ORG), clock, 3)
    signer = deployment.signer()
    for _ in range(2):
        clock.move(timedelta(hours=1))
        signer.sign(ORG)
        ask(signer)
    assert [seen.at for seen in deployment.trust(ORG).witnesses] == [clock.at]
    head = open_checkpoint(deployment.log(ORG).checkpoint(viewer=operator(ORG)), policy(deployment, server))
    assert {signature.time for signature in head.cosigned} == {int(clock.at.timestamp())}
    deployment.close()


def test_each_witness_has_its_own_cosignatures_on_one_head(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """One that is away holds up neither the others nor signing, and is asked again."""
    (tmp_path / "second").mkdir()
    with witnessing_server(tmp_path / "second", clock, "witness.example/2") as second:
        deployment = opened(tmp_path, clock, second, server)
        grow(deployment.create(ORG), clock, 3)
        signer = deployment.signer()
        second.answer = lambda _raw: WitnessAnswer(503, b"secret words")
        signer.sign(ORG)
        away, there = signer.witnessings
        for _ in range(2):
            with pytest.raises(AnchorError) as caught:
                away.ask(away.due()[0])
            assert caught.value.detail == "witness.example/2: it answered with status 503"
        there.ask(there.due()[0])
        assert [seen.size for seen in deployment.trust(ORG).witnesses] == [None, 3]
        second.answer = second.honest
        away.ask(away.due()[0])
        assert (away.due(), there.due()) == ([], [])
        note = deployment.log(ORG).checkpoint(viewer=operator(ORG))
        assert len(open_checkpoint(note, policy(deployment, server, second)).cosigned) == 4
        assert [seen.newest for seen in deployment.trust(ORG).witnesses] == [True, True]
        deployment.close()


def test_a_witness_that_nobody_answers_for_is_away(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    deployment = opened(tmp_path, clock, server)
    grow(deployment.create(ORG), clock, 3)
    signer = deployment.signer()
    signer.sign(ORG)
    server.server_close()
    with pytest.raises(AnchorError, match=r"^witness.example/1 is away: 127.0.0.1:"):
        ask(signer)
    assert signer.sign(ORG) is None
    grow(deployment.log(ORG), clock, 3)
    assert signer.sign(ORG) is not None
    deployment.close()


def test_one_that_knows_more_or_less_than_is_remembered_says_so(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """What was kept of it was lost, or it was another's."""
    deployment = opened(tmp_path, clock, server)
    log, signer = deployment.create(ORG), deployment.signer()
    grow(log, clock, 5)
    signer.sign(ORG)
    ask(signer)
    deployment._store.put_blob(ORG, Blob("witness", server.witness.id, b"damaged"))
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [None]
    grow(log, clock, 5)
    clock.move(timedelta(minutes=1))
    signer.sign(ORG)
    ask(signer)
    assert [raw.partition(b"\n")[0] for raw in server.asked] == [b"old 0", b"old 0", b"old 5"]
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [10]
    deployment.close()


def forked(tmp_path: Path, clock: FrozenClock, server: WitnessServer, size: int) -> Deployment:
    """Another log under the same keys and origin, as a copy that goes on by itself makes one."""
    first = opened(tmp_path, clock, server)
    grow(first.create(ORG), clock, 5)
    signer = first.signer()
    signer.sign(ORG)
    ask(signer)
    first.close()
    folder = tmp_path / "fork"
    folder.mkdir()
    (tmp_path / "log.db.signing").rename(folder / "log.db.signing")
    (tmp_path / "log.db.keys").rename(folder / "log.db.keys")
    (folder / "log.db.keys").unlink()
    signs = Signs(origin="log.example", witnesses=(server.witness,), places=(server.place,))
    second = open_deployment(f"sqlite:///{folder}/log.db", create=True, clock=clock, signs=signs)
    grow(second.create(ORG), clock, size, 500)
    second.signer().sign(ORG)
    return second


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (3, "it has seen 5 entries of the log, of which 3 are signed here: entries were lost"),
        (5, "it has cosigned another head of 5 entries: there are two histories of the log"),
        (9, "it has cosigned a head of 5 entries that this one does not extend: it holds another history"),
    ],
)
def test_another_history_is_told_and_never_cosigned(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer, size: int, why: str
) -> None:
    second = forked(tmp_path, clock, server, size)
    with pytest.raises(AnchorError) as caught:
        ask(second.signer())
    assert caught.value.detail.startswith(f"witness.example/1: {why}")
    assert [seen.size for seen in second.trust(ORG).witnesses] == [None]
    assert [(head.size, head.proved) for head in server.heads.refused()] == (
        [] if size < 5 else [(size, True)]
    )
    assert [head.size for head in server.heads.cosigned()] == [5]
    second.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (WitnessAnswer(400, b""), "it cannot read what it was sent"),
        (WitnessAnswer(403, b""), "it does not know the key that signed"),
        (WitnessAnswer(404, b""), f"it does not know the log {ORIGIN}"),
        (WitnessAnswer(422, b""), "it has cosigned a head of 0 entries"),
        (WitnessAnswer(409, b"0\n", "text/x.tlog.size"), "it was shown another head meanwhile"),
        (WitnessAnswer(409, b"5\n", "text/plain"), "it answered that it has seen another size"),
        (WitnessAnswer(409, b"05\n", "text/x.tlog.size"), "it answered that it has seen another size"),
        (WitnessAnswer(409, b"5", "text/x.tlog.size"), "it answered that it has seen another size"),
        (WitnessAnswer(409, b"6\n", "text/x.tlog.size"), "it has seen 6 entries of the log, of which 5"),
        (WitnessAnswer(409, b"4\n", "text/x.tlog.size"), "it was shown another head meanwhile"),
        (WitnessAnswer(302, b""), "it answered with status 302"),
        (WitnessAnswer(200, b""), "its answer does not verify"),
        (WitnessAnswer(200, b"secret"), "its answer does not verify"),
        (WitnessAnswer(200, b"x" * 70_000), "is away: 127.0.0.1"),
    ],
)
def test_each_answer_of_the_standard_is_told_apart(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer, answer: WitnessAnswer, why: str
) -> None:
    deployment = opened(tmp_path, clock, server)
    grow(deployment.create(ORG), clock, 5)
    signer = deployment.signer()
    signer.sign(ORG)
    server.answer = lambda _raw: answer
    with pytest.raises(AnchorError) as caught:
        ask(signer)
    assert why in caught.value.detail
    assert "secret" not in caught.value.detail
    assert len(server.asked) == 1 + (answer.content == b"4\n")
    assert signer.witnessings[0].due() == [ORG]
    server.answer = server.honest
    ask(signer)
    assert signer.witnessings[0].due() == []
    deployment.close()


def answering(server: WitnessServer, key: SignerKey, at: int, size: int | None = None) -> None:
    """Let a witness cosign with this key and time, and only the head of its `size`, whatever it is sent."""

    def answer(raw: bytes) -> WitnessAnswer:
        text = parse_note(raw.partition(b"\n\n")[2]).text
        text = text if size is None else text.replace("\n5\n", f"\n{size}\n")
        note = Note(text, (sign(text, key, at),))
        return WitnessAnswer(200, format_note(note).removeprefix(f"{text}\n".encode()))

    server.answer = answer


def test_a_cosignature_that_is_not_the_witness_s_over_this_head_now_is_not_kept(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    deployment = opened(tmp_path, clock, server)
    grow(deployment.create(ORG), clock, 5)
    signer, now = deployment.signer(), int(clock.at.timestamp())
    signer.sign(ORG)
    key = server.keys[1]
    own = deployment.signing.keyring.signers(ORIGIN)[1]
    wrong = ((own, now, None), (SignerKey("other", 6, key.seed), now, None), (key, 0, None), (key, now, 6))
    for by, at, size in (*wrong, (SignerKey(key.name, 6, b"x" * 32), now, None), (key, now + 3601, None)):
        answering(server, by, at, size)
        with pytest.raises(AnchorError, match=r"does not verify|is not now"):
            ask(signer)
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [None]
    answering(server, key, now + 3600)
    ask(signer)
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [5]
    assert deployment.verify(ORG).findings == ()
    deployment.close()


def test_a_running_signer_does_not_wait_for_its_witness(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails is told once and in the health of the deployment, until it works by itself."""
    deployment = opened(tmp_path, clock, server)
    log = deployment.create(ORG)
    grow(log, clock, 1)
    server.answer = lambda _raw: (server.ended.wait(0.2), WitnessAnswer(503, b""))[1]
    waiting = threading.Event()
    with deployment.signing_beside():
        while not (ailments := deployment.ailments()):
            waiting.wait(0.02)
        signed = deployment.trust(ORG).signed
        server.answer = server.honest
        while not deployment.trust(ORG).witnesses[0].newest or deployment.ailments():
            waiting.wait(0.02)
    assert [(ailment.part, ailment.org, ailment.fails) for ailment in ailments] == [
        ("witnessing", ORG, False)
    ]
    assert signed is not None
    assert signed.size == 1
    assert [text.partition(":")[0] for text in caplog.messages] == [
        "witnessing of acme failed and is tried again",
        "witnessing of acme goes on",
    ]
    deployment.close()


def test_a_forged_cosignature_in_the_database_is_not_counted(
    tmp_path: Path, clock: FrozenClock, server: WitnessServer
) -> None:
    """And a head among the witnessed ones that the log did not sign is a finding."""
    deployment = opened(tmp_path, clock, server)
    grow(deployment.create(ORG), clock, 5)
    signer = deployment.signer()
    signer.sign(ORG)
    ask(signer)
    store, key = deployment._store, f"{5:020d}"
    note = store.blob(ORG, "witnessed", key) or b""
    assert deployment.verify(ORG).findings == ()
    lines = parse_note(note)
    thief = sign(lines.text, SignerKey(server.witness.name, 4, b"t" * 32), 9)
    bent = structs.replace(lines.signatures[2], signature=thief.signature)
    forged = format_note(Note(lines.text, (*lines.signatures[:2], bent)))
    store.put_blob(ORG, Blob("witness", server.witness.id, forged))
    assert [seen.size for seen in deployment.trust(ORG).witnesses] == [None]
    store.put_blob(ORG, Blob("witnessed", key, format_note(Note(lines.text, lines.signatures[2:]))))
    assert [finding.verdict for finding in deployment.verify(ORG).findings] == ["unsigned"]
    deployment.close()


RING = keyring_of({"log": b"l" * 32, "cosign": b"c" * 32})
OWN = RING.verifiers("any")
OTHER = verifier_of(SignerKey("witness.example/1", 4, b"w" * 32))


def named(key: VerifierKey, name: str | None = None) -> Witness:
    return parse_witness(f"https://w.example {format_vkey(structs.replace(key, name=name or key.name))}")


def test_the_log_s_own_keys_are_no_witness(tmp_path: Path, clock: FrozenClock) -> None:
    """Not its second key under another name either, nor another key under its name."""
    check_witnesses((named(OTHER),), RING, "log.example")
    for witness in (named(OWN[1], "w"), named(OTHER, "log.example"), named(OTHER, "log.example/acme")):
        with pytest.raises(ConfigurationError, match=r"^witnesses: .*is no witness of it"):
            check_witnesses((witness,), RING, "log.example")
    for second in (named(OTHER, "w"), named(structs.replace(OTHER, key=b"k" * 32))):
        with pytest.raises(ConfigurationError, match="so they are one witness"):
            check_witnesses((named(OTHER), second), RING, "log.example")
    many = [named(structs.replace(OTHER, key=bytes([at]) * 32), f"w{at}") for at in range(MOST_WITNESSES + 1)]
    check_witnesses(many[1:], RING, "log.example")
    with pytest.raises(ConfigurationError, match="more than 32"):
        check_witnesses(many, RING, "log.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://w.example",
        f"https://w.example  {format_vkey(OTHER)}",
        f"w.example {format_vkey(OTHER)}",
        f"https://u:p@w.example {format_vkey(OTHER)}",
        f"https://w.example {format_vkey(OTHER)[:-4]}",
        f"https://w.example {format_vkey(verifier_of(SignerKey('w', 1, b'w' * 32)))}",
        f"https://w.example {format_vkey(OTHER)} {format_vkey(structs.replace(OTHER, name='other'))}",
    ],
)
def test_a_witness_that_cannot_be_read_is_refused(text: str) -> None:
    assert parse_witness(f"https://w.example {format_vkey(OTHER)}").name == OTHER.name
    with pytest.raises(InvalidError):
        parse_witness(text)
