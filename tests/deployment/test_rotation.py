"""New signing keys: both pairs sign the head just after the entry, whatever dies or records meanwhile.

A process that dies does so by SIGKILL, before or after each thing that it leaves on the disk.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import pytest
from msgspec import structs

from trailbook import Deployment, Item, Origin, operator
from trailbook.deployment.deployment import SIGNER
from trailbook.errors import SigningRefusedError
from trailbook.proofs import Signer, Signing, new_keys, read_outside, read_ranges
from trailbook.query import from_line
from trailbook.stores import Blob, open_store
from trailbook.testing import FrozenClock, Steady
from trailbook.testing.small import ORG, assigned, grow, opened, person
from trailbook.testing.trees import head_root
from trailbook.tree import (
    Checkpoint,
    KeyRange,
    Opened,
    Policy,
    format_note,
    open_checkpoint,
    require_in_range,
    sign_checkpoint,
)

OTHER = "other"
# Whatever leaves something on the disk; a process is killed before and after each.
STEPS = {"_write": "keyring.py", "record": "recorder.py", "put_blobs": "store.py", "put_blob": "store.py"}
STEPS |= dict.fromkeys(("add_ranges", "add_note", "add_erased"), "outside_file.py")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def begun(folder: Path, clock: FrozenClock) -> None:
    """Two logs, signed, one of them with entries since."""
    deployment = opened(folder, clock)
    for org in (ORG, OTHER):
        grow(deployment.create(org), clock, 3)
        deployment.signer().sign(org)
    deployment.log(ORG).record_many([assigned(clock, 9)])
    deployment.close()


def heads(folder: Path, deployment: Deployment, org: str = ORG) -> list[Opened]:
    """Every head that is kept, smallest first, each signed by keys that sign its size."""
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    names = sorted(k for kind, k in store.blob_names(org) if kind == "checkpoint" and k != "latest")
    notes = [store.blob(org, "checkpoint", name) or b"" for name in names]
    store.close()
    ranges = deployment.key_ranges(org)
    policy = Policy(f"log.example/{org}", tuple(range_.key for range_ in ranges))
    kept = [open_checkpoint(note, policy) for note in notes]
    for head in kept:
        require_in_range(head, ranges)
    return kept


def pairs(deployment: Deployment, head: Opened) -> list[int]:
    """The numbers of the pairs that signed a head with both of their keys."""
    publics = deployment.signing.keyring.publics
    signed = {signature.key.key for signature in head.signed}
    return [n for n, keys in enumerate(zip(*publics.values(), strict=True)) if signed.issuperset(keys)]


def spans(ranges: list[KeyRange] | tuple[KeyRange, ...]) -> list[tuple[int, int | None]]:
    return [(range_.first, range_.after) for range_ in ranges]


def announced(deployment: Deployment, org: str) -> list[int]:
    """The seqs of the entries that say that the keys were replaced."""
    query = from_line("action:activity_log.key_rotated")
    return deployment.log(org).seqs(query, viewer=operator(org))


def test_the_head_just_after_the_entry_is_signed_by_both_pairs_and_later_ones_by_the_new(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """Both keys of a pair: the one that gives the time goes with the log key."""
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    deployment.rotate_keys(tmp_path / "log.db.signing")
    deployment.log(ORG).record_many([assigned(clock, 10)])
    deployment.signer().sign(ORG)
    assert [(h.checkpoint.size, pairs(deployment, h)) for h in heads(tmp_path, deployment)] == [
        (3, [0]),
        (5, [0, 1]),
        (6, [1]),
    ]
    assert spans(deployment.key_ranges(ORG)) == [(0, 6), (5, None)] * 2
    outside = read_ranges(tmp_path / "outside.txt")["log.example/acme"]
    assert outside == list(deployment.key_ranges(ORG))
    assert (deployment.verify(ORG).findings, deployment.verify(ORG).notes) == ((), ())
    deployment.rotate_keys(tmp_path / "log.db.signing")
    assert spans(deployment.key_ranges(ORG)) == [(0, 6), (5, 8), (7, None)] * 2
    outside = read_ranges(tmp_path / "outside.txt")["log.example/acme"]
    assert set(outside) == set(deployment.key_ranges(ORG))
    assert pairs(deployment, heads(tmp_path, deployment)[-1]) == [1, 2]
    deployment.close()


@contextmanager
def dying_at(step: int) -> Iterator[list[int]]:
    """Kill this process before or after the so many-th thing that it leaves on the disk; count them."""
    count = [0]

    def look(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event in ("call", "return") and STEPS.get(code.co_name) == os.path.basename(code.co_filename):
            count[0] += 1
            if count[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    try:
        yield count
    finally:
        sys.setprofile(None)


def in_a_process(work: Callable[[], None]) -> int:
    """Do something in a process of its own; how it ended."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1]


