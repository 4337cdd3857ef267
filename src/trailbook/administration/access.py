"""Who may do what in an organisation: its roles, its members and what even full access does not show.

Owns the rules of a change: who may make it, that somebody is left who can, and that it is an entry. The entry is
written first: a change nobody hears of is worse than an entry of one that failed, which a second entry then says.
Refuses to know how anybody signs in (`accounts`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from trailbook.access import (
    PERMISSIONS,
    PREDEFINED,
    Change,
    Member,
    Organisation,
    Role,
    Viewer,
    access_blob,
    access_fact,
    access_manifest,
    administrators,
    every_role,
    full_of,
    levels,
    new_role_id,
    refuse_faults,
    refuse_locking_out,
    require_access,
    require_full,
    role_faults,
)
from trailbook.deployment import Deployment
from trailbook.errors import (
    AccessMovedError,
    Fault,
    HeadMovedError,
    NotFoundError,
    PredefinedRoleError,
)
from trailbook.model import MAX_CONCERNS, Actor, Concern, Item, NewEntry, Origin, item_faults
from trailbook.record import NOTHING


class By(Struct, frozen=True):
    """Who makes a change, and where: everything below is for the viewer's own organisation."""

    deployment: Deployment
    viewer: Viewer

    @property
    def org(self) -> str:
        return self.viewer.org


class AccessState(Struct, frozen=True, kw_only=True):
    """Access of an organisation as it is: roles by id, the predefined ones first, and members by type and id."""

    organisation: Organisation
    roles: Mapping[str, Role]
    members: Mapping[tuple[str, str], Member]


class AccessEntry(Struct, frozen=True, kw_only=True):
    """An entry that a change will be: its action and target, whom it is about, and which permissions.

    `manifest` says what those may do from then on whom it is about, where that changes.
    """

    action: str
    target: Item
    members: tuple[Item, ...] = ()
    permissions: tuple[Item, ...] = ()
    fields: tuple[str, ...] = ()
    manifest: bytes | None = None


class PlannedChange(Struct, frozen=True):
    """A change of access, and the entries that say so; without entries there is nothing to change."""

    change: Change
    entries: Sequence[AccessEntry]


Plan = Callable[[AccessState], PlannedChange]


def access_of(by: By) -> AccessState:
    """Access of the organisation as it is now. Raises: NotPermittedError."""
    require_access(by.viewer, by.org)
    access = by.deployment.access
    members = {(m.type, m.id): m for m in access.members(by.org)}
    return AccessState(
        organisation=access.organisation(by.org), roles=every_role(access.roles(by.org)), members=members
    )


def who_may(by: By, *permissions: str) -> list[str]:
    """The names of the members who have all these permissions, for whoever has to ask one of them.

    Raises: NotPermittedError for who may not read the log.
    """
    require_full(by.viewer, by.org)
    every = every_role(by.deployment.access.roles(by.org))
    allowed = []
    for member in by.deployment.access.members(by.org):
        given = levels([every[id_] for id_ in member.roles if id_ in every])
        if member.disabled_at is None and all(given[name] == "full" for name in permissions):
            allowed.append(member.name)
    return sorted(allowed, key=str.casefold)


def role_of(by: By, id_: str) -> Role:
    """One role. Raises: NotPermittedError, NotFoundError."""
    return _role(access_of(by), id_)


def find_member(state: AccessState, type_: str, id_: str) -> Member:
    """A member. Raises: NotFoundError."""
    if (type_, id_) not in state.members:
        raise NotFoundError("there is no such member")
    return state.members[type_, id_]


