"""Who may open a log: API keys for hosts, one-time links and sessions for viewers.

Owns how a credential is kept and looked up, and that a session names a person only: what they may is looked up at
each request. Keeps no secret: what is lost cannot be read again, only replaced. Refuses to say why a credential is
wrong.
"""

from contextlib import suppress
from datetime import timedelta

from msgspec import Struct, structs

from trailbook.access.api_keys import (
    KEY_LIFE,
    Credential,
    NewKey,
    Scope,
    Source,
    hash_of,
    is_right,
    key_faults,
    key_parts,
    new_id,
    secret_text,
)
from trailbook.access.roles import AUDITOR, EMPLOYEE, every_role, levels
from trailbook.access.sessions import SignIns
from trailbook.access.viewer import Level, Viewer
from trailbook.clock import Clock, Entropy
from trailbook.errors import Fault, InvalidError, SuspendedError, UnauthenticatedError, UnwritableError
from trailbook.model import Item, microseconds
from trailbook.stores import ApiKey, Organisation, Registry, Session

LINK_LIFE, SESSION_LIFE, IDLE = timedelta(hours=1), timedelta(hours=12), timedelta(minutes=60)
_MINUTE = 60_000_000
_WRONG = "sign in, or give a valid API key"
# What a host's link may bring along in place of a membership.
_BRINGS: dict[Level, tuple[str, ...]] = {"full": (AUDITOR,), "none": (EMPLOYEE,)}


class Lifetimes(Struct, frozen=True, kw_only=True):
    """How long a session lives in all, and how long without being used."""

    session: timedelta = SESSION_LIFE
    idle: timedelta = IDLE


class LinkHolder(Struct, frozen=True):
    """Whom a link was made for: a person, in an organisation."""

    org: str
    item: Item