def test_whatever_a_killed_rotation_left_is_completed_by_whoever_signs_next(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """Killed at each step in turn, until one comes to its end: no head is out of range, and one entry says so."""
    (tmp_path / "begun").mkdir()
    begun(tmp_path / "begun", clock)
    ended, step, before = -1, 0, 0
    while ended != 0:
        step += 1
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "begun", folder)

        def rotate(folder: Path = folder, step: int = step) -> None:
            deployment = opened(folder, clock, create=False)
            with dying_at(step):
                deployment.rotate_keys(folder / "log.db.signing")

        ended = in_a_process(rotate)
        assert os.WIFSIGNALED(ended) or ended == 0
        deployment = opened(folder, clock, create=False)
        replaced = deployment.signing.keyring.newest == 1
        before += not replaced
        deployment.take_keys()
        for org, last in ((ORG, 5), (OTHER, 4)):
            assert announced(deployment, org) == [last - 1] * replaced, step
            kept = heads(folder, deployment, org)
            assert pairs(deployment, kept[-1]) == ([0, 1] if replaced else [0]), step
            report = deployment.verify(org, outside=deployment.heads_outside(org))
            assert (report.findings, report.notes) == ((), ()), step
            if replaced:
                assert kept[-1].checkpoint.size == last
                ranges = read_ranges(folder / "outside.txt")[f"log.example/{org}"]
                assert ranges == list(deployment.key_ranges(org)), step
                assert read_outside(folder / "outside.txt").notes_of(f"log.example/{org}")[-1] == format_note(
                    kept[-1].note
                ), step
        deployment.close()
    assert before == 7  # of the four files of a pair the last one decides: killed before it is there
    assert step > 25


