"""Views of a project's own admin that lie where the tab "Activity" does, and would never be reached.

Owns the check `trailbook.W015`. Refuses to give way by itself: a tab that is there for some models only would be missed
by nobody but an auditor.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings as project
from django.contrib.admin import ModelAdmin
from django.contrib.admin.sites import all_sites
from django.core import checks
from django.urls import Resolver404, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.views.generic import RedirectView

from trailbook.django.admin_pages import NAME, is_registered

# Ids that the converters of Django take.
_IDS = ("1", "a", "00000000-0000-4000-8000-000000000000")


def hidden_views() -> Iterator[checks.CheckMessage]:
    """What the tab stands in the way of, on each admin site that has it."""
    if getattr(project, "ROOT_URLCONF", None):
        _ = get_resolver().url_patterns  # many projects register with the admin there
    for site in all_sites:
        if not any(getattr(pattern, "name", None) == NAME for pattern in site.get_urls()):
            continue
        for model, admin in site._registry.items():
            view = _own_view(admin) if is_registered(model) else None
            if view is not None:
                why = f'{view}: is never reached, for the tab "Activity" lies at <object_id>/activity/'
                hint = "Give your own view another path."
                yield checks.Warning(why, hint, obj=model, id="trailbook.W015")


def _own_view(admin: ModelAdmin) -> str | None:
    """The name of the view that the admin of a model has at the place of the tab."""
    urls = URLResolver(RegexPattern(r""), admin.get_urls())
    for each in _IDS:
        try:
            match = urls.resolve(f"{each}/activity/")
        except Resolver404:
            continue
        view: Any = match.func
        if getattr(view, "view_class", None) is not RedirectView:  # Django's own, for whatever else is asked
            return str(match.url_name or view.__name__)
    return None
