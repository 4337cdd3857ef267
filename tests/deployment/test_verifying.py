"""Verifications in a process of their own: what they find is recorded, one at a time, and nothing else is said."""

import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from msgspec import structs

from trailbook import Item, Viewer, open_deployment
from trailbook.access.viewer import operator
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.verifying import Underway, Verifications, _start, task_of
from trailbook.errors import ConfigurationError, NotPermittedError
from trailbook.model import Actor, Origin
from trailbook.query import Query, Term

ORG = "acme"
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
AUDITOR = Viewer(
    org=ORG, item=Item(type="user", id="u-9", name="Kari Lie"), activity_log="full", verify_log="full"
)
OUTCOMES = ("activity_log.verified", "activity_log.verification_failed")


def begun(folder: Path) -> Deployment:
    """A log of a few entries, signed."""
    deployment = open_deployment(f"sqlite:///{folder / 'log.db'}", create=True)
    log = deployment.create(ORG)
    for at in range(5):
        role = Item(type="role", id=f"r-{at}", name="Reader")
        concerns = {"member": Item(type="user", id="u-42", name="Bob Li")}
        log.record(
            "role.assigned", actor=ANNA, target=role, concerns=concerns, origin=Origin(interface="web")
        )
    deployment.signer().sign(ORG)
    return deployment


def ended(verifying: Verifications) -> Underway | None:
    """What remains once the verification is over."""
    while (now := verifying.of(ORG)) is not None and now.failed is None:
        time.sleep(0.01)
    return now


def outcomes(deployment: Deployment) -> list[tuple[str, str]]:
    """What the log remembers of verifications, oldest first, and who had them made."""
    query = Query(terms=(Term("action", OUTCOMES),))
    entries = deployment.log(ORG).search(query, viewer=operator(ORG), order="asc").entries
    return [(entry.action.rpartition(".")[2], entry.actor.id or "") for entry in entries]


def test_what_is_found_is_an_entry_of_whoever_asked(tmp_path: Path) -> None:
    """Held and then, once a row was changed past the log, not; who may not is refused, and nothing is begun."""
    deployment = begun(tmp_path)
    verifying = Verifications(deployment)
    for less in ({"verify_log": "none"}, {"activity_log": "none"}):
        with pytest.raises(NotPermittedError):
            verifying.begin(structs.replace(AUDITOR, **less))
    assert verifying.of(ORG) is None
    verifying.begin(AUDITOR)
    now = verifying.of(ORG)
    verifying.begin(operator(ORG))  # one at a time: nothing more is begun
    assert now is not None
    assert (now.who, verifying.of(ORG) and verifying.of(ORG).who) == ("Kari Lie", "Kari Lie")  # type: ignore[union-attr]
    assert ended(verifying) is None
    with closing(apsw.Connection(str(tmp_path / "log.db"))) as other:
        body = "(SELECT body FROM entry WHERE place % 1099511627776 = 1)"
        other.execute(f"UPDATE entry SET body = {body} WHERE place % 1099511627776 = 2")
    verifying.begin(AUDITOR)
    assert ended(verifying) is None
    assert outcomes(deployment) == [("verified", "u-9"), ("verification_failed", "u-9")]
    deployment.close()


def test_what_cannot_be_finished_is_said_and_not_recorded(tmp_path: Path) -> None:
    """A log that the other process does not find; the next one that is begun goes as ever."""
    deployment = begun(tmp_path)
    verifying = Verifications(deployment)
    file = tmp_path / "log.db"
    deployment.url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    verifying.begin(AUDITOR)
    failed = ended(verifying)
    assert failed is not None
    assert failed.failed is not None
    assert "there is no log at" in failed.failed
    assert outcomes(deployment) == []
    deployment.url = f"sqlite:///{file}"
    verifying.begin(AUDITOR)
    assert ended(verifying) is None
    assert outcomes(deployment) == [("verified", "u-9")]
    deployment.close()


def test_a_process_that_says_what_nobody_understands_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A torn line ends it, told as any other failure; the next one goes as ever."""
    deployment = begun(tmp_path)
    verifying = Verifications(deployment)
    torn = tmp_path / "torn"
    torn.write_text("#!/bin/sh\ncat >/dev/null\necho '{\"done\": 1'\n")
    torn.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(torn))
        verifying.begin(AUDITOR)
        failed = ended(verifying)
    assert failed is not None
    assert failed.failed == "DecodeError"
    verifying.begin(AUDITOR)
    assert ended(verifying) is None
    assert outcomes(deployment) == [("verified", "u-9")]
    deployment.close()


def test_no_setting_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret may stand in the environment; the control is the one thing that is handed on."""
    monkeypatch.setenv("TRAILBOOK_SECRET_KEY", "hemmelig")
    with _start() as child:
        given = Path(f"/proc/{child.pid}/environ").read_bytes()
        child.kill()
    assert b"hemmelig" not in given
    assert given.startswith(b"PYTHONPATH=")


def test_closing_ends_it_and_records_nothing(tmp_path: Path) -> None:
    """Neither that it held nor that it did not, for nobody knows."""
    deployment = begun(tmp_path)
    verifying = Verifications(deployment)
    verifying.close()
    verifying.begin(AUDITOR)
    assert ended(verifying) is None
    assert outcomes(deployment) == []
    deployment.close()


def test_a_log_in_memory_has_no_other_process() -> None:
    deployment = open_deployment("memory:", create=True)
    deployment.create(ORG)
    verifying = Verifications(deployment)
    assert not verifying.possible
    with pytest.raises(ConfigurationError):
        verifying.begin(AUDITOR)
    assert verifying.of(ORG) is None
    deployment.close()


def test_no_secret_is_handed_over(tmp_path: Path) -> None:
    """Public keys alone: neither a seed nor the keys of the store stand in the task."""
    deployment = begun(tmp_path)
    task = task_of(deployment, ORG)
    seeds = deployment.signing.keyring.seeds.values()
    handed = [key for keys in task.publics.values() for key in keys]
    assert handed
    assert not set(handed) & set(seeds)
    assert {name for name in task.__struct_fields__ if "secret" in name or "seed" in name} == set()
    deployment.close()