def test_a_log_that_is_written_meanwhile_loses_nothing_and_every_head_verifies(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """The keys are made by another process, as the command does; the server takes them at its next look."""
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    log, stop = deployment.log(ORG), threading.Event()
    receipts: list[int] = []

    def record() -> None:
        number = 1000
        while not stop.is_set():
            receipts.append(log.record_many([assigned(clock, number)])[0].seq)
            number += 1

    threads = [threading.Thread(target=record) for _ in range(2)]
    with deployment.signing_beside():
        for thread in threads:
            thread.start()
        for seed in (7, 8):
            new_keys(tmp_path / "log.db.signing", Steady(seed), rotate=True)
            while deployment.behind_keys():
                stop.wait(0.02)
        stop.set()
        for thread in threads:
            thread.join()
    deployment.signer().sign(ORG)
    kept = heads(tmp_path, deployment)
    assert [both for both in (pairs(deployment, head) for head in kept) if len(both) > 1] == [[0, 1], [1, 2]]
    assert pairs(deployment, kept[-1]) == [2]
    assert len(announced(deployment, ORG)) == 2
    assert sorted([*receipts, *announced(deployment, ORG)]) == list(range(4, kept[-1].checkpoint.size))
    assert deployment.verify(ORG, outside=deployment.heads_outside(ORG)).findings == ()
    deployment.close()


def test_two_that_sign_at_once_record_one_entry(tmp_path: Path, clock: FrozenClock) -> None:
    """A host beside a command: both see that the log is behind."""
    begun(tmp_path, clock)
    both = [opened(tmp_path, clock, create=False) for _ in range(2)]
    new_keys(tmp_path / "log.db.signing", Steady(7), rotate=True)
    both[0]._announce(ORG)
    clock.at = clock.at.replace(second=59)
    both[1]._announce(ORG)
    for deployment in both:
        deployment.take_keys()
        assert announced(deployment, ORG) == [4]
        deployment.close()


def test_a_signer_that_another_overtook_puts_no_older_head_back(tmp_path: Path, clock: FrozenClock) -> None:
    """It looked at the log before; what it would have signed is signed already."""
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    new_keys(tmp_path / "log.db.signing", Steady(7), rotate=True)
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db")

    def overtaken(org: str) -> None:
        deployment.take_keys()
        deployment.log(org).record_many([assigned(clock, 50)])
        deployment.signer().sign(org)

    assert Signer(store, deployment.signing, overtaken).sign(ORG) is None
    assert [head.checkpoint.size for head in heads(tmp_path, deployment)] == [3, 5, 6]
    assert deployment.verify(ORG).findings == ()
    store.close()
    deployment.close()


def by_an_earlier_version(deployment: Deployment, folder: Path, clock: FrozenClock) -> Signing:
    """Rotate as versions before ranges did: the entry names the log key, and a server goes on with the old pair."""
    old = structs.replace(deployment.signing, folder=None)
    ring = new_keys(folder / "log.db.signing", Steady(7), rotate=True)
    key = Item(type="key", id=ring.current_id(f"log.example/{ORG}"))
    log = deployment.log(ORG)
    log.record("activity_log.key_rotated", actor=SIGNER, target=key, origin=Origin(interface="cli"))
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    for number in (20, 21):
        log.record_many([assigned(clock, number)])
        Signer(store, old).sign(ORG)
    store.close()
    return old


def test_a_rotation_of_an_earlier_version_gives_a_note_until_an_entry_of_today_settles_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    by_an_earlier_version(deployment, tmp_path, clock)
    report = deployment.verify(ORG, outside=deployment.heads_outside(ORG))
    assert (report.findings, len(report.notes)) == ((), 1)
    assert "an earlier version" in report.notes[0]
    deployment.signer().sign(ORG)
    assert announced(deployment, ORG) == [4, 7]
    assert spans(deployment.key_ranges(ORG)) == [(0, 9), (5, None)] * 2
    report = deployment.verify(ORG, outside=deployment.heads_outside(ORG))
    assert (report.findings, report.notes) == ((), ())
    deployment.close()


def test_a_thief_of_the_old_keys_is_found_in_the_log_and_the_signer_signs_nothing_over_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """They put a head of the right tree beside the log; the control is the head that stood there."""
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    stolen = deployment.signing.keyring
    deployment.rotate_keys(tmp_path / "log.db.signing")
    deployment.log(ORG).record_many([assigned(clock, 10)])
    deployment.signer().sign(ORG)
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db")
    honest, head = store.blob(ORG, "checkpoint", "latest") or b"", store.head(ORG)
    checkpoint = Checkpoint("log.example/acme", head.size, head_root(head))
    forged = format_note(sign_checkpoint(checkpoint, stolen.signers(checkpoint.origin), 1_800_000_000))
    for outside in (True, False):  # with the file outside, and where there is none that has the ranges
        if not outside:
            deployment._signing = structs.replace(deployment.signing, outside=None)
        for note, fault in ((forged, True), (honest, False)):
            for name in ("latest", f"{head.size:020d}"):
                store.put_blob(ORG, Blob("checkpoint", name, note))
            findings = deployment.verify(ORG).findings
            assert {f.verdict for f in findings} == ({"unsigned"} if fault else set())
            assert (deployment.trust(ORG).refused is not None) is fault
            if fault:
                deployment.log(ORG).record_many([assigned(clock, 30 + outside)])
                with pytest.raises(SigningRefusedError, match=r"does not sign heads|had replaced"):
                    deployment.signer().sign(ORG)
    assert deployment.signer().sign(ORG) is not None
    store.close()
    deployment.close()


def test_what_was_erased_before_a_crash_goes_outside_afterwards(tmp_path: Path, clock: FrozenClock) -> None:
    """The head was kept and not copied: the copy, and the tokens that a restore needs, follow at the next start."""
    begun(tmp_path, clock)
    deployment = opened(tmp_path, clock, create=False)
    deployment.log(ORG).erase(person(100), actor=SIGNER, origin=Origin(interface="job"))
    whole = (tmp_path / "outside.txt").read_bytes()
    deployment.signer().sign(ORG)
    copied = read_outside(tmp_path / "outside.txt")
    (tmp_path / "outside.txt").write_bytes(whole)
    assert read_outside(tmp_path / "outside.txt") != copied
    assert deployment.signer().sign(ORG) is None
    assert read_outside(tmp_path / "outside.txt") == copied
    deployment.signer().sign(ORG)
    assert read_outside(tmp_path / "outside.txt") == copied
    deployment.close()