def add_role(by: By, name: str, permissions: Mapping[str, str], *, categories: Sequence[str] = ()) -> Role:
    """A new role; `categories` are the restricted ones it may read.

    Raises: NotPermittedError, InvalidError, AccessMovedError.
    """
    id_, restricted = new_role_id(by.deployment.entropy(8)), tuple(sorted(set(categories)))
    role = Role(id=id_, name=name, full=full_of(permissions), categories=restricted)

    def plan(state: AccessState) -> PlannedChange:
        refuse_faults(role_faults(name, permissions, [r.name for r in state.roles.values()]))
        refuse_faults(_category_faults(by, role))
        entry = AccessEntry(
            action="role.created",
            target=role_item(role),
            fields=("permissions",),
            manifest=access_manifest(role),
        )
        return PlannedChange(Change(organisation=state.organisation, put_roles=[role]), [entry])

    change_access(by, plan)
    return role


def change_role(
    by: By, id_: str, name: str, permissions: Mapping[str, str], *, categories: Sequence[str] = ()
) -> Role:
    """A role's new name, permissions and restricted categories.

    Raises: NotPermittedError, NotFoundError, PredefinedRoleError, InvalidError, LastAdministratorError,
    AccessMovedError.
    """
    restricted = tuple(sorted(set(categories)))
    role = Role(id=id_, name=name, full=full_of(permissions), categories=restricted)

    def plan(state: AccessState) -> PlannedChange:
        old = _own_role(state, id_)
        refuse_faults(role_faults(name, permissions, [r.name for r in state.roles.values() if r.id != id_]))
        refuse_faults(_category_faults(by, role))
        entries = []
        if name != old.name:
            entries.append(AccessEntry(action="role.renamed", target=role_item(role), fields=("name",)))
        if (role.full, role.categories) != (old.full, old.categories):
            moved = tuple(
                _permission(name) for name in PERMISSIONS if (name in role.full) != (name in old.full)
            )
            entries.append(
                AccessEntry(
                    action="role.access_level_changed",
                    target=role_item(role),
                    permissions=moved,
                    fields=("permissions",),
                    manifest=access_manifest(role),
                )
            )
        return PlannedChange(Change(organisation=state.organisation, put_roles=[role]), entries)

    change_access(by, plan)
    return role


def _permission(name: str) -> Item:
    return Item(type="permission", id=f"trailbook.{name}", name=PERMISSIONS[name])


def remove_role(by: By, id_: str) -> None:
    """Remove a role; whoever had it has it no longer.

    Raises: NotPermittedError, NotFoundError, PredefinedRoleError, LastAdministratorError, AccessMovedError.
    """

    def plan(state: AccessState) -> PlannedChange:
        role = _own_role(state, id_)
        holders = [m for m in state.members.values() if id_ in m.roles]
        left = [structs.replace(m, roles=tuple(r for r in m.roles if r != id_)) for m in holders]
        entries = _unassigned(role, left)
        entries.append(AccessEntry(action="role.deleted", target=role_item(role), manifest=NOTHING))
        change = Change(organisation=state.organisation, drop_roles=[id_], put_members=left)
        return PlannedChange(change, entries)

    change_access(by, plan)


def put_member(by: By, item: Item, roles: Sequence[str]) -> Member:
    """A person with these roles, new or as they were before but for them and a name that is given.

    Raises: NotPermittedError, InvalidError, LastAdministratorError, AccessMovedError.
    """
    put: list[Member] = []

    def plan(state: AccessState) -> PlannedChange:
        refuse_faults(tuple(_member_faults(by, state, item, roles)))
        old = state.members.get((item.type, item.id), Member(type=item.type, id=item.id, name=item.id))
        new = structs.replace(old, name=item.name or old.name, roles=tuple(dict.fromkeys(roles)))
        put.append(new)
        change = Change(organisation=state.organisation, put_members=[new])
        return PlannedChange(change, _member_entries(state, old, new))

    change_access(by, plan)
    return put[0]


def remove_member(by: By, type_: str, id_: str) -> None:
    """Remove a member with their account; they are signed out.

    Raises: NotPermittedError, NotFoundError, LastAdministratorError, AccessMovedError.
    """

    def plan(state: AccessState) -> PlannedChange:
        old = find_member(state, type_, id_)
        entries = _member_entries(state, old, structs.replace(old, roles=()))
        change = Change(organisation=state.organisation, drop_members=[(type_, id_)])
        return PlannedChange(change, entries)

    change_access(by, plan)
    by.deployment.credentials.end_sessions(by.org, Item(type=type_, id=id_))


