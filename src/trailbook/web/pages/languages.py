"""The language a reader chooses: remembered in a cookie, signed in or not, and read again where they were.

Owns the step back to the page on which it was chosen. Refuses a language that is not enabled, and to lead to any other
site.
"""

from litestar import Response

from trailbook.web.http.auth import require_same_site
from trailbook.web.http.preferences import remembered
from trailbook.web.http.render import see
from trailbook.web.http.request import ParameterInvalidError, Request
from trailbook.web.pages.sign_in import form, own_path


def choose_language(request: Request) -> Response[bytes]:
    """POST /language: from now on in this language, where one was. Raises: CrossSiteError, ParameterInvalidError."""
    require_same_site(request)
    sent = form(request)
    lang = sent.get("lang", "")
    if lang not in request.site.languages:
        raise ParameterInvalidError(f"lang: is not one of {', '.join(request.site.languages)}")
    secure = request.site.base_url.startswith("https:")
    return see(own_path(sent.get("to", "")), remembered("lang", lang, secure=secure))