class Credentials:
    """The registry's keys, links and sessions, with a clock and randomness."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        entropy: Entropy,
        *,
        lives: Lifetimes | None = None,
    ) -> None:
        self._registry = registry
        self._sessions = SignIns(registry.sessions)
        self._clock = clock
        self._entropy = entropy
        self.lives = lives or Lifetimes()

    def new_key(
        self,
        org: str,
        name: str,
        scopes: tuple[Scope, ...],
        *,
        life: timedelta = KEY_LIFE,
        categories: tuple[str, ...] = (),
        only_itself: bool = False,
        restricted: tuple[str, ...] = (),
    ) -> tuple[ApiKey, str]:
        """A new API key and its secret text, which is shown once and never again.

        Raises: InvalidError for a name, scope or life that cannot be.
        """
        wanted = NewKey(
            name=name,
            scopes=scopes,
            life=life,
            categories=categories,
            only_itself=only_itself,
            restricted=restricted,
        )
        key, secret = self.drawn_key(org, wanted)
        self._registry.keys.add(key)
        return key, secret

    def drawn_key(self, org: str, wanted: NewKey) -> tuple[ApiKey, str]:
        """A key and its secret, kept nowhere yet. Raises: InvalidError."""
        refuse_faults(key_faults(wanted, None))
        id_, secret, now = new_id(self._entropy(8)), secret_text(self._entropy(32)), self._clock()
        key = ApiKey(
            id=id_,
            org=org,
            name=wanted.name,
            scopes=tuple(dict.fromkeys(wanted.scopes)),
            secret_hash=hash_of(secret),
            created_at=microseconds(now),
            expires_at=microseconds(now + wanted.life),
            categories=tuple(dict.fromkeys(wanted.categories)),
            only_itself=wanted.only_itself,
            restricted=tuple(sorted(set(wanted.restricted))),
        )
        return key, f"tb_{id_}_{secret}"

    def keep_key(self, key: ApiKey) -> None:
        """Keep a key that was drawn."""
        self._registry.keys.add(key)

    def redrawn_key(self, key: ApiKey, overlap: timedelta, life: timedelta = KEY_LIFE) -> tuple[ApiKey, str]:
        """A key with a new secret, kept nowhere yet, and that secret; the old one lives on for `overlap`."""
        secret, now = secret_text(self._entropy(32)), self._now()
        new = structs.replace(
            key,
            secret_hash=hash_of(secret),
            expires_at=microseconds(self._clock() + life),
            old_hash=key.secret_hash,
            old_until=min(key.expires_at, now + overlap // timedelta(microseconds=1)),
        )
        return new, f"tb_{key.id}_{secret}"

    def replace_key(self, key: ApiKey, new: ApiKey) -> bool:
        """Keep a key as it is from now on; False when it was changed or revoked meanwhile."""
        return self._registry.keys.replace(key, new)

    def key(self, org: str, key_id: str) -> ApiKey | None:
        """A key of an organisation, revoked and expired ones included, or None."""
        key = self._registry.keys.get(key_id)
        return key if key is not None and key.org == org else None

    def keys(self, org: str) -> list[ApiKey]:
        """The keys of an organisation, oldest first."""
        return self._registry.keys.every(org)

    def revoke_key(self, key_id: str) -> bool:
        """Revoke a key; False when there is none or it was revoked before."""
        return self._registry.keys.revoke(key_id, self._now())

    def credential(self, bearer: str) -> Credential:
        """The key that a bearer text is. Raises: UnauthenticatedError, the same for every reason; SuspendedError."""
        parts, now = key_parts(bearer), self._now()
        key = None if parts is None else self._registry.keys.get(parts[0])
        if not is_right(key, parts[1] if parts else "", now) or key is None:
            raise UnauthenticatedError(_WRONG)
        credential = self._credential(key)
        if key.used_at is None or now - key.used_at >= _MINUTE:
            with suppress(UnwritableError):  # when a key was last used is worth less than that it opens
                self._registry.keys.touch(key.id, now)
        return credential

    def still(self, viewer: Viewer) -> Viewer:
        """A viewer who was let in to export, as they are by now.

        Raises: NotPermittedError, UnauthenticatedError, SuspendedError.
        """
        if viewer.item.type == "source":
            key = self._registry.keys.get(viewer.item.id)
            if key is None or key.revoked_at is not None or key.expires_at <= self._now():
                raise UnauthenticatedError(_WRONG)
            credential = self._credential(key)
            credential.require("export", viewer.org)
            return structs.replace(credential.viewer(), origin=viewer.origin)
        return structs.replace(self.person(viewer.org, viewer.item, viewer.roles), origin=viewer.origin)

    def new_link(
        self,
        org: str,
        item: Item,
        brings: Level | tuple[str, ...] | None = None,
        life: timedelta = LINK_LIFE,
    ) -> str:
        """The secret text of a link that signs `item` in once.

        `brings` are the roles that the link brings along, by their ids, or a level of Activity log; None: what
        their membership gives.
        """
        roles = _BRINGS[brings] if isinstance(brings, str) else brings
        return self._kept_link(org, item, kind="sign-in", roles=roles, life=life)

    def sign_in(self, secret: str) -> str:
        """Use up a link; the text of the new session. Raises: UnauthenticatedError, SuspendedError."""
        link = self._sessions.use_up(hash_of(secret), "sign-in")
        if link is None or link.expires_at <= self._now():
            raise UnauthenticatedError(_WRONG)
        return self.new_session(link.org, _item(link), link.roles)

    def new_session(self, org: str, item: Item, roles: tuple[str, ...] | None = None) -> str:
        """The text of a new session of somebody who proved who they are.

        Raises: UnauthenticatedError, SuspendedError.
        """
        self.person(org, item, roles)
        secret, session = self._drawn(org, item, kind="session", roles=roles, life=self.lives.session)
        self._sessions.begin(session, self._now() - self.lives.idle // timedelta(microseconds=1))
        return secret

    def viewer(self, secret: str) -> Viewer:
        """The viewer of a session, with what their roles give now. Raises: UnauthenticatedError, SuspendedError."""
        session, now = self._sessions.session(hash_of(secret)), self._now()
        idle = self.lives.idle // timedelta(microseconds=1)
        if session is None or session.expires_at <= now or now - session.seen_at >= idle:
            raise UnauthenticatedError(_WRONG)
        viewer = self.person(session.org, _item(session), session.roles)
        # To the minute: otherwise every page that is read would be a write, and wait for the disk.
        if now - session.seen_at >= _MINUTE:
            self._sessions.touch(session.token_hash, now)
        return viewer

    def person(self, org: str, item: Item, roles: tuple[str, ...] | None = None) -> Viewer:
        """A person as a viewer, with what their roles give now. Raises: UnauthenticatedError, SuspendedError."""
        organisation = self._open(org)
        access = self._registry.access
        member = access.member(org, item.type, item.id)
        if member is not None and member.disabled_at is not None:
            raise UnauthenticatedError(_WRONG)
        ids = roles if roles is not None else member.roles if member is not None else ()
        # A role that was removed since gives nothing; whoever holds it keeps what their other roles give.
        every = every_role(access.roles(org)) if ids else {}
        held = [every[id_] for id_ in ids if id_ in every]
        named = tuple(sorted({category for role in held for category in role.categories}))
        viewer = Viewer(org=org, item=item, withheld=organisation.withheld, restricted=named, roles=roles)
        return structs.replace(viewer, **levels(held))

    def sign_out(self, secret: str) -> None:
        """End a session; ending one that is gone is fine."""
        self._sessions.end(hash_of(secret))

    def end_sessions(self, org: str, item: Item) -> int:
        """Sign somebody out everywhere, and void the links made for them; how many sessions and links there were."""
        return self._sessions.end_all_of(org, item.type, item.id)

    def password_link(self, org: str, item: Item, life: timedelta) -> str:
        """The secret text of a link by which `item` sets a password once."""
        return self._kept_link(org, item, kind="password", roles=(), life=life)

    def password_holder(self, secret: str, *, take: bool) -> LinkHolder:
        """Whose password a link sets; `take` uses it up. Raises: UnauthenticatedError."""
        look = self._registry.sessions.take_link if take else self._sessions.link
        link = look(hash_of(secret), "password")
        if link is None or link.expires_at <= self._now():
            raise UnauthenticatedError(_WRONG)
        return LinkHolder(link.org, _item(link))

    def _credential(self, key: ApiKey) -> Credential:
        source = Source(
            type="source",
            id=key.id,
            name=key.name,
            categories=key.categories,
            only_itself=key.only_itself,
        )
        withheld = self._open(key.org).withheld
        return Credential(
            org=key.org, scopes=key.scopes, source=source, withheld=withheld, restricted=key.restricted
        )

    def _open(self, org: str) -> Organisation:
        organisation = self._registry.access.organisation(org)
        if organisation.suspended_at is not None:
            raise SuspendedError(org)
        return organisation

    def settle(self) -> None:
        """Write what this process alone knows of sessions, because the store could not be. Raises: StoreError."""
        self._sessions.settle()

    def _kept_link(
        self, org: str, item: Item, *, kind: str, roles: tuple[str, ...] | None, life: timedelta
    ) -> str:
        secret, link = self._drawn(org, item, kind=kind, roles=roles, life=life)
        self._registry.sessions.add(link)
        return secret

    def _drawn(
        self, org: str, item: Item, *, kind: str, roles: tuple[str, ...] | None, life: timedelta
    ) -> tuple[str, Session]:
        """A session or a link and its secret, kept nowhere yet."""
        secret = secret_text(self._entropy(32))
        session = Session(
            token_hash=hash_of(secret),
            org=org,
            type=item.type,
            id=item.id,
            name=item.name or item.id,
            roles=roles,
            expires_at=self._now() + life // timedelta(microseconds=1),
            kind=kind,
            seen_at=self._now(),
        )
        return secret, session

    def _now(self) -> int:
        return microseconds(self._clock())


def refuse_faults(faults: tuple[Fault, ...]) -> None:
    """Refuse what has faults. Raises: InvalidError."""
    if faults:
        raise InvalidError("; ".join(f"{f.pointer[1:]} {f.detail}" for f in faults), faults)


def _item(session: Session) -> Item:
    return Item(type=session.type, id=session.id, name=session.name)
