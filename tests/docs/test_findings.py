"""The findings keep their form. What they find is run by hand: it needs a package index and other people's releases."""

import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
PARTS = ("Version", "Expected", "Seen", "Met by", "Instead", "Known")


def faults(text: str) -> list[str]:
    """What a script lacks to be understood, and to be the same in a year."""
    above = text.partition("\nset -euo pipefail\n")[0].splitlines()
    header = [line for line in above if line.startswith("# ")]
    lacks = [part for part in PARTS if sum(line.startswith(f"# {part}:") for line in header) != 1]
    installed = " ".join(re.findall(r"(?:pip\"|npm) install((?:\\\n|[^\n])*)", text)).split()
    loose = [word for word in installed if not re.match(r"-|\\|.+(==|@)\d", word)]
    loose += re.findall(r"\w+://\S+|\"[\^~>*][\d.]*\"", text)
    return lacks + loose + [f"{len(header)} lines of header"] * (not 8 <= len(header) <= 20)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_says_what_whom_and_what_instead(script: Path) -> None:
    assert faults(script.read_text("utf-8")) == []
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_what_a_finding_lacks_is_noticed() -> None:
    text = SCRIPTS[0].read_text("utf-8")
    assert faults(text.replace("# Known:", "# Knows:")) == ["Known"]
    assert faults(text + "npm install --silent uuid a@1.2\n") == ["uuid"]
    assert faults(text + '"$folder/venv/bin/pip" install -qq six==1.17.0 \\\n  django\n') == ["django"]
    assert faults(text + '"uuid": "^14.0.3"\n') == ['"^14.0.3"']
    assert faults(text + "curl ftp://files.example/x\n") == ["ftp://files.example/x"]


def test_the_table_has_each_finding_once_with_its_release() -> None:
    rows = re.findall(r"^\| `(\S+)` \| (\S+) (\S+) ", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == [script.name for script in SCRIPTS]
    for name, library, release in rows:
        assert re.search(rf'{library}(?:==|@|": "){release}\b', (FOLDER / name).read_text("utf-8")), name
