"""The fields of a filter: one row says everything of a field, and whoever knows one reads it here.

Owns what each field finds, what its values may be, in which column of the index it stands, where it is on the form and
what is said of it on the command line and in the document of the API. Refuses words for people, which are of a
language: `phrases.py` and the page's locales have them under the field's name.
"""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from msgspec import Struct

from trailbook.model import INTERFACES, KINDS, OUTCOMES, Entry, Item
from trailbook.query import checks
from trailbook.query.checks import Check
from trailbook.query.dates import PRESETS

Schema = dict[str, Any]  # of JSON
# How the form takes a field: names typed with help, boxes to tick, a list to add from, one fetched when it is opened,
# text as it is.
FieldForm = Literal["typed", "boxes", "list", "fetched", "text"]

_ITEM: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}/.+$"}
_ACTION: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]*\\.([a-z][a-z0-9_]*|\\*)$"}
_MOMENT: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}


class Field(Struct, frozen=True, kw_only=True):
    """A field whose values are OR-ed and can be left out, as `name.not`.

    - `values`: every value with which a filter finds an entry; `check`: why a value is refused; `column`: where the
      index has it.
    - `choices`: every value there can be; `declared`: the member of a catalogue that has them. `items`: they are
      written `type/id`; `acts`, `about`: they name who acted, or whom and what it was about. `types`: the column of
      the items' types, where all of a type may be asked for.
    - `personal`: the values are somebody's own and go with them, so they are kept in no view, order, manifest or
      entry of a search, and no figures are made by them.
    - `facet`: the name under which the values are counted; `label`: what the catalogue calls such values. `form`,
      `shown`: how the form takes them, and whether it always does. `side`: the side of an item's own page that it is.
    - `metavar`, `option`, `says`, `schema`: how the command line and the document of the API put it.
    """

    name: str
    values: Callable[[Entry], set[str]]
    check: Check
    column: str
    choices: tuple[str, ...] = ()
    declared: Literal["categories"] | None = None
    items: bool = False
    acts: bool = False
    about: bool = False
    types: str | None = None
    personal: bool = False
    facet: str | None = None
    label: str | None = None
    form: FieldForm | None = None
    shown: bool = False
    side: str | None = None
    metavar: str
    option: str
    says: str
    schema: Schema = {}


class Single(Struct, frozen=True, kw_only=True):
    """A parameter that is given once, with what the command line and the document of the API say of it.

    `own`: it stands on the form in a field of its own, whose value is the filter's.
    """

    name: str
    check: Check
    metavar: str
    option: str
    says: str
    schema: Schema
    own: bool = True


def _name(item: Item) -> str:
    return f"{item.type}/{item.id}"


def _about(entry: Entry) -> set[str]:
    return {_name(entry.target)} | {_name(item) for item in entry.concerns}


def _networks(ip: str | None) -> set[str]:
    """An address, and every network that it lies in."""
    if ip is None:
        return set()
    address = ip_address(ip)
    networks = (ip_network((address, bits), strict=False) for bits in range(address.max_prefixlen))
    return {str(address), *map(str, networks)}


