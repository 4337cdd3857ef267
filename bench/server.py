"""`python -m bench.server URL`: the server that is measured, which says how it is reached.

Owns a process with the real application and nothing else in it.
"""

import json
import sys

import uvicorn

from bench.serving import opened
from trailbook.web import create_app
from trailbook.web.http.limits import Limits


def main(url: str) -> None:
    """Serve until it is ended."""
    deployment, key, cookie = opened(url)
    config = uvicorn.Config("unset:app", port=0, log_level="critical", access_log=False, lifespan="on")
    listening = config.bind_socket()
    listening.listen(2_048)  # whoever is told where it is may connect at once, and waits until it serves
    host, port = listening.getsockname()[:2]
    unbound = Limits(reading=1_000_000, recording=10_000_000)  # the server is measured, not its limits
    app = create_app(deployment, base_url=f"http://{host}:{port}", limits=unbound)
    print(json.dumps({"host": host, "port": port, "key": key, "cookie": cookie}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, ws="none")).run(
        sockets=[listening]
    )
    deployment.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
