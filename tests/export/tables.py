"""A log under hostile names, and whole exports of it: what the tests of every format write and read back."""

from collections.abc import Iterator

from trailbook import Actor, Item, Log, Origin, Query, operator
from trailbook.deployment.opening import open_deployment
from trailbook.export import COLUMNS, FORMATS, Format, Layout, exactly, file_pieces

ORG = "nordlys"
VIEWER = operator(ORG)
EVERYTHING = Query()
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ANNA_ITEM = Item(type="user", id="u-17", name="Anna Berg")
ALL = Layout(columns=COLUMNS, tz="Europe/Oslo")
HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", " =1", "a;=1", "=cmd|' /C calc'!A0", "'=1", "＝1"),
    *("_x000D_", "_x005F_", "a_x", "<b>&amp;</b>", "]]>", '"', "a,b", "100 %", "%s {actor} %%"),
    *("Åse Ødegård", "𝒳 four bytes", "שלום", "عربي", "\ue0001\ue001", "don't", "a", "x" * 300),
)


def hostile_log() -> Iterator[Log]:
    """A log with every kind of entry that a sentence tells apart, under hostile names."""
    deployment = open_deployment("memory:")
    log = deployment.create(ORG)
    for at, name in enumerate(HOSTILE):
        member = Item(type="user", id=f"u-{at}", name=name)
        role = Item(type="role", id=f"r-{at}", name=name)
        origin = Origin(interface="web", ip="192.0.2.7", user_agent=name)
        log.record("role.assigned", actor=ANNA, target=role, concerns={"member": member}, origin=origin)
        own = Actor(kind="person", type="user", id=f"u-{at}", name=name)
        log.record("user.profile_updated", actor=own, target=member, fields=("address",), origin=origin)
        system = Actor(kind="system", type="system", id="sync")
        log.record(
            "role.deleted", actor=system, target=role, origin=Origin(interface="job"), outcome="denied"
        )
        robot = Actor(kind="integration", type="integration", id="i-1", name=name)
        log.record("user.created", actor=robot, target=member, origin=origin, on_behalf_of=ANNA_ITEM)
        log.record("role.assigned", actor=own, target=role, concerns={"member": member}, origin=origin)
    renamed = Item(type="user", id="u-0", name="Renamed")
    log.record("user.profile_updated", actor=ANNA, target=renamed, origin=Origin(interface="web"))
    yield log
    deployment.close()


def written(
    log: Log, name: Format, query: Query = EVERYTHING, layout: Layout = ALL, lang: str = "en"
) -> bytes:
    """A whole export."""
    rows = log.export(query, viewer=VIEWER, order=FORMATS[name].order, lang=lang)
    return b"".join(file_pieces(name, exactly(rows), layout))
