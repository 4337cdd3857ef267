"""Passwords: which may be chosen, and that one is kept as a slow hash alone."""

import pytest

from trailbook.access.passwords import hash_password, password_faults, password_matches
from trailbook.testing import Steady

PASSWORD = "fire katter på taket"


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("x7-" * 4, True),
        ("et langt passord med mellomrom", True),
        ("elleve tegn", False),
        ("password1234", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("anna.berg@acme.example", False),
        ("x" + "7y" * 100, False),
    ],
)
def test_which_passwords_may_be(password: str, fine: bool) -> None:
    """Length and the commonest ones, no rules of composition. Source: NIST SP 800-63B section 3.1.1."""
    assert (password_faults(password, "anna.berg@acme.example") == ()) is fine


def test_a_password_is_kept_as_a_hash() -> None:
    kept = hash_password(PASSWORD, Steady(1))
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password_matches(PASSWORD, kept)
    assert password_matches("fire katter pa\u030a taket", kept)
    assert not password_matches(PASSWORD + " ", kept)
    assert not password_matches("\x00", None)
    assert not password_matches(PASSWORD, None)
