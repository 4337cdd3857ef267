"""What `verify` is asked of a signed head besides its keys: a policy file, an age, and a latest time.

Owns how those three are written on the command line. Refuses what is written in any other way, and names the option.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec import Struct, structs

from trailbook import tree
from trailbook.clock import utc_now
from trailbook.errors import Fault, InvalidError

if TYPE_CHECKING:
    from trailbook.tree import TrustPolicy

POLICY = typer.Option(
    None,
    "--policy",
    metavar="FILE",
    help="A C2SP tlog-policy file: which logs count, which witnesses, and how many of them.",
)
MAX_AGE = typer.Option(
    None, "--max-age", metavar="7d", help="No head is older, by the time that it says: s, m, h or d."
)
NOT_AFTER = typer.Option(
    None, "--not-after", metavar="UTC", help="Nobody signed a head later: 2026-11-02 or 2026-11-02T09:15:00Z."
)
_AGE = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", re.ASCII)
_AHEAD = timedelta(minutes=5)  # by which two clocks may differ


class Asked(Struct, frozen=True):
    """The three options as they were given."""

    policy: Path | None = None
    max_age: str | None = None
    not_after: str | None = None

    def __bool__(self) -> bool:
        return self != Asked()

    def require_nothing(self, of: str) -> None:
        """Refuse any of the three of what has no signed head. Raises: InvalidError."""
        if self:
            raise _refused("policy", f"a policy and times are asked of a signed head, and {of} has none")

    def options(self) -> list[str]:
        """The same for the verifier that travels in a bundle."""
        given = {"--policy": self.policy, "--max-age": self.max_age, "--not-after": self.not_after}
        return [word for name, text in given.items() if text is not None for word in (name, str(text))]

    def trust(self) -> "TrustPolicy":
        """What they ask for, by the clock of this machine. Raises: InvalidError naming the option."""
        trust = tree.TrustPolicy() if self.policy is None else tree.parse_policy(_content(self.policy))
        if self.max_age is not None:
            now = utc_now()
            latest = int((now + _AHEAD).timestamp())
            trust = structs.replace(trust, earliest=int(now.timestamp()) - _age(self.max_age), latest=latest)
        if self.not_after is not None:
            trust = structs.replace(trust, latest=_moment(self.not_after))
        return trust


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise _refused("policy", f"{file}: there is no such file")
    return file.read_bytes()


def _age(text: str) -> int:
    match = _AGE.fullmatch(text)
    if match is None:
        raise _refused("max-age", f"{text!r} is not a span such as 90s, 30m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def _moment(text: str) -> int:
    try:
        if _MOMENT.fullmatch(text):
            return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        pass
    raise _refused(
        "not-after", f"{text!r} is not a day or an instant such as 2026-11-02 or 2026-11-02T09:15:00Z"
    )


def _refused(option: str, why: str) -> InvalidError:
    return InvalidError(f"{option}: {why}", (Fault(f"/{option}", "invalid", why),))