def disable_member(by: By, type_: str, id_: str, *, disabled: bool) -> Member:
    """Let a member in no longer, or again; disabled, they are signed out.

    Raises: NotPermittedError, NotFoundError, LastAdministratorError, AccessMovedError.
    """
    put: list[Member] = []

    def plan(state: AccessState) -> PlannedChange:
        old = find_member(state, type_, id_)
        at = int(by.deployment.clock().timestamp() * 1_000_000) if disabled else None
        put.append(structs.replace(old, disabled_at=at))
        if (old.disabled_at is not None) == disabled:
            return PlannedChange(Change(organisation=state.organisation), [])
        action = "user.deactivated" if disabled else "user.reactivated"
        entry = AccessEntry(action=action, target=member_item(old), manifest=access_manifest(put[0]))
        return PlannedChange(Change(organisation=state.organisation, put_members=put), [entry])

    change_access(by, plan)
    if disabled:
        by.deployment.credentials.end_sessions(by.org, Item(type=type_, id=id_))
    return put[0]


def withhold(by: By, categories: Sequence[str]) -> tuple[str, ...]:
    """The categories that even full access does not show. Raises: NotPermittedError, InvalidError, AccessMovedError."""
    withheld = tuple(sorted(set(categories)))

    def plan(state: AccessState) -> PlannedChange:
        unknown = [(at, c) for at, c in enumerate(categories) if c not in by.deployment.catalogue.categories]
        refuse_faults(
            tuple(
                Fault(f"/categories/{at}", "invalid", f"{c[:80]!r} is not a declared category")
                for at, c in unknown
            )
        )
        organisation = structs.replace(state.organisation, withheld=withheld)
        entry = AccessEntry(
            action="activity_log.settings_changed",
            target=log_item(by.org),
            fields=("categories",),
            manifest=access_manifest(organisation),
        )
        entries = [] if withheld == state.organisation.withheld else [entry]
        return PlannedChange(Change(organisation=organisation), entries)

    change_access(by, plan)
    return withheld


def change_access(by: By, plan: Plan) -> None:
    """Make one change of access: judged, told, then done.

    Raises: NotPermittedError, LastAdministratorError, AccessMovedError; what `plan` raises.
    """
    require_access(by.viewer, by.org)
    with by.deployment.changing_access:
        state = access_of(by)
        planned = plan(state)
        if not planned.entries:
            return
        refuse_locking_out(_managing(state), _managing(_after(state, planned.change)))
        record_access(by, planned.entries)
        try:
            by.deployment.access.change_access(state.organisation, planned.change)
        except HeadMovedError:
            record_access(by, planned.entries, failed=True)
            raise AccessMovedError("somebody else changed access at the same time: try again") from None


def record_access(by: By, entries: Sequence[AccessEntry], *, failed: bool = False) -> None:
    """Record what was done. Raises: BatchRefusedError; StoreError."""
    viewer = by.viewer
    actor = Actor(kind=viewer.kind, type=viewer.item.type, id=viewer.item.id, name=viewer.item.name)
    recorded = [
        NewEntry(
            action=entry.action,
            occurred_at=by.deployment.clock(),
            actor=actor,
            target=entry.target,
            origin=viewer.origin or Origin(interface="api"),
            outcome="failure" if failed else "success",
            concerns=(
                *(Concern(part="member", **structs.asdict(item)) for item in entry.members),
                *(Concern(part="permission", **structs.asdict(item)) for item in entry.permissions),
                *(() if entry.manifest is None else (access_fact(entry.manifest),)),
            ),
            fields=entry.fields,
        )
        for entry in entries
    ]
    manifests = {entry.manifest for entry in entries if entry.manifest is not None}
    by.deployment.log(by.org).recorder.record_many(
        recorded, manifests=[access_blob(manifest) for manifest in sorted(manifests)]
    )


