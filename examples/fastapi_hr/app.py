"""A small HR system with FastAPI: two people, their absences and roles, and the activity page under /activity.

    uvicorn examples.fastapi_hr.app:app

from a checkout, and open http://127.0.0.1:8000. Its database and the log lie in the folder that it is started in.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from examples.fastapi_hr.hr import Absence, Person, RoleGiven, begin, capture
from trailbook import Actor, Item, open_deployment, operator
from trailbook.administration import By, put_member
from trailbook.capture import Draining
from trailbook.capture.asgi import ActivityMiddleware, Scope
from trailbook.web import HostUser, MountedPage

ADDRESS = os.environ.get("HR_ADDRESS", "http://127.0.0.1:8000")
PAGE = Environment(autoescape=True).from_string("""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Small HR</title><h1>Small HR</h1>
{% if user %}<p>Signed in as {{ user.name }}. <a href="/activity/">Activity</a></p>
{% else %}<form method="post" action="/sign-in"><p>Who are you?</p>
<button name="id" value="1">Anna Berg</button> <button name="id" value="2">Bob Li</button></form>{% endif %}
{% for person in people %}<section><h2>{{ person.name }}</h2><form method="post" action="/people/{{ person.id }}">
<label>Name <input name="name" value="{{ person.name }}"></label>
<label>Phone <input name="phone" value="{{ person.phone }}"></label>
<button>Save</button> <button formaction="/people/{{ person.id }}/manager">Make manager</button></form>
{% for absence in person.absences %}<form method="post" action="/absences/{{ absence.id }}/approval">
Away from {{ absence.starts }}: {{ "approved" if absence.approved else "asked for" }} <button>Approve</button></form>
{% endfor %}</section>{% endfor %}</html>""")

engine = create_engine("sqlite:///hr.db")
begin(engine)
signed_in: dict[str, Item] = {}  # whose cookie is which

# The log. Anna may read it; of Bob nobody said so.
deployment = open_deployment("sqlite:///log.db", create=True)
log = deployment.create("acme")
put_member(By(deployment, operator("acme")), Item(type="user", id="1", name="Anna Berg"), ["auditor"])


def user_of(scope: Scope) -> Item | None:
    return signed_in.get(Request(scope).cookies.get("hr", ""))


def actor_of(scope: Scope) -> Actor | None:
    user = user_of(scope)
    return Actor(kind="person", type=user.type, id=user.id, name=user.name) if user else None


def viewer_of(scope: Scope) -> HostUser | None:
    user = user_of(scope)
    return HostUser("acme", user) if user else None


@asynccontextmanager
async def beside(_: FastAPI) -> AsyncIterator[None]:
    """What is captured moves into the log, which is signed, while the application runs."""
    with Draining(engine, log), deployment.signing_beside():
        yield
    page.close()
    deployment.close()


app = FastAPI(lifespan=beside)
app.add_middleware(ActivityMiddleware, actor=actor_of)  # who acts
page = MountedPage(deployment, base_url=f"{ADDRESS}/activity", viewer=viewer_of, sign_in="/")  # who reads
app.mount("/activity", page)


async def form_of(request: Request) -> dict[str, str]:
    """The form that was sent, by somebody who is signed in or signs in."""
    if request.url.path != "/sign-in" and user_of(request.scope) is None:
        raise HTTPException(401)
    return dict(parse_qsl((await request.body()).decode()))


Form = Annotated[dict[str, str], Depends(form_of)]


@app.get("/", response_class=HTMLResponse)
def people(request: Request) -> str:
    user = user_of(request.scope)
    with Session(engine) as session:
        return PAGE.render(user=user, people=session.scalars(select(Person)) if user else ())


@app.post("/sign-in")
def sign_in(form: Form) -> RedirectResponse:
    answer, token = RedirectResponse("/", 303), secrets.token_urlsafe()
    with Session(engine) as session:
        person = session.get_one(Person, int(form["id"]))
        signed_in[token] = Item(type="user", id=str(person.id), name=person.name)
    answer.set_cookie("hr", token, httponly=True, samesite="lax")
    return answer


@app.post("/people/{id_}")
def edit(id_: int, form: Form) -> RedirectResponse:
    with Session(engine) as session, session.begin():
        person = session.get_one(Person, id_)
        person.name, person.phone = form["name"], form.get("phone", "")
    return RedirectResponse("/", 303)


@app.post("/people/{id_}/manager")
def make_manager(id_: int, _: Form) -> RedirectResponse:
    with Session(engine) as session, session.begin():
        session.merge(RoleGiven(role="Manager", person_id=id_))
    return RedirectResponse("/", 303)


@app.post("/absences/{id_}/approval")
def approve(id_: int, _: Form) -> RedirectResponse:
    with Session(engine) as session, session.begin():
        absence = session.get_one(Absence, id_)
        absence.approved = True
        capture.record_change(session, absence, "absence.approved")  # what the change means
    return RedirectResponse("/", 303)
