"""A witness of other people's logs: it cosigns a head only if it extends every head of that log that it ever cosigned.

Owns its key, its list of logs and one file of what it has seen. Refuses to know anything of an entry.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
