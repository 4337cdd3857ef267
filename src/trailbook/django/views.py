"""The page inside Django: one view, which hands each request below it to the page and gives back what it answers.

Owns that a form is judged by the page's own rule of where it comes from, and not by Django's token, which the page has
none of. Refuses to stream where each stream would hold one of the server's threads: below WSGI there is no live list.
"""

import os
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from trailbook.capture.django import the_host
from trailbook.django.exchange import USER, answered
from trailbook.django.host import base_url, host_log, host_user
from trailbook.web import MountedPage

PAGE = "trailbook-page"


@csrf_exempt  # type: ignore[untyped-decorator]  # Django ships no types
def page(request: HttpRequest, path: str) -> HttpResponseBase:
    """Whatever is asked for below the place where the page is mounted."""
    mounted = mounted_page(os.getpid(), isinstance(request, ASGIRequest))
    return answered(mounted, request, path, host_user(request))


@cache
def mounted_page(process: int, live: bool) -> MountedPage:
    """The page of this process. Raises: ConfigurationError; as `host_log`."""
    return MountedPage(
        host_log(),
        base_url=f"{base_url()}{root()}",
        viewer=_user_of,
        sign_in=_sign_in(),
        trusted_proxies=the_host().settings.trusted_proxies,
        live=live,
    )


def root() -> str:
    """The path at which the page is mounted, without a slash at its end. Raises: NoReverseMatch where it is not."""
    href: str = reverse(PAGE, kwargs={"path": ""})
    return urlsplit(href).path.rstrip("/")


def _user_of(scope: Any) -> Any:
    return scope[USER]


def _sign_in() -> str:
    """Where the host signs people in, as its settings have it."""
    href: str = resolve_url(settings.LOGIN_URL)
    return href
