"""Proofs, as the document describes it."""

from trailbook.web.api.openapi.shapes import ADMITTED, ORG, Answer, Operation, ref
from trailbook.web.http.media import JSON


def proofs() -> tuple[Operation, ...]:
    def read(path: str, name: str, says: str, *, answer: Answer, code: str = "not-found") -> Operation:
        problems = tuple(dict.fromkeys((*ADMITTED, code)))
        answers = {200: answer}
        return Operation(
            method="GET", path=path, name=name, says=says, scope="prove", answers=answers, problems=problems
        )

    octets, text = {"application/octet-stream": {"type": "string"}}, {"text/plain": {"type": "string"}}
    openings = {JSON: {"type": "array", "items": ref("Opening")}}
    entry, log = f"{ORG}/entries/{{id}}", "/log/{org}"
    raw = Answer(says="The bytes.", forms=octets, headers=("ETag",))
    proof = Answer(says="A C2SP tlog-proof.", forms=text, headers=("Content-Disposition",))
    note, keys = Answer(says="A signed note.", forms=text), Answer(says="A key a line.", forms=text)
    seen = Answer(says="One for each witness.", forms={JSON: {"type": "array", "items": ref("Sighting")}})
    opening = Answer(says="One for each name it had.", forms=openings)
    item = f"{ORG}/items/{{type}}/{{item}}/identities"
    return (
        read(f"{entry}/leaf", "readLeaf", "The hashed bytes of an entry", answer=raw, code="entry-expired"),
        read(
            f"{entry}/proof",
            "readProof",
            "Its place in the signed tree",
            answer=proof,
            code="not-checkpointed",
        ),
        read(item, "readIdentities", "What opens the tokens of an item", answer=opening),
        read(f"{log}/checkpoint", "readCheckpoint", "The signed head", answer=note),
        read(f"{log}/key", "readKeys", "The keys that verify the heads", answer=keys),
        read(f"{log}/witnesses", "readWitnesses", "Who has seen which head", answer=seen),
        read(
            f"{log}/tile/{{tile}}",
            "readTile",
            "A C2SP tile, or bundle of entries",
            answer=raw,
            code="bundle-expired",
        ),
    )
