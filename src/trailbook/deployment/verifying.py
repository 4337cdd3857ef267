"""Verifications that a page starts: each in a process of its own, one at a time for an organisation.

Owns the process, how far it is, and that its outcome is recorded as `verify --remember` does. Hands it no secret, only
public keys. Refuses to keep the outcome itself: that is an entry of the log.
"""

import logging
import os
import subprocess
import sys
import threading
from datetime import datetime

import msgspec
from msgspec import Struct, structs

from trailbook.access import Viewer, require_verifying
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.granted import GrantRows
from trailbook.deployment.verification import CatalogueRules, VerifyOptions, catalogue_rules, verify_log
from trailbook.errors import ConfigurationError, TrailbookError
from trailbook.proofs import Keyring
from trailbook.stores import open_store, store_file
from trailbook.tree import format_range, parse_range
from trailbook.verify import Report

_LOG = logging.getLogger("trailbook")
MOST_AT_ONCE = 2  # each takes a core; those of further organisations wait for their turn
_NICE = 10  # whoever reads the log comes before whoever verifies it


class VerifyTask(Struct, frozen=True, kw_only=True):
    """What another process needs to verify a log; `publics` are public keys by use, `ranges` lines of keys."""

    store: str
    org: str
    origin: str
    publics: dict[str, tuple[bytes, ...]]
    outside: tuple[bytes, ...]
    ranges: tuple[str, ...]
    now: datetime
    rules: CatalogueRules


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line that such a process writes: how far it is, and at last what it found, or why it found nothing."""

    done: int = 0
    total: int | None = None
    report: Report | None = None
    failed: str | None = None


_tasks, _lines = msgspec.json.Decoder(VerifyTask), msgspec.json.Decoder(Told)


class Underway(Struct, frozen=True, kw_only=True):
    """A verification: who started it and when, and how many entries it has read of how many.

    One that is over is here only where it `failed`, and says why: what was found is in the log.
    """

    who: str
    begun: datetime
    done: int = 0
    total: int | None = None
    failed: str | None = None


class Verifications:
    """The verifications under way in this process, by organisation."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._underway: dict[str, Underway] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._turns = threading.Semaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._closed = False

    @property
    def possible(self) -> bool:
        """Whether another process can open what is open here."""
        return self._deployment.url is not None and store_file(self._deployment.url) is not None

    def of(self, org: str) -> Underway | None:
        """How far the verification of a log is, or why the last one could not be finished."""
        return self._underway.get(org)

    def begin(self, viewer: Viewer) -> None:
        """Have the viewer's log verified; where that is under way already nothing more is begun.

        Raises: NotPermittedError; ConfigurationError where no other process can open the log.
        """
        require_verifying(viewer, viewer.org)
        task = task_of(self._deployment, viewer.org)
        who = viewer.item.name or viewer.item.id
        with self._lock:
            before = self._underway.get(viewer.org)
            if before is not None and before.failed is None:
                return
            self._underway[viewer.org] = Underway(who=who, begun=self._deployment.clock())
        # A daemon: a host that ends without closing must not wait for a verification.
        threading.Thread(
            target=self._run, args=(task, viewer), name="trailbook-verifying", daemon=True
        ).start()

    def close(self) -> None:
        """End what is under way; nothing of it is recorded."""
        with self._lock:
            self._closed = True
            for child in self._children.values():
                child.kill()

    def _run(self, task: VerifyTask, viewer: Viewer) -> None:
        try:
            with self._turns:
                report = self._report(task)
            if report is not None:
                self._deployment.log(task.org).verified(report, viewer=viewer)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody waits for a thread that is gone
            if self._closed:  # its process was ended as it began: nothing of it is told
                self._underway.pop(task.org, None)
                return
            why = error.detail if isinstance(error, TrailbookError) else type(error).__name__
            self._children.pop(task.org, None)
            self._tell(task.org, failed=why)
            _LOG.warning("verifying %s could not be finished: %s", task.org, why)
        else:
            self._underway.pop(task.org)

    def _report(self, task: VerifyTask) -> Report | None:
        """What the process finds; None where it was ended by `close`. Raises: TrailbookError, OSError."""
        last = Told()
        with self._child(task) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(msgspec.json.encode(task))
            child.stdin.close()
            for line in child.stdout:
                last = _lines.decode(line)
                self._tell(task.org, done=last.done, total=last.total)
        self._children.pop(task.org)
        if last.report is None and not self._closed:
            raise TrailbookError(last.failed or f"its process ended with {child.returncode}")
        return last.report

    def _child(self, task: VerifyTask) -> subprocess.Popen[bytes]:
        with self._lock:
            child = _start()
            self._children[task.org] = child
            if self._closed:
                child.kill()
            return child

    def _tell(self, org: str, **more: object) -> None:
        self._underway[org] = structs.replace(self._underway[org], **more)


def task_of(deployment: Deployment, org: str) -> VerifyTask:
    """What another process needs to verify a log. Raises: ConfigurationError where none can; DamagedError."""
    file = None if deployment.url is None else store_file(deployment.url)
    if file is None:
        raise ConfigurationError("store: only a log that another process can open is verified from the page")
    signing = deployment.signing
    return VerifyTask(
        store=f"sqlite:///{file.resolve()}",  # wherever the other process thinks it is
        org=org,
        origin=signing.origin,
        publics=dict[str, tuple[bytes, ...]](signing.keyring.publics.items()),
        outside=tuple(deployment.heads_outside(org)),
        ranges=tuple(map(format_range, deployment.ranges_outside(org))),
        now=deployment.clock(),
        rules=catalogue_rules(deployment.catalogue),
    )


def _start() -> subprocess.Popen[bytes]:
    # The same modules as here, whatever brought them onto the path; -P, so that no file of this folder is one of them.
    path = os.pathsep.join(folder for folder in sys.path if folder)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": path},  # the settings of this process may hold secrets
        start_new_session=True,  # an interrupt at the server's terminal is for the server, which ends it
    )


def main() -> None:
    """Verify what is asked on standard input, and say on standard output how far it is and what was found."""
    os.nice(_NICE)
    task = _tasks.decode(sys.stdin.buffer.read())
    try:
        report = _verify(task)
    except TrailbookError as error:
        _say(Told(failed=error.detail))
    else:
        _say(Told(done=report.size, total=report.size, report=report))


def _verify(task: VerifyTask) -> Report:
    store, registry = open_store(task.store)
    keyring = Keyring({}, task.publics)  # type: ignore[arg-type]  # the uses as they are written down
    options = VerifyOptions(
        origin=task.origin,
        keys_of=keyring.verifiers,
        outside=task.outside,
        ranges=[parse_range(line) for line in task.ranges],
        now=task.now,
        rules=task.rules,
    )
    try:
        return verify_log(
            store,
            task.org,
            options,
            registry=GrantRows(registry.access, registry.keys),
            progress=lambda done, total: _say(Told(done=done, total=total)),
        )
    finally:
        store.close()


def _say(line: Told) -> None:
    # Where nobody reads any more the pipe is broken, and this process ends with it.
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
