"""Django: a host's writes, captured in the host's own transaction, whatever part of Django made them.

Owns the public names of the app `trailbook.capture.django`. Needs the extra `django`. Refuses nothing itself.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
