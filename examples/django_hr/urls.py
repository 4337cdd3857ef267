"""The addresses: the small HR system, Django's admin, whose pages have a tab "Activity", and the activity page."""

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import include, path

from examples.django_hr import views
from examples.django_hr.models import Absence, Person

admin.site.register([Person, Absence])
urlpatterns = [
    path("", views.people),
    path("sign-in", views.sign_in),
    path("people/<int:id_>", views.edit),
    path("people/<int:id_>/manager", views.make_manager),
    path("absences/<int:id_>/approval", views.approve),
    path("admin/", admin.site.urls),
    path("static/<path:path>", serve, {"insecure": True}),  # an example has no server for files beside it
    path("activity/", include("trailbook.django.urls")),  # Trailbook
]
