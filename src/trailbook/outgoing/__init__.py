"""Calls to somebody outside: to an address that was looked at, over TLS, within limits of time and size.

Owns where a call may go and how. Refuses whatever the operator's settings do not allow, and knows nothing of what is
said in a call.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
