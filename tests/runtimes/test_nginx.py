"""Which nginx the tests of a proxy run with: the one on the path if it can do it, else the one that was taken out."""

from pathlib import Path

import pytest
from requirements import nginx as chooser

RIGHT, WITHOUT_TLS, BROKEN = 'echo "configured --with-http_ssl_module" >&2', 'echo "configured" >&2', "exit 1"


def put(folder: Path, script: str) -> Path:
    """A command of that name in a folder."""
    folder.mkdir(parents=True)
    command = folder / "nginx"
    command.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    command.chmod(0o755)
    return command


@pytest.mark.parametrize(("script", "on_path"), [(RIGHT, True), (WITHOUT_TLS, False), (BROKEN, False)])
def test_the_first_that_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, on_path: bool
) -> None:
    """One on the path that cannot run, or cannot speak TLS, is passed over."""
    first = put(tmp_path / "bin", script)
    second = put(tmp_path / "taken/usr/sbin", RIGHT)
    monkeypatch.setattr(chooser, "PLACES", ())
    monkeypatch.setenv("PATH", f"{first.parent}:/bin")
    assert chooser.nginx(tmp_path / "taken") == (first if on_path else second)
    second.unlink()
    assert chooser.nginx(tmp_path / "taken") == (first if on_path else None)
