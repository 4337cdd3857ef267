"""Takes nginx out of its Debian package for the tests that need one: `make nginx` runs this.

Owns the choice: the nginx on the path that runs, or else the one in the package, from the mirror that apt uses on this
machine. Refuses to install it, for a package would start a server, and to need any rights: the lists that apt needs are
fetched into a folder of its own where the machine has none.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PLACES = ("/usr/sbin", "/usr/local/sbin")  # not on everybody's path


def nginx(folder: Path) -> Path | None:
    """The nginx that the tests use: one on the path, or what was taken out into a folder; None where neither runs."""
    path = os.pathsep.join((os.environ["PATH"], *PLACES))
    on_path = shutil.which("nginx", path=path)
    places = [Path(on_path)] if on_path else []
    return next((place for place in [*places, folder / "usr/sbin/nginx"] if runs(place)), None)


def runs(command: Path) -> bool:
    """Whether a command is an nginx that can speak TLS."""
    try:
        asked = subprocess.run([command, "-V"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and b"http_ssl_module" in asked.stderr


def taken_out(folder: Path) -> None:
    """Take nginx out of its package into a folder. Raises: SystemExit where it cannot be had."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if not (_fetched(place, []) or _fetched(place, _own_lists(place))):
            raise SystemExit("The tests need nginx (Debian: apt-get install nginx). Put one on the path.")
        (package,) = place.glob("nginx_*.deb")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)


def _fetched(place: Path, options: list[str]) -> bool:
    """Whether apt could fetch the package into a place."""
    try:
        for words in (["update"], ["download", "nginx"]):
            if options or words != ["update"]:
                command = ["apt-get", "-qq", *options, *words]
                subprocess.run(command, check=True, cwd=place, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError):
        return False
    return any(place.glob("nginx_*.deb"))


def _own_lists(place: Path) -> list[str]:
    """What makes apt keep everything that it writes in a place."""
    for part in ("lists/partial", "cache/archives/partial"):
        (place / part).mkdir(parents=True)
    kept = (f"Dir::State::Lists={place}/lists", f"Dir::Cache={place}/cache", "APT::Sandbox::User=root")
    return [word for option in kept for word in ("-o", option)]


def main(folder: Path) -> None:
    """Have an nginx, on the path or in the folder."""
    if nginx(folder) is None:
        print("No nginx on the path: taking it out of its Debian package ...", flush=True)
        taken_out(folder)
    command = nginx(folder)
    if command is None:
        raise SystemExit("The nginx of the Debian package does not run here. Put one that does on the path.")
    print(f"Some tests run with the proxy {command}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
