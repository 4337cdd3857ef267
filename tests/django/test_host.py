"""Which log a Django host has, and who asks in a request: what is set wrongly shows nothing, and is said."""

import json

import pytest
from tests.examples.processes import Project

# Asks for the page under other settings, all in one process of the project.
_SCRIPT = """
import json, os
import django
django.setup()
from django.core.checks import run_checks
from django.test import Client, override_settings
from django.conf import settings
from django.contrib.auth import get_user_model
from trailbook.capture.django import the_host
from trailbook.django import host, views
from trailbook.model import Actor, Item
from trailbook.web import HostUser

CODES = ("trailbook.E010", "trailbook.E011")
ANNA, EVE = Item(type="user", id="1", name="Anna Berg"), Item(type="user", id="9", name="Eve")
OTHERS = {
    "nobody": {"viewer": lambda request: None},
    "anna": {"viewer": lambda request: HostUser("acme", ANNA)},
    "eve": {"viewer": lambda request: HostUser("acme", EVE)},
    "elsewhere": {"viewer": lambda request: HostUser("other", ANNA)},
    "text": {"viewer": lambda request: "1"},
    "raising": {"viewer": lambda request: 1 / 0},
    "acting anna": {"actor": lambda request: Actor(kind="person", type="user", id="1", name="Anna Berg")},
    "acting system": {"actor": lambda request: Actor(kind="system", type="system", id="1", name="Anna Berg")},
    "of a row": {"org": lambda row: "acme", "actor": lambda request: Actor(kind="person", type="user", id="1")},
    "no log": {"log": None},
    "no such log": {"log": "none.db"},
    "no address": {"base_url": None},
    "no such folder": {"log": "none/trailbook.db"},
}

def asked(more):
    with override_settings(TRAILBOOK={**settings.TRAILBOOK, **more}, ALLOWED_HOSTS=["testserver"]):
        old, registered = the_host(), the_host().registered
        the_host.cache_clear()
        the_host().registered.update(registered)
        views.mounted_page.cache_clear()
        faults = [message.id for message in run_checks(tags=["trailbook"]) if message.id in CODES]
        administrator = Client()
        administrator.force_login(get_user_model().objects.get(pk=1))
        page = status(Client(), "/activity/api/v1/orgs/acme/entries")
        return [page, status(administrator, "/admin/hr/person/2/activity/"), len(faults)]

def status(client, path):
    try:
        return client.get(path).status_code
    except Exception as error:
        return type(error).__name__

print(json.dumps({name: asked(more) for name, more in OTHERS.items()}))
"""
WANTED = {
    "nobody": [401, 403, 0],
    "anna": [200, 200, 0],
    "eve": [403, 403, 0],
    "elsewhere": [403, 403, 0],
    "text": ["TypeError", "TypeError", 0],
    "raising": ["ZeroDivisionError", "ZeroDivisionError", 0],
    "acting anna": [200, 200, 0],
    "acting system": [401, 403, 0],
    "of a row": ["ConfigurationError", "ConfigurationError", 0],
    "no log": ["ConfigurationError", "ConfigurationError", 1],
    "no such log": ["NotFoundError", "NotFoundError", 0],
    "no such folder": ["NotFoundError", "NotFoundError", 1],
    "no address": ["ConfigurationError", 200, 1],
}


@pytest.fixture(scope="module")
def answers(fresh: Project) -> dict[str, list[object]]:
    done = fresh.run("-c", _SCRIPT)
    assert done.returncode == 0, done.stderr
    asked: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return asked


@pytest.mark.parametrize("name", WANTED)
def test_who_asks_is_what_the_settings_say(answers: dict[str, list[object]], name: str) -> None:
    """What the page and the tab of the admin answer, and how many errors `manage.py check` has."""
    assert answers[name] == WANTED[name]
