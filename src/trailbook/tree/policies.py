"""Trust policies: which logs and witnesses count, how many of them, and when they may have signed.

Owns the C2SP tlog-policy file and what it asks of a signed head. Refuses a policy that contradicts itself or counts
anybody twice, and a log as a witness of itself. It reads no clock: the times that it compares with are handed in.
"""

import re
from datetime import UTC, datetime
from itertools import chain

from msgspec import Struct, structs

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree.algorithms import TYPES
from trailbook.tree.checkpoint import (
    MAX_NOTE,
    MAX_TIME,
    Opened,
    Policy,
    VerifierKey,
    open_checkpoint,
    parse_vkey,
)

NOBODY = "none"  # the quorum of nobody
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"[^ \t]+")
_LEAST = re.compile(r"[1-9][0-9]{0,5}")
_YEAR_9999 = 253_402_300_799


class Group(Struct, frozen=True):
    """Witnesses and groups by their names, of which so many are enough."""

    least: int
    members: tuple[str, ...]


class TrustPolicy(Struct, frozen=True, kw_only=True):
    """Whom to believe about a head: any of the logs' keys, the quorum of witnesses, within seconds since 1970.

    Without `logs` whoever asks brings the log's keys. `quorum` names a witness, a group, or nobody.
    """

    logs: tuple[VerifierKey, ...] = ()
    witnesses: dict[str, VerifierKey] = {}
    groups: dict[str, Group] = {}
    quorum: str = NOBODY
    earliest: int = 0
    latest: int = MAX_TIME

    def is_met(self, name: str, cosigned: frozenset[str]) -> bool:
        """Whether these witnesses, by their names in the policy, are enough for a witness or a group of it."""
        if name not in self.groups:
            return name in cosigned or name == NOBODY
        group = self.groups[name]
        return sum(self.is_met(member, cosigned) for member in group.members) >= group.least


def parse_policy(raw: bytes) -> TrustPolicy:
    """Read a policy file.

    Raises: InvalidError naming the line that is wrong. Source: C2SP tlog-policy.
    """
    lines = raw.decode("utf-8", "surrogateescape").split("\n")
    if len(raw) > MAX_NOTE or _CONTROL.search(raw) or lines.pop():
        raise InvalidError("policy: is not lines of text that end in newlines")
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        words = _WORD.findall(line)
        if words and not words[0].startswith("#"):
            try:
                reading.take(words)
            except InvalidError as error:
                raise InvalidError(f"policy: line {number}: {error.detail}") from None
    return reading.policy()


def open_trusted(raw: bytes, policy: Policy, trust: TrustPolicy) -> Opened:
    """Read a signed checkpoint, verify it by the keys of `policy`, and hold it against a trust policy.

    Raises: as `open_checkpoint`; ProofInvalidError when somebody signed too late, the log too early, or too few
    witnesses did.
    """
    opened = open_checkpoint(raw, structs.replace(policy, witnesses=tuple(trust.witnesses.values())))
    _check_times(opened, trust)
    _check_quorum(opened, trust)
    return opened


def _check_times(opened: Opened, trust: TrustPolicy) -> None:
    for signature in (*opened.signed, *opened.cosigned):
        if (signature.time or 0) > trust.latest:
            when = f"{_utc(signature.time or 0)}, which is later than {_utc(trust.latest)}"
            raise ProofInvalidError(f"time: {signature.key.name} signed at {when}")
    if opened.time < trust.earliest:
        when = f"{_utc(opened.time)}, and not since {_utc(trust.earliest)}"
        raise ProofInvalidError(f"time: {opened.checkpoint.origin} signed at {when}")


def _check_quorum(opened: Opened, trust: TrustPolicy) -> None:
    in_time = {signature.key for signature in opened.cosigned if (signature.time or 0) >= trust.earliest}
    cosigned = frozenset(name for name, key in trust.witnesses.items() if key in in_time)
    if not trust.is_met(trust.quorum, cosigned):
        names = ", ".join(sorted(cosigned)) or "nobody"
        raise ProofInvalidError(f"witnesses: the policy asks for {trust.quorum}, and {names} cosigned")


def _utc(time: int) -> str:
    return f"{datetime.fromtimestamp(min(time, _YEAR_9999), UTC):%Y-%m-%d %H:%M:%S} UTC"


class _Reading:
    """A policy as far as its lines were read."""

    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, VerifierKey] = {}
        self._groups: dict[str, Group] = {}
        self._quorum: str | None = None

    def take(self, words: list[str]) -> None:
        """Take in a line. Raises: InvalidError naming what is wrong with it."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._logs.append(parse_vkey(vkey))
                self._check_apart()
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._witnesses[self._new(name)] = parse_vkey(vkey)
                self._check_apart()
            case ["group", name, least, *members] if members:
                self._add_group(self._new(name), least, tuple(members))
            case ["quorum", name] if self._quorum is None:
                self._quorum = self._known(name)
            case _:
                raise InvalidError(f"{words[0]!r} does not begin a line like this, or only one")

    def policy(self) -> TrustPolicy:
        """All of it. Raises: InvalidError when it says no quorum."""
        if self._quorum is None:
            raise InvalidError("policy: has no line for the quorum")
        return TrustPolicy(
            logs=tuple(self._logs), witnesses=self._witnesses, groups=self._groups, quorum=self._quorum
        )

    def _add_group(self, name: str, least: str, members: tuple[str, ...]) -> None:
        listed = [*chain.from_iterable(group.members for group in self._groups.values()), *members]
        if NOBODY in members or len(set(listed)) != len(listed):
            raise InvalidError("a member is listed twice, or is nobody")
        for member in members:
            self._known(member)
        enough = {"any": 1, "all": len(members)}.get(least) or (int(least) if _LEAST.fullmatch(least) else 0)
        if not 1 <= enough <= len(members):
            raise InvalidError(f"{least!r} of {len(members)} members cannot be had")
        self._groups[name] = Group(enough, members)

    def _new(self, name: str) -> str:
        if name == NOBODY or name in self._witnesses or name in self._groups:
            raise InvalidError(f"the name {name!r} is taken")
        return name

    def _known(self, name: str) -> str:
        if name != NOBODY and name not in self._witnesses and name not in self._groups:
            raise InvalidError(f"no line before it defines {name!r}")
        return name

    def _check_apart(self) -> None:
        """Nobody counts twice: a cosignature does not cover the name, so one key is one signer."""
        keys = [*self._logs, *self._witnesses.values()]
        origins = {key.name for key in self._logs}
        if any(not TYPES[key.alg].timed for key in self._witnesses.values()):
            raise InvalidError("a witness has a key for cosignatures")
        if len({key.key for key in keys}) != len(keys):
            raise InvalidError("two lines have the same public key")
        if any(key.name in origins for key in self._witnesses.values()):
            raise InvalidError("a log's own key is no witness of it")
