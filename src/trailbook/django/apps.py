"""The app `trailbook.django`: the admin gets its tab, and what is set wrongly is said by `manage.py check`.

Owns what happens when Django starts. Refuses to open the log then: a server may fork, and a command may have no log.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings as project
from django.contrib import admin
from django.core import checks

from trailbook.django.admin_pages import add_activity
from trailbook.django.hidden_views import hidden_views
from trailbook.django.host import base_url, log_folder, log_url
from trailbook.errors import ConfigurationError

_ADMIN, _CAPTURE = "django.contrib.admin", "trailbook.capture.django"


class LogConfig(AppConfig):  # type: ignore[misc]  # Django ships no types
    """The log of this project."""

    name = "trailbook.django"
    label = "trailbook_log"
    verbose_name = "Activity log"

    def ready(self) -> None:
        """Put the tab into the admin, where there is one."""
        checks.register(_check, "trailbook")
        if apps.is_installed(_ADMIN):
            add_activity(admin.site)


def _check(app_configs: Any, **more: Any) -> list[checks.CheckMessage]:
    return list(_faults())


def _faults() -> Iterator[checks.CheckMessage]:
    """What is set wrongly for the log of this project."""
    for needed in (log_url, base_url):
        try:
            needed()
        except ConfigurationError as error:
            yield checks.Error(error.detail, id="trailbook.E010")
    if (folder := log_folder()) is not None and not folder.is_dir():
        yield checks.Error(f"TRAILBOOK: log: there is no folder {folder}", id="trailbook.E011")
    if apps.is_installed(_ADMIN):
        yield from hidden_views()
    names = [config.name for config in apps.get_app_configs()]
    if _ADMIN in names and names.index(LogConfig.name) > names.index(_ADMIN):
        why = (
            f"INSTALLED_APPS: {LogConfig.name} stands after {_ADMIN}, whose pages then have no tab of the log"
        )
        yield checks.Warning(why, f"Put it before {_ADMIN}.", id="trailbook.W013")
    if not getattr(project, "SESSION_COOKIE_HTTPONLY", True):
        yield checks.Warning(
            "SESSION_COOKIE_HTTPONLY: a script could take the session that reads the log", id="trailbook.W014"
        )
