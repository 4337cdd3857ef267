"""Brings the parts of the page that others wrote: `make vendor` runs this, and nothing else changes them.

Owns the step from `manifest.toml` to the files beside it: packages are packed by npm, held against the pinned
integrity, and only listed files are taken. Refuses whatever does not have the hash that is written down; with
`--pin` it writes down the hashes of what it found, for somebody who changed a version on purpose.
"""

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[1] / "src/trailbook/web/static/vendor"
MANIFEST = VENDOR / "manifest.toml"
_SVG = re.compile(r"<svg[^>]*>(.*?)</svg>", re.DOTALL)


def main(pin: bool) -> None:
    """Fetch every package, take its files."""
    text = MANIFEST.read_text("utf-8")
    for package in tomllib.loads(text)["package"]:
        tarball = packed(package["name"], package["version"])
        text = kept(text, package["integrity"], integrity(tarball), pin)
        for file in package["file"]:
            taken = sprite(tarball, file["icons"]) if "icons" in file else member(tarball, file["from"])
            text = kept(text, file["sha256"], hashlib.sha256(taken).hexdigest(), pin)
            (VENDOR / file["path"]).write_bytes(taken)
        print(f"{package['name']} {package['version']}")
    if pin:
        MANIFEST.write_text(text, "utf-8")


def packed(name: str, version: str) -> bytes:
    """The package as its registry has it, through the machine's own npm."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, f"{name}@{version}"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return next(Path(folder).glob("*.tgz")).read_bytes()


def integrity(tarball: bytes) -> str:
    """The subresource integrity of a package, as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()


def kept(text: str, expected: str, found: str, pin: bool) -> str:
    """The manifest, with a new hash in it only where that was asked for."""
    if expected == found:
        return text
    if not pin:
        raise SystemExit(f"the manifest has {expected}, but the registry gave {found}; nothing is taken")
    return text.replace(f'"{expected}"', f'"{found}"', 1)


def member(tarball: bytes, path: str) -> bytes:
    """One file of a package."""
    with tempfile.TemporaryFile() as file:
        file.write(tarball)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            found: Any = archive.extractfile(f"package/{path}")
            return bytes(found.read())


def sprite(tarball: bytes, icons: list[str]) -> bytes:
    """A few icons as symbols of one SVG file."""
    symbols = []
    for name in icons:
        drawn = _SVG.search(member(tarball, f"icons/{name}.svg").decode())
        assert drawn is not None
        inner = " ".join(drawn[1].split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


if __name__ == "__main__":
    main("--pin" in sys.argv[1:])
