"""The log inside a Django host: its page under the host's URL, a tab in the admin, and commands of `manage.py`.

Owns what a Django host shows of its log. Capture is an app of its own, `trailbook.capture.django`, which knows of no
log: a host may have that one alone, and the log elsewhere. Refuses to decide who may see what: the log's roles do.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
