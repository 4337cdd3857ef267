"""Into the activity log as one of four people: its HR lead, a manager, an employee, the system administrator.

Owns who has which role in the log, and the page that hands out a one-time link. There are no passwords in the
demo: whoever opens it chooses whom to be. Refuses anybody but the four.
"""

from collections.abc import Callable

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from trailbook.demo import names
from trailbook.demo.looks import Asked, Here, Page, render, same_origin
from trailbook.demo.system import HRSystem
from trailbook.model import Item


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


def item_of(one: Entering) -> Item:
    """The person as the log knows them."""
    known = next(each for each in names.KNOWN if each.id == one.key)
    return Item(type="user", id=one.key, name=f"{known.first} {known.last}")


def routes(hr: HRSystem, link: Callable[[Item], str]) -> list[ControllerRouterHandler]:
    """The route handlers of the page; `link` makes the address that signs somebody in once."""

    @post("/", sync_to_thread=True)
    def enter(who: FromQuery[str] = "") -> Response[bytes]:
        one = next((each for each in FOUR if each.part == who), None)
        if one is None:
            raise NotFoundException
        return Response(b"", status_code=303, headers={"Location": link(item_of(one))})

    return [
        Router(
            path="/hr/enter",
            route_handlers=[choose, enter],
            dependencies={"hr": Provide(lambda: hr, sync_to_thread=False)},
            before_request=same_origin,
            include_in_schema=False,
        )
    ]


@get("/", sync_to_thread=True)
def choose(request: Asked, hr: Here) -> Page:
    """The four, each with a button."""
    with hr.reading() as session:
        return render(request, session, "enter.html", four=[(one, item_of(one)) for one in FOUR])
