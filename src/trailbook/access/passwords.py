"""Passwords: which may be chosen, and how one is kept and compared.

Owns the policy (NIST SP 800-63B section 3.1.1: length, a list of the commonest, no rules of composition) and
Argon2id (RFC 9106) with the parameters of OWASP. Refuses to keep a password, and takes as long for an account
that is not there as for one that is.
"""

import unicodedata
from importlib import resources

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from trailbook.clock import Entropy
from trailbook.errors import Fault

SHORTEST, LONGEST = 12, 200
# The least that OWASP recommends: more memory would let fewer sign-ins at once fill the machine.
_MEMORY_KIB, _ROUNDS, _LANES = 19_456, 2, 1
_COMMON = frozenset(resources.files("trailbook.access").joinpath("passwords.txt").read_text("utf-8").split())
# The hash of nothing that anybody can type: compared with where there is no account.
_NOBODY = Argon2id(
    salt=bytes(16), length=32, iterations=_ROUNDS, lanes=_LANES, memory_cost=_MEMORY_KIB
).derive_phc_encoded(b"\x00")


def password_faults(password: str, login: str) -> tuple[Fault, ...]:
    """What is wrong with a password that is to be set."""
    text = unicodedata.normalize("NFKC", password)
    folded = text.casefold()
    why = None
    if len(text) < SHORTEST:
        why = f"needs at least {SHORTEST} characters; any will do, several words are easy to remember"
    elif len(text) > LONGEST:
        why = f"has more than {LONGEST} characters"
    elif folded in _COMMON or len(set(folded)) <= 2:
        why = "is among the first that are guessed"
    elif folded in (login.casefold(), login.partition("@")[0].casefold()):
        why = "is the name you sign in with"
    return () if why is None else (Fault("/password", "invalid", why),)


def hash_password(password: str, entropy: Entropy) -> str:
    """A password as it is kept: Argon2id in PHC form."""
    kdf = Argon2id(salt=entropy(16), length=32, iterations=_ROUNDS, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(_bytes(password))


def password_matches(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept; without one it takes as long, and it is not."""
    try:
        # Cut one above the longest there can be: it is wrong all the same, and costs no more than any other.
        Argon2id.verify_phc_encoded(_bytes(password[: LONGEST + 1]), kept or _NOBODY)
    except InvalidKey:
        return False
    return kept is not None


def _bytes(password: str) -> bytes:
    # Normalised, so that a password typed on another keyboard is the same one (NIST SP 800-63B).
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
