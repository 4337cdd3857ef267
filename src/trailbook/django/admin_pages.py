"""The tab "Activity" of the admin: what the log says of one object, newest first, for those who may read the log.

Owns one more page for each model that is registered with capture. Refuses to show anything to whom the log's own roles
do not let read it, the admin's superusers included, and to offer any way to change an entry.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.capture import current
from trailbook.capture.django import registered_item, the_host
from trailbook.django.host import host_log, viewer_in
from trailbook.django.views import root
from trailbook.errors import InvalidError, NotPermittedError, SuspendedError, UnauthenticatedError
from trailbook.finding import Shown
from trailbook.model import Item
from trailbook.query import Query, Term
from trailbook.web import Words, language, page_of, texts_of

ON_A_PAGE = 25
_NO_READING = Term("category", ("activity_log",), negated=True)  # as the page of the log begins, too
_PLACE = "<str:app_label>/<str:model_name>/<path:object_id>/activity/"
NAME = "trailbook_activity"


class Line(Struct, frozen=True):
    """An entry as the tab shows it: when, in which words, and where it stands in the log, if its page is mounted."""

    when: str
    sentence: str
    href: str | None


def add_activity(site: AdminSite) -> None:
    """Give an admin site the tab; Django's own has it already."""
    urls = site.get_urls

    def with_activity() -> list[Any]:
        def activity(request: HttpRequest, **at: str) -> HttpResponseBase:
            return _activity(site, request, **at)

        return [path(_PLACE, site.admin_view(activity), name=NAME), *urls()]

    site.get_urls = with_activity


def _activity(
    site: AdminSite, request: HttpRequest, *, app_label: str, model_name: str, object_id: str
) -> HttpResponseBase:
    """The tab of one object. Raises: Http404; PermissionDenied where the admin itself shows nothing of the object."""
    model_admin = _admin_of(site, app_label, model_name)
    thing = model_admin.get_object(request, unquote(object_id))
    if thing is None:
        raise Http404("there is no such object")
    if not model_admin.has_view_or_change_permission(request, thing):
        raise PermissionDenied
    t, request.current_app = words_of_admin(), site.name
    around = {**site.each_context(request), "opts": model_admin.opts, "object": thing, "texts": _texts(t)}
    item = registered_item(thing)
    around["title"] = t("admin.title", name=item.name or str(thing))
    try:
        return TemplateResponse(request, "trailbook/activity.html", around | _shown(request, item, t))
    except (UnauthenticatedError, NotPermittedError, SuspendedError):
        return TemplateResponse(request, "trailbook/refused.html", around, status=403)
    except InvalidError:
        raise Http404("there is no such page") from None


def _admin_of(site: AdminSite, app_label: str, model_name: str) -> ModelAdmin:
    """The admin of a registered model. Raises: Http404."""
    try:
        model: type[Model] = apps.get_model(app_label, model_name)
    except LookupError:
        raise Http404("there is no such model") from None
    if not is_registered(model) or not site.is_registered(model):
        raise Http404("this model has no activity")
    return site.get_model_admin(model)


def is_registered(model: type[Model]) -> bool:
    """Whether the objects of a model are items of the log."""
    return (model._meta.concrete_model or model) in the_host().registered


def _shown(request: HttpRequest, item: Item, t: Words) -> dict[str, Any]:
    """A page of what the log says of an item.

    Raises: UnauthenticatedError, NotPermittedError, SuspendedError; InvalidError for a cursor that is none.
    """
    viewer, deployment = _reading(request), host_log()
    if viewer.activity_log != "full":
        deployment.refused(viewer)
        raise NotPermittedError("Activity log")
    about = Term("by_or_about", (f"{item.type}/{item.id}",))
    query = Query(terms=(about, _NO_READING))
    cursor, log = request.GET.get("cursor"), deployment.log(viewer.org)
    page = log.search(query, viewer=viewer, limit=ON_A_PAGE, cursor=cursor, count=True, lang=t.lang)
    home = _home(viewer.org)
    return {
        "page": page,
        "count": t.counted("total", page.count or 0),
        "zone": _zone(t),
        "lines": [_line(entry, t, home) for entry in page.entries],
        "whole": home and page_of(home, item.type, item.id),
    }


def _reading(request: HttpRequest) -> Viewer:
    """The viewer, from where they read."""
    return structs.replace(viewer_in(request), origin=current().origin)


def words_of_admin() -> Words:
    """The texts in the language that Django answers in, or else in the first that there is."""
    return texts_of(language(get_language() or ""))


def _texts(t: Words) -> dict[str, str]:
    own = {name: t(f"admin.{name}") for name in ("tab", "when", "what", "whole")}
    refused = t("refused.needs", permission=t("permissions.activity_log"))
    return own | {
        "newer": t("keys.newer"),
        "older": t("keys.older"),
        "refused": refused,
        "ask": t("refused.ask"),
    }


def _line(entry: Shown, t: Words, home: str | None) -> Line:
    moment = datetime.fromisoformat(entry.occurred_at).astimezone(get_current_timezone())
    return Line(t.moment(moment), entry.sentence, home and f"{home}/e/{entry.id}")


def _zone(t: Words) -> str:
    """Which zone the times are in, as the page says it; a project may activate one that is of no place."""
    zone = get_current_timezone()
    name, key = (t.zone(zone), zone.key) if isinstance(zone, ZoneInfo) else (str(zone),) * 2
    return t("rows.zone", name=name, key=key)


def _home(org: str) -> str | None:
    """The address of the page of the log, where it is mounted."""
    try:
        return f"{root()}/orgs/{org}/activity"
    except NoReverseMatch:
        return None
