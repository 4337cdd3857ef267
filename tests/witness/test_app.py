"""The witness as an application: a submission that does not arrive, and a file that cannot be written."""

import asyncio
from collections.abc import Iterable
from typing import Any

from tests.loops import no_loop_runs
from tests.witness.conftest import KEYS, LOGS, MadeLog, MadeWitness

from trailbook.witness import WITNESS_PATH, Cosigner, witness_app

GOOD = MadeLog().submission(0, 7)


def asked(cosigner: Cosigner, pieces: Iterable[bytes | None], seconds: float = 30) -> int:
    """The status of a submission that arrives in these pieces; None: no more comes."""
    messages: list[Any] = []
    arriving = iter(pieces)

    async def receive() -> dict[str, Any]:
        piece = next(arriving)
        if piece is None:
            await asyncio.sleep(3600)
        return (
            {"type": "http.request", "body": piece, "more_body": True} if piece else {"type": "http.request"}
        )

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": WITNESS_PATH}
    with no_loop_runs():
        asyncio.run(witness_app(cosigner, seconds)(scope, receive, send))
    status: int = messages[0]["status"]
    return status


def test_a_submission_arrives_in_pieces_and_in_time(witness: MadeWitness) -> None:
    heads = witness.heads()
    cosigner = Cosigner(keys=KEYS, logs=LOGS, heads=heads, clock=witness.clock)
    assert asked(cosigner, [GOOD[:50], None], 0.05) == 408
    assert asked(cosigner, [bytes(200_000), bytes(200_000)]) == 413
    assert heads.cosigned() == []
    assert asked(cosigner, [GOOD[:50], GOOD[50:], b""]) == 200
    heads.close()


def test_nothing_is_cosigned_that_cannot_be_kept(witness: MadeWitness) -> None:
    heads = witness.heads()
    cosigner = Cosigner(keys=KEYS, logs=LOGS, heads=heads, clock=witness.clock)
    heads.close()
    assert asked(cosigner, [GOOD, b""]) == 503
    again = witness.heads()
    assert again.cosigned() == []
    again.close()
