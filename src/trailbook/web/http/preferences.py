"""What a browser remembers of its reader's wishes, in cookies of our own: language, zone, look, the folded questions.

Owns their names, and how one is read and kept. Refuses to keep anything of people; whoever uses a value checks it.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Literal

Preference = Literal["lang", "zone", "look", "asks"]
_YEAR = 31_536_000  # seconds


def preference(headers: Mapping[str, str], name: Preference) -> str:
    """What the browser remembers under a name; nothing where it does not, or where its cookies cannot be read."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(f"trailbook-{name}")
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def remembered(name: Preference, value: str, *, secure: bool) -> str:
    """The Set-Cookie header by which a browser remembers a wish for a year; `secure` where it is reached by https."""
    return f"trailbook-{name}={value}; Path=/; Max-Age={_YEAR}; SameSite=Lax{'; Secure' if secure else ''}"
