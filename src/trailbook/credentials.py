"""Who may open a log: API keys for hosts, one-time links and sessions for viewers.

Owns how a secret is made, hashed and compared. Keeps no secret: what is lost cannot be read again, only
replaced. Refuses to say why a credential is wrong.
"""

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from trailbook.access import ACTIVITY_LOG, READ_PROOFS, Level, Viewer
from trailbook.directory import Entropy
from trailbook.errors import Fault, InvalidError, NotPermittedError, UnauthenticatedError
from trailbook.model import MAX_NAME, Item, microseconds, text_fault
from trailbook.recording import Clock
from trailbook.stores import ApiKey, Registry, Session

Scope = Literal["record", "read", "prove"]
SCOPES: tuple[Scope, ...] = ("record", "read", "prove")
KEY_LIFE, LINK_LIFE, SESSION_LIFE = timedelta(days=365), timedelta(hours=1), timedelta(hours=12)
_KEY = re.compile(r"tb_([a-z2-7]{13})_([A-Za-z0-9_-]{43})")
_WRONG = "sign in, or give a valid API key"


_LACKS: dict[Scope, str] = {"record": "the scope record", "read": ACTIVITY_LOG, "prove": READ_PROOFS}


class Credential(Struct, frozen=True, kw_only=True):
    """A valid API key as the doors see it: its organisation, scopes and the `source` of what it records."""

    org: str
    scopes: tuple[str, ...]
    source: Item

    def viewer(self) -> Viewer:
        """The key as a reader: `read` and `prove` give Activity log at full, `prove` the proofs too."""
        proofs = "prove" in self.scopes
        return Viewer(
            org=self.org,
            item=self.source,
            activity_log="full" if proofs or "read" in self.scopes else "none",
            read_proofs="full" if proofs else "none",
        )

    def require(self, scope: Scope, org: str) -> None:
        """Let the key act in `org`. Raises: NotPermittedError."""
        if self.org != org or scope not in self.scopes:
            raise NotPermittedError(_LACKS[scope])


class Credentials:
    """The registry's keys, links and sessions, with a clock and randomness."""

    def __init__(self, registry: Registry, clock: Clock, entropy: Entropy) -> None:
        self._registry = registry
        self._clock = clock
        self._entropy = entropy

    def new_key(
        self, org: str, name: str, scopes: tuple[Scope, ...], life: timedelta = KEY_LIFE
    ) -> tuple[ApiKey, str]:
        """A new API key and its secret text, which is shown once and never again.

        Raises: InvalidError for a name, scope or life that cannot be.
        """
        faults = tuple(_key_faults(name, scopes, life))
        if faults:
            raise InvalidError("; ".join(f"{f.pointer[1:]} {f.detail}" for f in faults), faults)
        id_ = base64.b32encode(self._entropy(8)).decode().rstrip("=").lower()
        secret = _text(self._entropy(32))
        now = self._clock()
        key = ApiKey(
            id=id_,
            org=org,
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            secret_hash=_hash(secret),
            created_at=microseconds(now),
            expires_at=microseconds(now + life),
        )
        self._registry.add_key(key)
        return key, f"tb_{id_}_{secret}"

    def keys(self, org: str) -> list[ApiKey]:
        """The keys of an organisation, oldest first."""
        return self._registry.keys(org)

    def revoke_key(self, key_id: str) -> bool:
        """Revoke a key; False when there is none or it was revoked before."""
        return self._registry.revoke_key(key_id, self._now())

    def credential(self, bearer: str) -> Credential:
        """The key that a bearer text is. Raises: UnauthenticatedError, the same for every reason."""
        parts = _KEY.fullmatch(bearer)
        key = None if parts is None else self._registry.key(parts[1])
        given = _hash(parts[2] if parts else "")
        right = hmac.compare_digest(given, key.secret_hash if key is not None else bytes(32))
        if key is None or not right or key.revoked_at is not None or key.expires_at <= self._now():
            raise UnauthenticatedError(_WRONG)
        return Credential(
            org=key.org, scopes=key.scopes, source=Item(type="source", id=key.id, name=key.name)
        )

    def new_link(self, org: str, item: Item, level: Level, life: timedelta = LINK_LIFE) -> str:
        """The secret text of a link that signs `item` in once, with this level of Activity log."""
        return self._add(Viewer(org=org, item=item, activity_log=level), life, link=True)

    def sign_in(self, link: str) -> str:
        """Use up a link; the text of the new session. Raises: UnauthenticatedError."""
        found = self._registry.take_link(_hash(link))
        if found is None or found.expires_at <= self._now():
            raise UnauthenticatedError(_WRONG)
        return self._add(_viewer(found), SESSION_LIFE, link=False)

    def viewer(self, session: str) -> Viewer:
        """The viewer of a session. Raises: UnauthenticatedError."""
        found = self._registry.session(_hash(session))
        if found is None or found.expires_at <= self._now():
            raise UnauthenticatedError(_WRONG)
        return _viewer(found)

    def sign_out(self, session: str) -> None:
        """End a session; ending one that is gone is fine."""
        self._registry.end_session(_hash(session))

    def _add(self, viewer: Viewer, life: timedelta, *, link: bool) -> str:
        text = _text(self._entropy(32))
        session = Session(
            token_hash=_hash(text),
            org=viewer.org,
            type=viewer.item.type,
            id=viewer.item.id,
            name=viewer.item.name or viewer.item.id,
            activity_log=viewer.activity_log,
            expires_at=self._now() + life // timedelta(microseconds=1),
            link=link,
        )
        self._registry.add_session(session)
        return text

    def _now(self) -> int:
        return microseconds(self._clock())


def _key_faults(name: str, scopes: tuple[str, ...], life: timedelta) -> list[Fault]:
    found = []
    if why := text_fault(name, MAX_NAME):
        found.append(Fault("/name", "invalid", why))
    if not scopes or set(scopes) - set(SCOPES):
        found.append(Fault("/scopes", "invalid", f"needs one or more of {', '.join(SCOPES)}"))
    if life <= timedelta(0):
        found.append(Fault("/expires_at", "invalid", "is not in the future"))
    return found


def _viewer(session: Session) -> Viewer:
    item = Item(type=session.type, id=session.id, name=session.name)
    level: Level = "full" if session.activity_log == "full" else "none"
    return Viewer(org=session.org, item=item, activity_log=level, read_proofs=level)


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash: there is no dictionary to try.
    return hashlib.sha256(secret.encode()).digest()


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


__all__ = ["KEY_LIFE", "SCOPES", "ApiKey", "Credential", "Credentials", "Scope"]