# In the order of a sentence: what, by whom, about whom, how.
_FIELDS = (
    Field(
        name="category",
        values=lambda entry: {entry.category},
        check=checks.category,
        column="category",
        declared="categories",
        facet="category",
        label="category",
        form="boxes",
        shown=True,
        metavar="NAME",
        option="The part of the host system",
        says="The part of the host system.",
    ),
    Field(
        name="action",
        values=lambda entry: {entry.action, entry.action.partition(".")[0] + ".*"},
        check=checks.action,
        column="action",
        facet="action",
        label="action",
        form="list",
        metavar="NAME",
        option="What was done; role.* is every action of that entity",
        says="A declared action, or all of an entity: `role.*`.",
        schema=_ACTION,
    ),
    Field(
        name="actor",
        values=lambda entry: {_name(entry.actor)},
        check=checks.item,
        column="actor",
        items=True,
        acts=True,
        facet="actor",
        form="typed",
        shown=True,
        side="by",
        metavar="TYPE/ID",
        option="Who did it, or their name",
        says="Who did it, as `type/id`.",
        schema=_ITEM,
    ),
    Field(
        name="concerns",
        values=_about,
        check=checks.item,
        column="concerns",
        items=True,
        about=True,
        facet="concerns",
        form="typed",
        shown=True,
        side="about",
        metavar="TYPE/ID",
        option="Whom or what it is about, or their name",
        says="Whom or what it was about, as `type/id`; the target too.",
        schema=_ITEM,
    ),
    Field(
        name="target",
        values=lambda entry: {_name(entry.target), entry.target.type + "/*"},
        check=checks.target,
        column="target",
        items=True,
        about=True,
        types="type",
        facet="target_type",
        form="list",
        metavar="TYPE/ID",
        option="What was changed; absence/* is every item of that type",
        says="What was changed, as `type/id`; all of a type: `absence/*`.",
        schema=_ITEM,
    ),
    Field(
        name="by_or_about",
        values=lambda entry: {_name(entry.actor)} | _about(entry),
        check=checks.item,
        column="by_or_about",
        items=True,
        acts=True,
        about=True,
        side="all",
        metavar="TYPE/ID",
        option="Who did it or whom it is about",
        says="Actor or concerned, as `type/id`.",
        schema=_ITEM,
    ),
    Field(
        name="actor_kind",
        values=lambda entry: {entry.actor.kind},
        check=checks.one_of(*KINDS),
        column="kind",
        choices=KINDS,
        facet="actor_kind",
        label="kind",
        form="boxes",
        metavar="KIND",
        option="person, integration or system",
        says="Which kind of actor.",
    ),
    Field(
        name="outcome",
        values=lambda entry: {entry.outcome},
        check=checks.one_of(*OUTCOMES),
        column="outcome",
        choices=OUTCOMES,
        facet="outcome",
        label="outcome",
        form="boxes",
        metavar="OUTCOME",
        option="success, failure or denied",
        says="How it ended.",
    ),
    Field(
        name="origin",
        values=lambda entry: {entry.origin.interface},
        check=checks.one_of(*INTERFACES),
        column="interface",
        choices=INTERFACES,
        facet="origin",
        label="interface",
        form="boxes",
        metavar="INTERFACE",
        option="web, mobile, api, cli, job, import or database",
        says="Through which interface.",
    ),
    Field(
        name="ip",
        values=lambda entry: _networks(entry.origin.ip),
        check=checks.network,
        column="origin",
        personal=True,
        form="text",
        metavar="ADDRESS",
        option="From which address, or network such as 192.0.2.0/24",
        says="The IP address it came from, or a network: `192.0.2.0/24`, `2001:db8::/32`. No figures are made by it.",
        schema={"type": "string", "pattern": "^[0-9a-f:.]+(/[0-9]{1,3})?$"},
    ),
    Field(
        name="source",
        values=lambda entry: {_name(entry.source)},
        check=checks.item,
        column="source",
        items=True,
        facet="source",
        form="fetched",
        metavar="TYPE/ID",
        option="Which source recorded it",
        says="The credential that recorded it, as `source/id`.",
        schema=_ITEM,
    ),
)
_ONCE = (
    Single(
        name="date",
        check=checks.one_of(*PRESETS),
        metavar="PRESET",
        option="today, last-week, last-month, this-quarter, past-6-months ...",
        says="A period as people say it; not together with `from` or `to`.",
        schema={"type": "string", "enum": list(PRESETS)},
    ),
    Single(
        name="from",
        check=checks.instant_or_day,
        metavar="TIME",
        option="From this day or instant on.",
        says="A day, or an instant with offset: the first that is found.",
        schema=_MOMENT,
        own=False,  # an instant is more than its field can say
    ),
    Single(
        name="to",
        check=checks.instant_or_day,
        metavar="TIME",
        option="To the end of this day, or before this instant.",
        says="A day (the last found), or an instant (the first not found).",
        schema=_MOMENT,
        own=False,
    ),
    Single(
        name="tz",
        check=checks.tz,
        metavar="ZONE",
        option="The IANA time zone of dates; else the organisation's.",
        says="The IANA time zone in which days are cut; otherwise UTC.",
        schema={"type": "string"},
    ),
    Single(
        name="hours",
        check=checks.hours,
        metavar="WHEN",
        option="outside (working hours), night or weekend, as the organisation has set them.",
        says=(
            "`outside` working hours, at `night` or at the `weekend`, by the organisation's clocks, or the rule that "
            "one of them was, as a saved view has it. Public holidays are not known. Never of one person: beside "
            "`actor` or `by_or_about` naming one, `text` that may, `ip`, or `self` with a person, it is refused."
        ),
        schema={"type": "string", "pattern": "^(outside|night|weekend)(,|$)"},
    ),
    Single(
        name="text",
        check=checks.text,
        metavar="WORDS",
        option="Words that begin so in any name or in the action's label.",
        says="Words, or their beginnings, of names or action.",
        schema={"type": "string", "minLength": 1},
    ),
    Single(
        name="self",
        check=checks.one_of("true", "false"),
        metavar="BOOL",
        option="true: people on their own behalf; false: all others.",
        says="Whether the actor did it to themselves.",
        schema={"type": "string", "enum": ["true", "false"]},
    ),
    Single(
        name="as_of",
        check=checks.whole,
        metavar="SIZE",
        option="Only entries with a seq below this, from a former answer.",
        says="From a former answer: only what was recorded before it.",
        schema={"type": "integer", "minimum": 0},
    ),
)
FIELDS: dict[str, Field] = {field.name: field for field in _FIELDS}
ONCE: dict[str, Single] = {single.name: single for single in _ONCE}
FACETS: dict[str, Field] = {field.facet: field for field in _FIELDS if field.facet}


def is_item(name: str, value: str) -> bool:
    """Whether a parameter of a filter, `name.not` too, names one item."""
    field = FIELDS.get(name.removesuffix(".not"))
    return field is not None and field.items and not value.endswith("/*")
