"""Makes an environment of a Python newer than that of `.venv`, for what needs one: `make newer` runs this.

Owns the choice: the first newer Python on the path that really runs, or else that of Debian's next release, which
mmdebstrap takes out of its packages, from the mirror that apt uses on this machine. Refuses to touch the machine's
own Python, and to keep the address of a mirror.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

NAMES = ("python3.12", "python3.13", "python3.14", "python3")
RELEASE = "trixie"  # its Python is 3.13; the release before it has 3.11
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# What an environment is made of. A name on the path says nothing: it may belong to a chooser of versions that has none.
_ASKED = "import ensurepip, sqlite3, ssl, sys, venv; print(sys.version_info >= (3, 12))"
# Run by its own loader and with its own libraries, it needs no chroot; argv0 tells it which environment it is in.
_WRAPPER = """#!/bin/sh
exec {loader} --argv0 "$0" --library-path {libraries} {python} "$@"
"""


def runs(command: str | Path) -> bool:
    """Whether a command is a Python that is new enough and can make an environment."""
    try:
        asked = subprocess.run([command, "-c", _ASKED], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return (asked.returncode, asked.stdout.strip()) == (0, b"True")


def on_path(path: str, names: Iterable[str] = NAMES) -> Path | None:
    """The first Python on a path that will do; every folder is tried, for an earlier one may hold a broken name."""
    places = [Path(folder, name) for name in names for folder in path.split(os.pathsep) if folder]
    return next((place for place in places if os.access(place, os.X_OK) and runs(place)), None)


def taken_out(root: Path) -> Path:
    """The Python of Debian's next release, in a folder of its own. Raises: SystemExit where it cannot be had."""
    _apt_installs("mmdebstrap")
    source = f"deb [signed-by={KEYRING}] {mirror()} {RELEASE} main"
    shutil.rmtree(root, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--include=python3,python3-venv", RELEASE]
    subprocess.run([*command, str(root), source], check=True)
    for kept in (
        "etc/apt",
        "var/cache/apt",
        "var/lib/apt",
    ):  # the address of the mirror, and what came from it
        shutil.rmtree(root / kept)
    return wrapped(root)


def wrapped(root: Path) -> Path:
    """A command that runs the Python in a root as if it were installed."""
    libraries = next(root.glob("usr/lib/*-linux-gnu*"))
    loader = next(libraries.glob("ld-linux*.so.*"), None) or next(root.glob("usr/lib/ld-linux*.so.*"))
    command = root / "usr/bin/python"
    words = {"loader": loader, "libraries": libraries, "python": root / "usr/bin/python3"}
    command.write_text(_WRAPPER.format(**words), "utf-8")
    command.chmod(0o755)
    return command


def mirror() -> str:
    """Where apt takes this machine's Debian from. Raises: SystemExit where it takes none from anywhere."""
    for refresh in (False, True):
        if refresh:
            _apt("update", "-qq")
        command = [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            "Label: Debian",
        ]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if listed:
            return listed[0]
    raise SystemExit("apt knows no mirror of Debian; put a Python from 3.12 on the path, and try again.")


def _apt_installs(package: str) -> None:
    if shutil.which(package):
        return
    if os.getuid() or not shutil.which("apt-get"):
        raise SystemExit(
            f"Some tests need a Python from 3.12. Put one on the path (with venv), or install {package}, and try again."
        )
    print(f"No newer Python on the path: installing the Debian package {package} ...", flush=True)
    _apt("update", "-qq")
    _apt("install", "-qq", "-y", "--no-install-recommends", package)


def _apt(*words: str) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", *words], check=True, env=environ, stdout=subprocess.DEVNULL)


def made(folder: Path, python: Path, wheels: Path | None) -> None:
    """Make the environment of a Python; `wheels` holds its pip where it does not find it itself."""
    shutil.rmtree(folder, ignore_errors=True)
    without = ["--without-pip"] if wheels else []
    subprocess.run([python, "-m", "venv", *without, folder], check=True)
    if wheels:
        (pip,) = wheels.glob("pip-*.whl")
        command = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", pip]
        environ = {**os.environ, "PYTHONPATH": str(pip), "PIP_ROOT_USER_ACTION": "ignore"}
        subprocess.run(command, check=True, env=environ)


def main(folder: Path) -> None:
    """Make the environment in a folder; a root, where one is needed, lies beside it."""
    found = on_path(os.environ["PATH"])
    if found:
        made(folder, found, None)
    else:
        print(
            f"No Python from 3.12 runs here: taking that of Debian {RELEASE} out of its packages ...",
            flush=True,
        )
        root = folder.with_name(f"{folder.name}-root")
        made(folder, taken_out(root), root / "usr/share/python-wheels")
    version = subprocess.run([folder / "bin/python", "--version"], check=True, capture_output=True, text=True)
    print(f"Some tests run with {version.stdout.strip()} ({folder}).")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
