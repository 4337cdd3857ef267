"""The tag by which the admin's page of an object links to its activity.

Owns for which objects there is a link. Refuses to say whether there is anything to read: the tab does.
"""

from typing import Any

from django import template
from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse

from trailbook.django.admin_pages import NAME, is_registered, words_of_admin

register = template.Library()


@register.inclusion_tag("trailbook/tab.html")  # type: ignore[untyped-decorator]  # Django ships no types
def activity_tab(opts: Any, original: Any) -> dict[str, Any]:
    """The link to the activity of an object whose model is registered with capture."""
    if original is None or not is_registered(opts.model):
        return {"href": None}
    try:
        href = reverse(f"admin:{NAME}", args=(opts.app_label, opts.model_name, quote(original.pk)))
    except NoReverseMatch:  # a site of the project's own that nobody gave the tab
        return {"href": None}
    return {"href": href, "tab": words_of_admin()("admin.tab")}
