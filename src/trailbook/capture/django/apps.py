"""The app `trailbook.capture.django`: it connects capture to every connection that Django opens, and to `migrate`.

Owns the moment at which capture begins in a process, and the entries that say so. Refuses to start with settings that
are wrong.
"""

from django.apps import AppConfig

from trailbook.capture.django import checks  # noqa: F401  # registers the system checks


class ActivityConfig(AppConfig):
    """Capture of this project's writes."""

    name = "trailbook.capture.django"
    label = "trailbook_capture"
    verbose_name = "Activity log"
