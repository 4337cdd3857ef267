"""Everything that belongs to a log and is no entry of it, elsewhere than beside it."""

from tests.cli.conftest import Folder, serving


def test_a_log_whose_belongings_all_lie_elsewhere(empty: Folder) -> None:
    """It begins, is served, backed up and restored; beside the database there is never anything of them."""
    data, other = empty.path / "data", empty.path / "other"
    data.mkdir()
    other.mkdir()
    empty.env |= {
        "TRAILBOOK_STORE": "sqlite:///data/log.db",
        "TRAILBOOK_SECRETS_DIRECTORY": "other/secrets",
        "TRAILBOOK_EXPORT_DIRECTORY": "other/exports",
        "TRAILBOOK_LOCK_FILE": "other/serving",
        "TRAILBOOK_OUTSIDE_FILE": "other/outside.txt",
    }
    empty.good("init")
    empty.good(*empty.given)
    empty.good("checkpoint", "publish")
    with serving(empty) as server:
        assert (other / "serving").read_text() == server.address
        assert f"serves this log, at {server.address}" in empty.run("serve", "--listen", "127.0.0.1:0").err
        assert {file.name for file in data.iterdir()} <= {"log.db", "log.db-wal", "log.db-shm"}
    empty.good("backup", "other/backup.db")
    for file in data.iterdir():
        file.unlink()
    assert empty.run("init").code == 2  # its secrets are there, so it is not begun anew
    empty.good("restore", "other/backup.db")
    assert empty.good("count", "category:roles").out == "1\n"
    empty.good("verify")
    assert {file.name for file in data.iterdir()} <= {"log.db", "log.db-wal", "log.db-shm"}
