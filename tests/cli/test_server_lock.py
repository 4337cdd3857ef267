"""One server on a log: a second is told where the first is, and a dead one holds nothing."""

from pathlib import Path

import pytest
from tests.cli.conftest import Folder, serving

from trailbook.cli.server_lock import alone, served_at
from trailbook.errors import ConfigurationError


def test_a_log_has_one_server(empty: Folder) -> None:
    """A second server is told where the first is; the command line goes on, and links lead to the server that runs."""
    empty.good("init")
    assert empty.good("sign-in").out.startswith("http://127.0.0.1:8750/sign-in")
    with serving(empty) as server:
        second = empty.run("serve", "--listen", "127.0.0.1:0")
        assert second.code == 2
        assert f"another server serves this log, at {server.address}" in second.err
        empty.good(*empty.given)
        assert empty.good("sign-in").out.startswith(f"{server.address}/sign-in")
        server.process.kill()
        server.process.wait(30)
        # The control: a dead process holds nothing, whatever its file still says.
        with serving(empty) as again:
            assert empty.good("sign-in").out.startswith(f"{again.address}/sign-in")
    assert empty.good("sign-in").out.startswith("http://127.0.0.1:8750/sign-in")


def test_a_lock_file_wherever_it_lies(tmp_path: Path) -> None:
    """It holds the address for as long as it is held; one that cannot be made is refused by its setting."""
    lock = tmp_path / "lock"
    assert served_at(lock) is None
    with alone(lock, "http://here"):
        assert served_at(lock) == "http://here"
        with pytest.raises(ConfigurationError, match="at http://here"), alone(lock, "http://there"):
            pass
    assert served_at(lock) is None
    with (
        pytest.raises(ConfigurationError, match=r"^lock_file: .*/none/lock"),
        alone(tmp_path / "none" / "lock", ""),
    ):
        pass
