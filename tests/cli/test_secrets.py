"""Secrets are planted and searched for: in what is printed, answered, kept and shown of processes."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from msgspec import Struct
from tests.cli.conftest import Folder

SAME = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "fire katter på taket i mai"
LOGIN = "anna"


class Traces(Struct):
    """Everything that could hold a secret: what was answered, and the command lines of running processes."""

    answers: list[str]
    lines: set[str]

    def add(self, answer: httpx.Response) -> httpx.Response:
        self.answers.append(str(answer.headers) + answer.text)
        return answer

    def look(self) -> None:
        """Note the command lines and environments' names of all processes that may be looked at."""
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.lines.add(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue


@contextmanager
def talking(folder: Folder) -> Iterator[str]:
    """A server whose every word is kept in a file of the folder."""
    words = folder.command("serve", "--listen", "127.0.0.1:0", "--json")
    output = (folder.path / "said.txt").open("wb")
    with (
        output,
        subprocess.Popen(
            words, cwd=folder.path, env=folder.environment, stdout=output, stderr=output
        ) as server,
    ):
        try:
            until = time.monotonic() + 60
            while not (match := re.search(r'"address":\s*"([^"]+)"', (folder.path / "said.txt").read_text())):
                assert time.monotonic() < until
                assert server.poll() is None
                time.sleep(0.05)
            yield match.group(1)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def planted(folder: Folder) -> dict[str, str]:
    """A key, a link that signs in, a link that sets a password: made on the command line, shown there once."""
    key = json.loads(
        folder.good("api-keys", "new", "--name", "x", "--scope", "read", "--scope", "record", "--json").out
    )
    folder.good("members", "set", "user/u-17=Anna Berg", "--role", "hr")
    sign_in = folder.good("sign-in").out.strip()
    invited = folder.good("members", "invite", "user/u-17", "--login", LOGIN).out
    links = {
        name: parse_qs(urlsplit(_link(text)).query)["link"][0]
        for name, text in (("link", sign_in), ("invitation", invited))
    }
    return {"key": key["secret"].split("_", 2)[2], "bearer": key["secret"], "password": PASSWORD, **links}


def _link(text: str) -> str:
    return re.findall(r"https?://\S+", text)[0]


def used(address: str, secrets: dict[str, str], traces: Traces) -> None:
    """Use each as it is meant, and as it is not: what goes wrong must not repeat it either."""
    api = f"{address}/api/v1/orgs/main"
    bearer = {"Authorization": f"Bearer {secrets['bearer']}"}
    with httpx.Client(timeout=30) as client:
        traces.add(client.get(f"{api}/entries", headers=bearer)).raise_for_status()
        for wrong in (secrets["bearer"][:-1], f"{secrets['bearer']}x", secrets["key"]):
            assert (
                traces.add(
                    client.get(f"{api}/entries", headers={"Authorization": f"Bearer {wrong}"})
                ).status_code
                == 401
            )
        assert (
            traces.add(client.get(f"{api}/entries?text={secrets['bearer']}", headers=bearer)).status_code
            == 400
        )
        body = {"action": secrets["bearer"], "origin": {"interface": secrets["key"]}}
        assert traces.add(client.post(f"{api}/entries", headers=bearer, content=b"{")).status_code >= 400
        assert (
            client.post(f"{api}/entries", headers=bearer, json=body).status_code >= 400
        )  # it answers what it was sent
        given = {"link": secrets["invitation"], "password": PASSWORD, "again": f"{PASSWORD}?"}
        # The form that still needs the link holds it; a password never comes back.
        form = client.post(f"{address}/set-password", data=given, headers=SAME)
        assert (form.status_code, PASSWORD in form.text) == (422, False)
        answer = traces.add(
            client.post(f"{address}/set-password", data=given | {"again": PASSWORD}, headers=SAME)
        )
        secrets["session"] = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        traces.answers.pop()  # whoever signed in is told their session, in a cookie
        wrong = {"login": LOGIN, "password": f"{PASSWORD}!", "org": "main"}
        traces.add(client.post(f"{address}/sign-in", data=wrong, headers=SAME))
        signed = client.post(f"{address}/sign-in", data={"link": secrets["link"]}, headers=SAME)
        secrets["second session"] = signed.headers["set-cookie"].partition("=")[2].partition(";")[0]
        cookie = {"Cookie": f"__Host-trailbook={secrets['session']}"}
        for path in (
            "orgs/main/activity",
            "orgs/main/activity/settings/members",
            "orgs/main/activity/nothing",
            "api/v1/orgs/main/entries",
        ):
            traces.add(client.get(f"{address}/{path}", headers=cookie))
        traces.add(client.post(f"{address}/sign-in", data={"link": secrets["link"]}, headers=SAME))
    traces.look()


def test_no_secret_is_printed_answered_or_kept(empty: Folder) -> None:
    """Nowhere but where it was handed over; the control finds what is no secret in the same places."""
    empty.good("init")
    secrets, traces = planted(empty), Traces([], set())
    with talking(empty) as address:
        used(address, secrets, traces)
        for command in (
            ("doctor",),
            ("api-keys", "list"),
            ("members", "list"),
            ("verify",),
            ("search", "--json"),
        ):
            ended = empty.run(*command)
            traces.answers.append(ended.out + ended.err)
    kept = {
        str(file.relative_to(empty.path)): file.read_bytes()
        for file in empty.path.rglob("*")
        if file.is_file()
    }
    own = {name: text for name, text in kept.items() if name.endswith((".keys", ".key"))}
    places = {name: text for name, text in kept.items() if name not in own}
    places |= {f"answer {at}": text.encode() for at, text in enumerate(traces.answers)}
    places["processes"] = "\n".join(traces.lines).encode()
    for name, text in own.items():
        secrets |= {f"{name} {at}": line for at, line in enumerate(_lines(text))}
    assert len(secrets) > 8
    for name, secret in secrets.items():
        assert [place for place, text in places.items() if secret.encode() in text] == [], name
    everywhere = b"".join(places.values())
    assert all(
        text in everywhere for text in (b"Anna Berg", LOGIN.encode(), b"trailbook", b"unauthenticated")
    )


def _lines(text: bytes) -> list[str]:
    """The secret words of a file of keys: whatever in it is long enough to be one."""
    return re.findall(r"[A-Za-z0-9+/_=-]{32,}", text.decode("utf-8", "replace"))
