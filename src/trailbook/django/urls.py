"""Where the page is mounted: `path("activity/", include("trailbook.django.urls"))`.

Owns that everything below is the page's. Refuses to hold a route of its own.
"""

from django.urls import re_path

from trailbook.django.views import PAGE, page

urlpatterns = [re_path(r"^(?P<path>.*)$", page, name=PAGE)]
