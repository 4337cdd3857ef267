"""The page inside Django: one view, which hands each request below it to the page and gives back what it answers.

Owns that a form is judged by the page's own rule of where it comes from, and not by Django's token, which the page has
none of, and that the addresses of an answer are those of the request's own place. Refuses to stream where each stream
would hold one of the server's threads: below WSGI there is no live list.
"""

import os
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import get_language_from_path, override
from django.views.decorators.csrf import csrf_exempt

from trailbook.capture.django import the_host
from trailbook.django.exchange import ASKED, Asked, answered
from trailbook.django.host import base_url, host_log, host_user
from trailbook.web import HostPlace, MountedPage

PAGE = "trailbook-page"


@csrf_exempt  # type: ignore[untyped-decorator]  # Django ships no types
def page(request: HttpRequest, path: str) -> HttpResponseBase:
    """Whatever is asked for below the place where the page is mounted. Raises: SuspiciousOperation; as `host_user`."""
    place = HostPlace(_root_of(request, path), _sign_in())
    mounted = mounted_page(os.getpid(), isinstance(request, ASGIRequest))
    return answered(mounted, request, Asked(path, host_user(request), place, _language_of(request)))


@cache
def mounted_page(process: int, live: bool) -> MountedPage:
    """The page of this process, which knows of no request's place. Raises: ConfigurationError; as `host_log`."""
    return MountedPage(
        host_log(),
        base_url=f"{base_url()}{_usual_root()}",
        viewer=lambda scope: scope[ASKED].user,
        place_of=lambda scope: scope[ASKED].place,
        trusted_proxies=the_host().settings.trusted_proxies,
        live=live,
    )


def root() -> str:
    """The path at which the page is mounted, without a slash at its end. Raises: NoReverseMatch where it is not."""
    href: str = reverse(PAGE, kwargs={"path": ""})
    return urlsplit(href).path.rstrip("/")


def _usual_root() -> str:
    """The path for whoever reads a file outside any request: the one in the project's own language."""
    with override(settings.LANGUAGE_CODE):
        return root()


def _root_of(request: HttpRequest, path: str) -> str:
    """The path at which this request meets the page.

    Raises: SuspiciousOperation where it names another place of the project than the settings do: some servers take
    that from a header, and then anybody could say where everybody's links lead.
    """
    script = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    named = request.META.get("SCRIPT_NAME", "").rstrip("/")
    if named != script:
        raise SuspiciousOperation(
            f"SCRIPT_NAME: is {named or 'empty'}, and FORCE_SCRIPT_NAME in the settings is {script or 'not given'}"
        )
    whole: str = request.path_info
    return f"{script}{whole[: len(whole) - len(path)]}".rstrip("/")


def _language_of(request: HttpRequest) -> str | None:
    """The language in the address, in a project whose addresses have one."""
    urls = getattr(request, "urlconf", settings.ROOT_URLCONF)
    language: str | None = get_language_from_path(request.path_info)
    return language if is_language_prefix_patterns_used(urls)[0] else None


def _sign_in() -> str:
    """Where the host signs people in, as its settings have it."""
    href: str = resolve_url(settings.LOGIN_URL)
    return href
