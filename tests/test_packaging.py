"""The package as others get it: what it depends on, what the pins promise, what the wheel carries.

Owns no behaviour of Trailbook. Builds a real wheel, and reads the files that git tracks.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = sorted((ROOT / "requirements").glob("*.txt"))
CORE = ["apsw", "cryptography", "msgspec", "numpy", "zstandard"]
# In pieces, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(pieces)
    for pieces in [
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
    ]
]


def name(requirement: str) -> str:
    """Return the package that a requirement names, without extras, version or marker."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def declared() -> set[str]:
    """Return every package that pyproject.toml names, in whichever list."""
    project = PROJECT["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    lists += PROJECT["dependency-groups"].values()
    return {name(each) for part in lists for each in part if isinstance(each, str)} - {"trailbook"}


def pinned(text: str) -> list[str]:
    """Return the requirements of a pins file, each with its hashes on one line."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def loose(text: str) -> list[str]:
    """Return the requirements that are not one exact version with at least one SHA-256."""
    exact = re.compile(r"[A-Za-z0-9._-]+==[^\s;]+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    return [line for line in pinned(text) if not exact.fullmatch(line)]


def hosts(text: str) -> list[str]:
    """Return the package registries that a text names by their address."""
    return [host for host in HOSTS if host in text.lower()]


def tracked() -> list[Path]:
    """Return the files of the checkout that git tracks and that still exist."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [path for each in listed.decode().split("\0") if each and (path := ROOT / each).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names inside a wheel built from this checkout, without the network."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_core_has_five_dependencies() -> None:
    assert sorted(name(each) for each in PROJECT["project"]["dependencies"]) == CORE


def test_core_pins_are_the_core_and_what_it_needs_itself() -> None:
    names = {name(line) for line in pinned((ROOT / "requirements/core.txt").read_text())}
    assert set(CORE) <= names
    assert names <= {*CORE, "cffi", "pycparser", "typing-extensions"}


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.name)
def test_every_requirement_is_exact_and_hashed(path: Path) -> None:
    text = path.read_text()
    assert pinned(text)
    assert loose(text) == []
    assert "://" not in text


@pytest.mark.parametrize(
    "fault",
    ["msgspec>=0.19", "msgspec==0.19.0", "msgspec @ ftp://example.invalid/m.whl", "--index-url somewhere"],
)
def test_a_loose_requirement_is_found(fault: str) -> None:
    kept = f"apsw==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    assert loose(kept) == []
    assert loose(kept + fault + "\n") == [fault]


def test_pins_agree_with_each_other_and_with_pyproject() -> None:
    versions = {path.stem: set(re.findall(r"^(\S+)==(\S+)", path.read_text(), re.M)) for path in PINS}
    assert versions["core"] < versions["demo"] < versions["dev"]
    assert declared() <= {name(package) for package, _ in versions["dev"]}


def test_no_tracked_file_names_a_registry() -> None:
    mentions = {}
    for path in tracked():
        if named := hosts(path.read_text(errors="replace")):
            mentions[str(path.relative_to(ROOT))] = named
    assert mentions == {}


@pytest.mark.parametrize("host", HOSTS)
def test_a_named_registry_is_found(host: str) -> None:
    assert host in hosts(f"--index-url=ftp://{host.upper()}/simple")
    assert hosts("the package index, whichever it is") == []


def test_every_dependency_is_explained() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.M)
    # Parts of the page are pinned in their own manifest, and their table says so.
    manifest = tomllib.loads((ROOT / "src/trailbook/web/static/vendor/manifest.toml").read_text("utf-8"))
    parts = {package["name"].rpartition("/")[2] for package in manifest["package"]}
    assert set(rows) - {"package", "what", "chromium", "openssl", "uv"} - parts == declared()


def test_wheel_carries_licence_and_types(wheel: set[str]) -> None:
    version = PROJECT["project"]["version"]
    assert f"trailbook-{version}.dist-info/licenses/LICENSE" in wheel
    assert f"trailbook-{version}.dist-info/entry_points.txt" in wheel
    assert "trailbook/py.typed" in wheel


def test_wheel_carries_every_tracked_file_of_the_package_and_nothing_else(wheel: set[str]) -> None:
    """Catalogue, SQL, templates and the page's files are read at run time: a wheel without them is broken."""
    source = ROOT / "src"
    ours = {str(path.relative_to(source)) for path in tracked() if path.is_relative_to(source)}
    carried = {each for each in wheel if each.startswith("trailbook/")}
    assert ours <= carried
    assert {each.split("/")[0] for each in wheel} == {
        "trailbook",
        f"trailbook-{PROJECT['project']['version']}.dist-info",
    }
    assert not [each for each in carried if "__pycache__" in each or each.endswith((".pyc", ".db"))]