def role_item(role: Role) -> Item:
    """A role as an entry's item, apart from the host's own roles."""
    return Item(type="role", id=f"trailbook.{role.id}", name=role.name)


def member_item(member: Member) -> Item:
    """A member as an entry's item."""
    return Item(type=member.type, id=member.id, name=member.name)


def log_item(org: str) -> Item:
    """The log of an organisation as an entry's item."""
    return Item(type="log", id=org)


def _member_entries(state: AccessState, old: Member, new: Member) -> list[AccessEntry]:
    """What has changed of a member: roles given, roles taken away, and the name."""
    person, manifest = [member_item(new)], access_manifest(new)
    added = [state.roles[id_] for id_ in new.roles if id_ not in old.roles]
    dropped = [state.roles[id_] for id_ in old.roles if id_ not in new.roles and id_ in state.roles]
    entries = [entry for role in added for entry in _assigned("role.assigned", role, person, manifest)]
    entries += [entry for role in dropped for entry in _assigned("role.unassigned", role, person, manifest)]
    if new.name != old.name and old.roles:
        entries.append(
            AccessEntry(action="user.profile_updated", target=person[0], fields=("preferred_name",))
        )
    return entries


def _unassigned(role: Role, left: Sequence[Member]) -> list[AccessEntry]:
    """A role taken away, `left` being the members as they are afterwards: an entry states what is the same for all."""
    alike: dict[bytes, list[Item]] = defaultdict(list)
    for member in left:
        alike[access_manifest(member)].append(member_item(member))
    parts = (_assigned("role.unassigned", role, people, manifest) for manifest, people in alike.items())
    return [entry for part in parts for entry in part]


def _assigned(action: str, role: Role, people: Sequence[Item], manifest: bytes) -> list[AccessEntry]:
    most = MAX_CONCERNS - 1  # the manifest is a concern too
    parts = [tuple(people[at : at + most]) for at in range(0, len(people), most)]
    target = role_item(role)
    return [AccessEntry(action=action, target=target, members=part, manifest=manifest) for part in parts]


def _category_faults(by: By, role: Role) -> tuple[Fault, ...]:
    """A category that everybody with full access reads anyhow is not named: it would seem to say more than it does."""
    declared = by.deployment.catalogue.categories
    wrong = [c for c in role.categories if c not in declared or not declared[c].restricted]
    return tuple(Fault("/categories", "invalid", f"{c[:80]!r} is not a restricted category") for c in wrong)


def _member_faults(by: By, state: AccessState, item: Item, roles: Sequence[str]) -> Iterable[Fault]:
    yield from item_faults(item, "")
    types = by.deployment.catalogue.types
    if item.type not in types or not types[item.type].person:
        yield Fault("/type", "invalid", "is not a type of people")
    if not roles:
        yield Fault("/roles", "invalid", "needs one role at least; employee allows nothing")
    for at, id_ in enumerate(roles):
        if id_ not in state.roles:
            yield Fault(f"/roles/{at}", "invalid", f"there is no role {id_[:80]!r}")


def _managing(state: AccessState) -> list[Member]:
    return administrators(state.members.values(), state.roles)


def _after(state: AccessState, change: Change) -> AccessState:
    roles = {id_: r for id_, r in state.roles.items() if id_ not in change.drop_roles}
    members = {key: m for key, m in state.members.items() if key not in change.drop_members}
    return AccessState(
        organisation=change.organisation,
        roles=roles | {r.id: r for r in change.put_roles},
        members=members | {(m.type, m.id): m for m in change.put_members},
    )


def _role(state: AccessState, id_: str) -> Role:
    if id_ not in state.roles:
        raise NotFoundError("there is no such role")
    return state.roles[id_]


def _own_role(state: AccessState, id_: str) -> Role:
    role = _role(state, id_)
    if id_ in PREDEFINED:
        raise PredefinedRoleError(
            f"the role {role.name} is predefined and stays as it is; make one of your own"
        )
    return role
