"""The pages: who is signed in edits people, approves absences and gives the role of a manager."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from examples.django_hr.models import Absence, Person, RoleGiven
from trailbook.capture.django import record_change


def people(request: HttpRequest) -> HttpResponse:
    everybody = Person.objects.order_by("id") if request.user.is_authenticated else ()
    return render(request, "hr.html", {"people": everybody})


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    login(request, get_object_or_404(Person, id=request.POST["id"]))  # an example asks for no password
    return redirect("/")


@require_POST
@login_required
def edit(request: HttpRequest, id_: int) -> HttpResponse:
    person = get_object_or_404(Person, id=id_)
    person.name, person.phone = request.POST["name"], request.POST["phone"]
    person.save()  # nothing of Trailbook here: the change is captured as it is
    return redirect("/")


@require_POST
@login_required
def make_manager(request: HttpRequest, id_: int) -> HttpResponse:
    RoleGiven.objects.get_or_create(person_id=id_, role="Manager")
    return redirect("/")


@require_POST
@login_required
def approve(request: HttpRequest, id_: int) -> HttpResponse:
    with transaction.atomic():
        absence = get_object_or_404(Absence, id=id_)
        absence.approved = True
        absence.save()
        record_change(absence, "absence.approved")  # Trailbook: what the change means
    return redirect("/")
