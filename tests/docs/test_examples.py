"""What README and tutorial show is run as it stands there, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/tutorial.md")
ENDLESS = ("trailbook serve", "make ")
HOSTS = (
    "### "  # what is said of frameworks is run by tests/docs/test_first_entry.py, each in a folder of its own
)
REFUSED = "role.given"
ORG = "acme"
SETTINGS = """
store = "sqlite:///hr.db"
origin = "log.example"
signing_key = "own/signing"
catalogue = ["own"]
"""
CATALOGUE = """
[category]
sensitive = false
restricted = false
[types.bicycle]
[actions."bicycle.lent"]
target = ["bicycle"]
verb = "gave"
since = "1.0"
"""
RECORD = "record --action bicycle.lent --actor 'person:user/u-17=Anna Berg' --target bicycle/b-1=Red"
_BLOCK = re.compile(r"^```(python|sh|json)\n(.*?)^```", re.M | re.S)


def blocks(page: str, kind: str) -> list[str]:
    """The fenced blocks of a page, of one kind, in order; of the README those that are of no framework."""
    text = (ROOT / page).read_text("utf-8")
    if page == "README.md":
        text = re.sub(rf"^{HOSTS}.*?(?=^## )", "", text, flags=re.M | re.S)
    return [block for language, block in _BLOCK.findall(text) if language == kind]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder as a reader of the page would."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TRAILBOOK_")}
    return subprocess.run(
        command,
        cwd=folder,
        env={**clean, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("page", [*PAGES, "docs/how-to/capture.md", "docs/how-to/mount.md"])
def test_python_of_the_page_runs(page: str, tmp_path: Path) -> None:
    for text in blocks(page, "python"):
        done = run([sys.executable, "-W", "error", "-c", text], tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_run(page: str, tmp_path: Path) -> None:
    ran = 0
    for text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith(ENDLESS):
                continue
            done = run(["sh", "-c", line], tmp_path)
            assert done.returncode == (2 if REFUSED in line else 0), (line, done.stderr)
            ran += 1
    assert ran >= 3


@pytest.mark.parametrize("page", PAGES)
def test_entries_of_the_page_are_taken_as_they_stand(page: str, tmp_path: Path) -> None:
    """The JSON that the page posts is an entry; without one of its members it is none."""
    texts = blocks(page, "json")
    assert texts
    run(["trailbook", "init"], tmp_path)
    for text in texts:
        (tmp_path / "entry.json").write_text(text, "utf-8")
        assert run(["sh", "-c", "trailbook record - < entry.json"], tmp_path).returncode == 0
        (tmp_path / "entry.json").write_text(text.replace("occurred_at", "at"), "utf-8")
        assert run(["sh", "-c", "trailbook record - < entry.json"], tmp_path).returncode == 2


def test_links_of_every_page_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    dead = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]
    assert dead == []


def test_the_verifier_to_read_runs_as_its_page_shows(tmp_path: Path) -> None:
    """Both checks hold, and neither does with another key; the page names each part and function as the file has it."""
    page = (ROOT / "docs/how-to/check-it-yourself.md").read_text("utf-8")
    source = (ROOT / "examples/check_it_yourself.py").read_text("utf-8")
    parts = re.findall(r"^# --- (\d\. .+?)(?: ---|[:(,] )", source, re.M)
    assert [part.partition(":")[0] for part in parts] == re.findall(r"^\| (\d\. [^|]+) \|", page, re.M)
    named = set(re.findall(r"`(?:Tree\.)?([a-z_]+)`", page))
    assert set(re.findall(r"^ *def ([a-z]\w+)", source, re.M)) - {"require", "fetched"} <= named
    (tmp_path / "check_it_yourself.py").write_text(source, "utf-8")
    (script,) = blocks("docs/how-to/check-it-yourself.md", "sh")
    done = run(["sh", "-ec", script], tmp_path)
    assert (done.returncode, done.stdout.count("It holds.\n")) == (0, 2), done.stderr
    keys = (tmp_path / "keys").read_text("utf-8")
    (tmp_path / "keys").write_text(keys.replace("localhost/acme", "localhost/other"), "utf-8")
    for place in ("all.zip", "public"):
        done = run([sys.executable, "check_it_yourself.py", place, "--key", "keys"], tmp_path)
        assert (done.returncode, "is not a verifier key" in done.stderr) == (1, True)


def test_a_log_with_settings_of_its_own_opens_by_the_lines_of_a_page(tmp_path: Path) -> None:
    """An origin, keys and a catalogue elsewhere, another name of the file: the how-to's own lines find the log."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "fleet.toml").write_text(CATALOGUE, "utf-8")
    (tmp_path / "trailbook.toml").write_text(SETTINGS, "utf-8")
    for line in (f"trailbook init --org {ORG}", f"trailbook {RECORD}", "trailbook checkpoint publish"):
        done = run(["sh", "-c", line], tmp_path)
        assert done.returncode == 0, (line, done.stderr)
    (opening,) = [text for text in blocks("docs/how-to/timestamps.md", "python") if "open_configured" in text]
    lines = opening.partition("note, token")[0]
    signed = f"signer = deployment.signer(); signer.sign('{ORG}'); print(deployment.trust('{ORG}').origin)"
    done = run([sys.executable, "-W", "error", "-c", f"{lines}\n{signed}"], tmp_path)
    assert (done.returncode, done.stdout) == (0, f"log.example/{ORG}\n"), done.stderr
    recorded = f"from trailbook import operator, Query; log = deployment.log('{ORG}')\n" + (
        "print([e.action for e in log.rows(Query(), viewer=operator(log.org))][-1])"
    )
    done = run([sys.executable, "-W", "error", "-c", f"{lines}\n{recorded}"], tmp_path)
    assert (done.returncode, done.stdout) == (0, "bicycle.lent\n"), done.stderr
    # The control: whoever opens the file by its name alone finds neither its keys nor its catalogue.
    alone = "from trailbook import open_deployment; open_deployment('sqlite:///hr.db').signer()"
    assert "there are no signing keys" in run([sys.executable, "-c", alone], tmp_path).stderr
