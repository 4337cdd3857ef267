"""One server on a log: a second is told where the first is, and a dead one holds nothing."""

from tests.cli.conftest import Folder, serving


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
