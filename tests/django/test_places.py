"""Where the page of a Django host is: what a request says of that holds for no other request."""

import json
from typing import Any

import pytest
from tests.examples.processes import Project

# Asks for the page at several places, all in one process of the project. Whoever came first once said it for everybody.
_SCRIPT = """
import json, os, re, sys
import django
from django.conf import settings
settings.LANGUAGES, settings.LOGIN_URL = [("en", "English"), ("nb", "Norsk")], "admin:login"
settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE[1:]]
settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = "places", ["testserver"]
settings.FORCE_SCRIPT_NAME = os.environ.get("SCRIPT")
django.setup()
from django.test import Client

def asked(path, script="", who=True, **more):
    client = Client(raise_request_exception=False)
    if who:
        client.force_login(USER)
    answer = client.get(path, SCRIPT_NAME=script, **more)
    text = answer.content.decode()
    links = re.findall(r'(?:href|src|action|hx-get)="(/[^"?#]*)', text)
    return {
        "status": answer.status_code,
        "location": answer.headers.get("Location", "").partition("?")[0],
        "roots": sorted({link.partition("/activity/")[0] for link in links if "/activity/" in link}),
        "outside": sorted({link for link in links if "/activity/" not in link}),
        "lang": re.findall(r'<html[^>]*? lang="(\\w+)"', text),
    }

from django.contrib.auth import get_user_model
USER = get_user_model().objects.get(pk=1)
print(json.dumps([asked(*each[0], **each[1]) for each in json.loads(sys.argv[1])]))
"""
_URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
page = path("activity/", include("trailbook.django.urls"))
urlpatterns = [page, *i18n_patterns(page, path("admin/", admin.site.urls))]
"""
LIST = "orgs/acme/activity?category.not=activity_log"


def answers(project: Project, *asked: object, **environ: str) -> list[dict[str, object]]:
    (project.folder / "places.py").write_text(_URLS)
    done = project.run("-c", _SCRIPT, json.dumps(asked), **environ)
    assert done.returncode == 0, done.stderr
    made: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return made


@pytest.mark.parametrize("first", [("/activity/", "/evil"), ("/nb/activity/", "")])
def test_whoever_comes_first_says_it_for_nobody_else(project: Project, first: tuple[str, str]) -> None:
    forged, own, nb, en = answers(
        project,
        [first, {"who": first[1] == ""}],
        [(f"/activity/{LIST}",), {}],
        [(f"/nb/activity/{LIST}",), {}],
        [(f"/en/activity/{LIST}",), {}],
    )
    assert forged["status"] == (400 if first[1] else 303)
    assert [each["status"] for each in (own, nb, en)] == [200, 200, 200]
    assert [each["roots"] for each in (own, nb, en)] == [[""], ["/nb"], ["/en"]]
    assert [each["outside"] for each in (own, nb, en)] == [[], [], []]


def test_an_address_sends_on_within_its_own_place(project: Project) -> None:
    paths = ("/activity/", "/nb/activity/", "/en/activity/orgs/acme/activity")
    made = answers(project, *([(path,), {}] for path in paths))
    assert [each["location"] for each in made] == [
        "/activity/orgs/acme/activity",
        "/nb/activity/orgs/acme/activity",
        "/en/activity/orgs/acme/activity",
    ]


def test_the_language_in_an_address_is_that_of_its_page(project: Project) -> None:
    """And of where somebody signs in; where an address has none it is for the browser to say."""
    asked: list[Any] = [
        [(f"/nb/activity/{LIST}",), {"HTTP_ACCEPT_LANGUAGE": "en"}],
        [(f"/en/activity/{LIST}",), {"HTTP_ACCEPT_LANGUAGE": "nb"}],
        [(f"/activity/{LIST}",), {"HTTP_ACCEPT_LANGUAGE": "nb"}],
        [(f"/activity/{LIST}",), {"HTTP_ACCEPT_LANGUAGE": "en"}],
    ]
    assert [each["lang"] for each in answers(project, *asked)] == [["nb"], ["en"], ["nb"], ["en"]]
    nobody = answers(project, *([path, {"who": False}] for path, _ in asked[:2]))
    assert [each["status"] for each in nobody] == [401, 401]
    assert [each["outside"] for each in nobody] == [["/nb/admin/login/"], ["/en/admin/login/"]]


def test_the_settings_say_where_the_project_is(project: Project) -> None:
    """The control: a project that lies below a path says so in its settings, and then no request says otherwise."""
    asked = [[(f"/activity/{LIST}", script), {}] for script in ("", "/evil", "/app")]
    made = answers(project, *asked, SCRIPT="/app")
    assert [(each["status"], each["roots"]) for each in made] == [(200, ["/app"])] * 3
    unset = answers(project, *asked)
    assert [each["status"] for each in unset] == [200, 400, 400]
