"""Which checkpoints are timestamped, where the tokens are kept, and that signing never waits for them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from trailbook.deployment.deployment import Deployment
from trailbook.deployment.opening import open_deployment
from trailbook.deployment.settings import Signs
from trailbook.errors import AnchorError, ConfigurationError
from trailbook.proofs.signer import Signer
from trailbook.stores import open_store
from trailbook.testing import FrozenClock
from trailbook.testing.authority import Server, new_authority, openssl_agrees, serving
from trailbook.testing.small import ORG, grow
from trailbook.tree.timestamp import check_stamp


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a local authority."""
    return new_authority(tmp_path_factory.mktemp("authority") / "local")


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    """The authority behind HTTP on this machine."""
    with serving(authority) as tsa:
        yield tsa


@pytest.fixture(scope="module")
def roots(authority: Path) -> list[bytes]:
    """The root of the authority."""
    return [(authority / "root.pem").read_bytes()]


def opened(folder: Path, clock: FrozenClock, *urls: str) -> Deployment:
    """A deployment whose checkpoints are stamped by the authorities at `urls`."""
    signs = Signs(origin="log.example", outside=folder / "outside.txt", timestamp_urls=urls)
    return open_deployment(f"sqlite:///{folder}/log.db", create=True, clock=clock, signs=signs)


def tokens(folder: Path) -> list[str]:
    """The sizes for which tokens are kept, as their keys."""
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    keys = sorted(key for kind, key in store.blob_names(ORG) if kind == "timestamp")
    store.close()
    return keys


def ask_stamps(signer: Signer) -> None:
    """What the loop of stamping does, once."""
    for org in signer.unstamped():
        signer.stamp(org)


def test_a_checkpoint_is_stamped_once_a_minute(tmp_path: Path, server: Server, roots: list[bytes]) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    for seconds, kept in ((0, 1), (30, 1), (29, 1), (1, 2)):
        clock.move(timedelta(seconds=seconds))
        grow(log, clock, 3)
        assert signer.sign(ORG) is not None
        ask_stamps(signer)
        assert len(tokens(tmp_path)) == kept
    assert tokens(tmp_path) == [f"{3:020d}", f"{12:020d}"]
    assert signer.unstamped() == []
    last = signer.stamped(ORG)
    assert last is not None
    assert last.size == 12
    assert last.note in (tmp_path / "outside.txt").read_bytes()
    check_stamp(last.token, last.note, roots)
    assert openssl_agrees(server.folder, last.token, last.note)


def test_the_last_checkpoint_of_a_minute_is_stamped_when_it_is_over(tmp_path: Path, server: Server) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    for _ in range(2):
        grow(log, clock, 1)
        signer.sign(ORG)
        ask_stamps(signer)
    clock.move(timedelta(minutes=1))
    ask_stamps(signer)
    ask_stamps(signer)
    assert tokens(tmp_path) == [f"{1:020d}", f"{2:020d}"]


def test_the_earliest_token_of_a_size_stays(tmp_path: Path, server: Server, roots: list[bytes]) -> None:
    """An idle log is signed again every hour, at the same size; its token keeps the note that it is over."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    grow(deployment.create(ORG), clock, 3)
    signer = deployment.signer()
    signer.sign(ORG)
    ask_stamps(signer)
    first = signer.stamped(ORG)
    clock.move(timedelta(hours=1))
    assert signer.sign(ORG) is not None
    ask_stamps(signer)
    assert first is not None
    assert signer.stamped(ORG) == first
    check_stamp(first.token, first.note, roots)
    assert len(server.queries) == 1


def test_signing_asks_nobody_itself_and_goes_on_without(tmp_path: Path, server: Server) -> None:
    """A failing authority is named, and asked again about the last checkpoint until it works."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    works, server.answer = server.answer, lambda _query: 500
    grow(log, clock, 1)
    assert signer.sign(ORG) is not None
    assert server.queries == []
    with pytest.raises(AnchorError, match=r"the last checkpoint has no timestamp: 127.0.0.1:.*500"):
        ask_stamps(signer)
    assert len(server.queries) == 1
    assert signer.unstamped() == [ORG]
    server.answer = works
    grow(log, clock, 1)
    assert signer.sign(ORG) is not None
    ask_stamps(signer)
    assert signer.unstamped() == []
    assert tokens(tmp_path) == [f"{2:020d}"]


def test_the_next_authority_is_asked_when_one_fails(
    tmp_path: Path, server: Server, roots: list[bytes]
) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, "http://127.0.0.1:1/", server.url)
    grow(deployment.create(ORG), clock, 1)
    signer = deployment.signer()
    signer.sign(ORG)
    with pytest.raises(AnchorError, match=r"^another authority stamped the last checkpoint: 127.0.0.1:1: "):
        ask_stamps(signer)
    assert signer.unstamped() == []
    last = signer.stamped(ORG)
    assert last is not None
    check_stamp(last.token, last.note, roots)


def test_a_running_signer_stamps_and_reports(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails is told once and in the health of the deployment, until it works by itself."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log = deployment.create(ORG)
    works, server.answer = server.answer, lambda _query: 500
    grow(log, clock, 1)
    waiting = threading.Event()
    with deployment.signing_beside():
        while not (ailments := deployment.ailments()):
            waiting.wait(0.05)
        server.answer = works
        grow(log, clock, 1)
        while not tokens(tmp_path) or deployment.ailments():
            waiting.wait(0.05)
    assert [(ailment.part, ailment.org, ailment.fails) for ailment in ailments] == [("stamping", ORG, False)]
    assert tokens(tmp_path)[-1] == f"{2:020d}"
    assert [text.partition(":")[0] for text in caplog.messages] == [
        "stamping of acme failed and is tried again",
        "stamping of acme goes on",
    ]


def test_without_the_extra_the_setting_is_refused_and_nothing_else(tmp_path: Path) -> None:
    lines = [
        "import sys",
        "import trailbook.deployment as d",
        "assert 'rfc3161_client' not in sys.modules",
        "sys.modules['rfc3161_client'] = None",
        "urls = tuple(sys.argv[2:])",
        "d.open_deployment(sys.argv[1], create=True, signs=d.Signs(timestamp_urls=urls)).signer()",
    ]
    command = [sys.executable, "-c", "\n".join(lines), f"sqlite:///{tmp_path}/log.db"]
    without = subprocess.run(command, capture_output=True, check=False)
    assert without.returncode == 0, without.stderr.decode()
    asked = subprocess.run([*command, "https://stamps.example/"], capture_output=True, check=False)
    assert b"ConfigurationError: timestamp_urls: needs the extra" in asked.stderr


def test_a_deployment_with_an_unsafe_address_does_not_sign(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs https"):
        opened(tmp_path, FrozenClock(), "http://stamps.example/").signer()
