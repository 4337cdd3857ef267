#!/usr/bin/env bash
# Litestar hands an application that is mounted at /activity what is asked for at /activityorgs, too.
#
# Version:   litestar 2.25.0.
# Expected:  a mount takes its own path and what lies below it: /activity and /activity/orgs, as Starlette's and every
#            web server's does. What begins with the same letters is another path.
# Seen:      the mount's path is matched as the beginning of a text. GET /activityorgs/acme reaches the application as
#            the path orgs/acme/, without the slash that every ASGI path begins with.
# Met by:    whoever mounts the page of a log, or another administrator's application, and guards its path in front, by
#            a rule for /activity/ in a proxy or for the path in a middleware: the spelling without the slash goes past
#            the rule, and an application that puts the slash back answers it.
# Instead:   refuse in what is mounted each path that does not begin with a slash, guard by the route and not by the
#            spelling of a path, and name no route that begins with the letters of a mount.
# Known:     issue 3501, that a mount took its path from anywhere within a path, is closed; its mend left this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps litestar==2.25.0 litestar-htmx==0.5.0 anyio==4.16.0 \
    certifi==2026.10.18 click==8.5.1 faker==40.54.0 h11==0.16.0 httpcore==1.0.9 httpx==0.28.1 idna==3.20 \
    markdown-it-py==4.3.0 mdurl==0.1.2 msgspec==0.22.0 multidict==7.2.1 multipart==2.0.1 polyfactory==3.5.0 \
    pygments==2.21.0 pyyaml==6.0.3 rich==15.0.0 rich-click==1.9.9 sniffio==1.3.1 typing-extensions==4.16.0
"$folder/venv/bin/python" - <<'PROGRAM'
import asyncio
import sys
from typing import Any

from litestar import Litestar, asgi

reached = []


@asgi("/activity", is_mount=True, copy_scope=True)
async def mounted(scope: Any, receive: Any, send: Any) -> None:
    reached.append(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def asked(path):
    """What the mounted application is asked for; None where it is not."""
    reached.clear()
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "root_path": ""}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    await Litestar([mounted], openapi_config=None)(scope, receive, send)
    print(f"{path}: {reached[0]!r}" if reached else f"{path}: not mounted")
    return reached[0] if reached else None


below, other, longer = (asyncio.run(asked(path)) for path in ("/activity/orgs", "/orgs", "/activityorgs"))
if (below, other) != ("/orgs/", None):
    sys.exit("What came out right does so no longer.")
if longer != "orgs/":
    sys.exit("Litestar keeps a longer word from what is mounted.")
PROGRAM
