"""Trust policies: files read as C2SP tlog-policy asks, and heads held against witnesses, groups and times."""

import contextlib
import re
from itertools import combinations

import pytest
from hypothesis import given, strategies as st
from msgspec import structs

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Checkpoint,
    Policy,
    SignerKey,
    TrustPolicy,
    format_note,
    format_vkey,
    open_trusted,
    parse_policy,
    sign_checkpoint,
    verifier_of,
)

ORIGIN, AT = "log.example/nordlys", 1_793_606_400
LOG, TIME = SignerKey(ORIGIN, ED25519, b"l" * 32), SignerKey(ORIGIN, COSIGNATURE, b"t" * 32)
WITNESSES = [
    SignerKey(f"witness.example/{n}", ML_DSA_44 if n == 4 else COSIGNATURE, bytes([n]) * 32)
    for n in range(1, 5)
]
OWN = Policy(ORIGIN, (verifier_of(LOG), verifier_of(TIME)))
HEAD = Checkpoint(ORIGIN, 3, bytes(range(32)))
NAMES = [f"witness w{n} {format_vkey(verifier_of(key))}\n" for n, key in enumerate(WITNESSES, 1)]
TWO_LEVELS = "group a 2 w1 w2 w3\ngroup b all a w4\nquorum b\n"


def policy(*lines: str) -> TrustPolicy:
    return parse_policy("".join((*NAMES, *lines)).encode())


def head(*witnesses: SignerKey, at: int = AT, seen: int = AT) -> bytes:
    """A head that both keys of the log signed at a time, and these witnesses at another."""
    note = sign_checkpoint(HEAD, (LOG, TIME), at)
    cosigned = sign_checkpoint(HEAD, witnesses, seen)
    return format_note(structs.replace(note, signatures=(*note.signatures, *cosigned.signatures)))


def refusal(raw: bytes, trust: TrustPolicy, by: Policy = OWN) -> str:
    with pytest.raises(ProofInvalidError) as caught:
        open_trusted(raw, by, trust)
    return caught.value.detail


@pytest.mark.parametrize("count", range(5))
def test_the_quorum_of_two_levels_is_met_by_those_sets_of_witnesses_alone(count: int) -> None:
    """Two of the first three, and the fourth, who signs with ML-DSA-44; every set of witnesses is tried."""
    trust = policy(TWO_LEVELS)
    for several in combinations(WITNESSES, count):
        raw = head(*several)
        if WITNESSES[3] in several and len(several) > 2:
            assert len(open_trusted(raw, OWN, trust).cosigned) == count
        else:
            assert "the policy asks for b" in refusal(raw, trust)


@given(st.sets(st.integers(1, 4)), st.integers(1, 4))
def test_a_threshold_counts(cosigned: set[int], least: int) -> None:
    trust = policy(f"group g {least} w1 w2 w3 w4\nquorum g\n")
    names = frozenset(f"w{n}" for n in cosigned)
    assert trust.is_met("g", names) is (len(names) >= least)
    assert policy("group g any w1 w2\nquorum g\n").is_met("g", names) is bool(names & {"w1", "w2"})
    assert policy("group g all w1 w2\nquorum g\n").is_met("g", names) is (names >= {"w1", "w2"})
    assert policy("quorum none\n").is_met("none", names)


def test_a_file_names_the_logs_keys_and_says_where_it_is_wrong() -> None:
    logs = f"log {format_vkey(OWN.log[0])} https://log.example/\nlog {format_vkey(OWN.log[1])}\n"
    assert policy(logs, "quorum none\n").logs == OWN.log
    for lines, why in {
        "quorum w9\n": "line 5: no line before it defines 'w9'",
        "quorum none": "newlines",
        "hello\n": "line 5: 'hello'",
        "": "no line for the quorum",
        f"log {format_vkey(OWN.log[0])}\nwitness own {format_vkey(OWN.log[1])}\nquorum own\n": "line 6: a log's own",
    }.items():
        with pytest.raises(InvalidError, match=re.escape(why)):
            policy(lines)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused_in_words(raw: bytes) -> None:
    for content in (raw, b"quorum none\n" + raw):
        with contextlib.suppress(InvalidError):  # and nothing else is raised
            assert parse_policy(content).is_met("none", frozenset())


def test_times_are_asked_for_of_the_log_and_of_everybody() -> None:
    """The log no earlier, nobody later; a witness whose look is too old is not counted."""
    trust = structs.replace(policy("quorum w1\n"), earliest=AT - 60, latest=AT + 60)
    for at in (AT - 60, AT + 60):
        assert open_trusted(head(WITNESSES[0], at=at, seen=at), OWN, trust).time == at
    assert "signed at 2026-11-02 07:58:59 UTC, and not since 2026" in refusal(
        head(WITNESSES[0], at=AT - 61), trust
    )
    late = refusal(head(WITNESSES[0], at=AT + 61), trust)
    assert late == (
        f"time: {ORIGIN} signed at 2026-11-02 08:01:01 UTC, which is later than 2026-11-02 08:01:00 UTC"
    )
    assert "w1, and nobody cosigned" in refusal(head(WITNESSES[0], seen=AT - 61), trust)
    assert "witness.example/1 signed at 2026" in refusal(head(WITNESSES[0], seen=AT + 61), trust)
    timeless = Policy(ORIGIN, OWN.log[:1])
    assert "1970-01-01 00:00:00 UTC, and not since" in refusal(head(WITNESSES[0]), trust, timeless)
    assert "10000" not in refusal(head(WITNESSES[0], seen=2**63 - 1), trust)


def test_a_key_of_the_log_is_never_a_witness() -> None:
    """Neither by its name nor by its public key, whoever brought the log's keys."""
    trust = TrustPolicy(witnesses={"own": verifier_of(TIME)}, quorum="own")
    alias = TrustPolicy(
        witnesses={"own": structs.replace(verifier_of(TIME), name="witness.example/x")}, quorum="own"
    )
    for wrong in (trust, alias):
        with pytest.raises(InvalidError, match="no witness of it"):
            open_trusted(head(), OWN, wrong)
    assert open_trusted(head(), OWN, TrustPolicy())
