"""The pages of the small host."""

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from tests.capture.django.company.models import Person

admin.site.register(Person)


def change(request: HttpRequest) -> HttpResponse:
    """Change everybody."""
    return HttpResponse(Person.objects.update(email="changed"))


async def change_awaited(request: HttpRequest) -> HttpResponse:
    """Change everybody, awaited."""
    return HttpResponse(await Person.objects.aupdate(email="changed"))


def fail(request: HttpRequest) -> HttpResponse:
    """Change everybody, and fail."""
    with transaction.atomic():
        Person.objects.update(email="changed")
        raise RuntimeError("the view fails")


urlpatterns = [
    path("change", change),
    path("change-awaited", change_awaited),
    path("fail", fail),
    path("admin/", admin.site.urls),
]
