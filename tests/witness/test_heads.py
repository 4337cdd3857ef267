"""The file of a witness: what is kept is durable, bounded, and never begun anew."""

from pathlib import Path

import apsw
import pytest
from msgspec import structs
from tests.witness.conftest import MadeWitness

from trailbook.errors import ConfigurationError, DamagedError, NotFoundError, SchemaNewerError
from trailbook.witness import CosignedHead, Heads, RefusedHead, begin_heads
from trailbook.witness.heads import MOST_REFUSED

HEAD = CosignedHead(origin="a", size=3, root=b"r" * 32, time=9, note=b"note")
REFUSED = RefusedHead(
    origin="a", size=4, root=b"s" * 32, time=9, held=3, proved=True, note=b"n", against=b"m"
)


def test_a_file_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="another name and new keys"):
        Heads(tmp_path / "witness.db")
    begin_heads(tmp_path / "witness.db")
    assert (tmp_path / "witness.db").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="File exists"):
        begin_heads(tmp_path / "witness.db")


def test_what_was_kept_is_there_for_whoever_opens_it_next(witness: MadeWitness) -> None:
    heads, other = witness.heads(), witness.heads()
    with heads.turn() as turn:
        assert turn.last("a") is None
        turn.keep(HEAD)
        assert turn.last("a") == HEAD
    with other.turn() as turn:
        assert (turn.last("a"), turn.last("b")) == (HEAD, None)
        turn.keep(structs.replace(HEAD, size=5))
    assert heads.cosigned() == [structs.replace(HEAD, size=5)]
    heads.close(), other.close(), other.close()


def test_a_turn_that_fails_keeps_nothing(witness: MadeWitness) -> None:
    heads = witness.heads()

    def fail() -> None:
        with heads.turn() as turn:
            turn.keep(HEAD)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert heads.cosigned() == []
    with heads.turn() as turn:
        turn.keep(HEAD)
    assert heads.cosigned() == [HEAD]
    heads.close()


def test_a_refusal_is_news_once_and_there_are_not_endlessly_many(witness: MadeWitness) -> None:
    heads = witness.heads()
    with heads.turn() as turn:
        assert [turn.refuse(REFUSED) for _ in range(2)] == [True, False]
        news = [
            turn.refuse(structs.replace(REFUSED, size=10 + at, proved=False))
            for at in range(MOST_REFUSED + 9)
        ]
        assert sum(news) == MOST_REFUSED
        assert turn.refuse(structs.replace(REFUSED, size=5))
        assert turn.refuse(structs.replace(REFUSED, origin="b"))
    assert len(heads.refused()) == MOST_REFUSED + 3
    with heads.turn() as turn:
        turn.keep(structs.replace(HEAD, size=10, root=REFUSED.root))
        turn.keep(structs.replace(HEAD, size=5, root=REFUSED.root))
    assert {(head.size, head.proved) for head in heads.refused() if head.size in (5, 10)} == {(5, True)}
    heads.close()


def test_another_file_is_refused(tmp_path: Path, witness: MadeWitness) -> None:
    (tmp_path / "text").write_text("no database at all, but long enough to be looked at" * 99)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE a (b)")
    other.close()
    for name in ("text", "other.db"):
        with pytest.raises(DamagedError):
            Heads(tmp_path / name)
    newer = apsw.Connection(str(tmp_path / "witness.db"))
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(SchemaNewerError):
        Heads(tmp_path / "witness.db")
