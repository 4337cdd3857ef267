"""The tab lies where no view of a project's own does, or a check says which view it hides."""

import json

from tests.examples.processes import Project

# Gives the admin of people a view at each path, one after the other, and asks the checks.
_SCRIPT = """
import json
import django
django.setup()
from django.contrib import admin
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import path
import examples.django_hr.urls
from examples.django_hr.models import Person, RoleGiven
from django.contrib.auth.models import Group

def faults(model, place):
    class Own(admin.ModelAdmin):
        def get_urls(self):
            own = [path(place, lambda request, **at: HttpResponse("own"), name="own_activity")] if place else []
            return [*own, *super().get_urls()]
    before = admin.site._registry.pop(model, None)
    admin.site.register(model, Own)
    try:
        return [message.msg for message in run_checks(tags=["trailbook"]) if message.id == "trailbook.W015"]
    finally:
        admin.site.unregister(model)
        if before:
            admin.site._registry[model] = before

PLACES = ("<path:object_id>/activity/", "<int:id>/activity/", "<uuid:id>/activity/", "<int:id>/doings/", "")
print(json.dumps([[len(faults(Person, place)) for place in PLACES], len(faults(Group, PLACES[0]))]))
"""


def test_a_view_that_the_tab_hides_is_named(project: Project) -> None:
    """The controls: another path, no view, and a model that the tab is not there for."""
    done = project.run("-c", _SCRIPT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[1, 1, 1, 0, 0], 0]
