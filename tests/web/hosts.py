"""Hosts that mount the page: one in each framework, each with a sign-in of its own that is a cookie with an id."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

import uvicorn
from fastapi import FastAPI
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Mount

from trailbook import Item
from trailbook.web.host import HostScope, MountedPage
from trailbook.web.http.site import HostUser

PREFIX = "/hr/activity"


def signed_in_by_cookie(org: str) -> Callable[[HostScope], HostUser | None]:
    """Who a test's cookie says is signed in, into one organisation."""

    def viewer(scope: HostScope) -> HostUser | None:
        sent = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
        morsel = SimpleCookie(sent).get("hr")
        return HostUser(org, Item(type="user", id=morsel.value, name="Anna Berg")) if morsel else None

    return viewer


def fastapi(page: MountedPage) -> Any:
    app = FastAPI()
    app.mount(page.root, page)
    return app


def starlette(page: MountedPage) -> Any:
    return Starlette(routes=[Mount(page.root, page)])


def litestar(page: MountedPage) -> Any:
    return Litestar([asgi(page.root, is_mount=True, copy_scope=True)(page)], openapi_config=None)


HOSTS: dict[str, Callable[[MountedPage], Any]] = {
    "fastapi": fastapi,
    "starlette": starlette,
    "litestar": litestar,
}


@contextmanager
def served_at(make: Callable[[str], Any]) -> Iterator[str]:
    """A server of the application that is made for its address, which is given."""
    config = uvicorn.Config("unset:app", port=0, log_level="critical", access_log=False)
    listening = config.bind_socket()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(make(address), log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
