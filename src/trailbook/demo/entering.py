"""Into the activity log as one of four people: its HR lead, a manager, an employee, the system administrator.

Owns who has which role in the log, and the way from an HR page into it: whoever is signed in in HR opens the log
as themselves, with a one-time link. There are no passwords in the demo: whoever opens it chooses whom to be.
Refuses to show the log of one person to another who was chosen since.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from trailbook.demo import names
from trailbook.demo.looks import Page, Request, System, render, same_origin, who
from trailbook.demo.system import HRSystem
from trailbook.demo.tables import Person
from trailbook.model import Item

LOG = "/orgs/nordlys/activity"
Reads = Callable[[Mapping[str, str]], Item | None]


class Entering(Struct, frozen=True):
    """Somebody who may be chosen: their part, who they are in HR, and their role in the activity log."""

    part: str
    key: str
    role: str
    says: str


FOUR = (
    Entering("hr", names.HR_LEAD, "hr", "HR: sees the activity log"),
    Entering("manager", names.IT_LEAD, "employee", "Manager: has people, but no access to the activity log"),
    Entering("employee", names.REVIEWED, "employee", "Employee: has no access to the activity log"),
    Entering(
        "administrator", names.SUPPORT, "system-administrator", "System administrator: also cares for access"
    ),
)


def item_of(person: Entering) -> Item:
    """The person as the log knows them."""
    colleague = next(each for each in names.COLLEAGUES if each.id == person.key)
    return Item(type="user", id=person.key, name=f"{colleague.first} {colleague.last}")


def _entering(person: Person) -> Item:
    """As whom somebody enters: the log's sessions know people without what tells namesakes apart."""
    return Item(type="user", id=person.id, name=person.name)


def entry_routes(hr: HRSystem, link: Callable[[Item], str], reads: Reads) -> list[ControllerRouterHandler]:
    """The route handlers of the page.

    `link` makes the address that signs somebody in once; `reads` says from a request's headers as whom the log
    is open.
    """

    @post("/enter", sync_to_thread=True)
    def enter(person: FromQuery[str] = "") -> Response[bytes]:
        with hr.reading() as session:
            chosen = session.get(Person, person)
            if chosen is None or chosen.status != "active":
                raise NotFoundException
            return _see(link(_entering(chosen)))

    @get("/log", sync_to_thread=True)
    def into_log(request: Request, concerns: FromQuery[str] = "") -> Response[bytes] | Page:
        with hr.reading() as session:
            if reads(request.headers) != _entering(who(request, session)):
                return _choose(request, hr)
        return _see(f"{LOG}?{urlencode({'concerns': concerns}, safe='/')}" if concerns else LOG)

    return [
        Router(
            path="/hr",
            route_handlers=[choose, enter, into_log],
            dependencies={"hr": Provide(lambda: hr, sync_to_thread=False)},
            before_request=same_origin,
            include_in_schema=False,
        )
    ]


@get("/enter", sync_to_thread=True)
def choose(request: Request, hr: System) -> Page:
    """Whoever is signed in in HR, and the four, each with a button."""
    return _choose(request, hr)


def _choose(request: Request, hr: HRSystem) -> Page:
    with hr.reading() as session:
        me = who(request, session)
        says = {each.key: each.says for each in FOUR}
        offered = [session.get_one(Person, each.key) for each in FOUR if each.key != me.id]
        return render(request, session, "enter.html", me=me, offered=offered, says=says)


def _see(address: str) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"Location": address})
