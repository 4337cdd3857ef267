"""The app of the Django host, which has its model audited as the setting `AUDITED` says.

Owns how each library is told of a model, as its own documentation does it. Refuses a way that is none.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from bench.capture.host import ACTIONS


class PeopleConfig(AppConfig):  # type: ignore[misc]  # Django ships no types
    """People, audited."""

    name = "bench.capture"
    label = "people"

    def ready(self) -> None:
        """Have the model audited."""
        ways: Mapping[str, Callable[[Any], object]] = {
            "no audit": lambda model: None,
            "hooks": lambda model: _register(model, "hooks"),
            "triggers": lambda model: _register(model, "triggers"),
            "django-auditlog": lambda model: importlib.import_module("auditlog.registry").auditlog.register(
                model
            ),
            "django-simple-history": lambda model: importlib.import_module("simple_history").register(model),
        }
        ways[settings.AUDITED](self.get_model("Person"))


def _register(model: Any, by: Any) -> None:
    register = importlib.import_module("trailbook.capture.django").register
    register(model, type="user", name="name", fields=["phone"], actions=ACTIONS, by=by)
