"""A log that records, signs and asks its witness for ever, until it is killed: one of two in `test_mutual.py`.

Given: a folder with the log, its origin, the witness as settings name it, what allows to call it, and a number by which
its entries differ. Prints the size of each head that was cosigned, and each refusal.
"""

import sys
from pathlib import Path

from msgspec import structs

from trailbook.clock import utc_now
from trailbook.deployment import Deployment, Signs, open_deployment
from trailbook.errors import AnchorError
from trailbook.outgoing import parse_place
from trailbook.proofs import Signer, parse_witness
from trailbook.testing.small import ORG, grow


def opened(folder: Path, origin: str, witness: str, place: str) -> Deployment:
    """The log of an instance, begun where there is none."""
    signs = Signs(origin=origin, witnesses=(parse_witness(witness),), places=(parse_place(place),))
    create = not (folder / "log.db").exists()
    deployment = open_deployment(f"sqlite:///{folder}/log.db", create=create, signs=signs)
    if create:
        deployment.create(ORG)
    return deployment


def main(folder: str, origin: str, witness: str, place: str, number: str) -> None:
    """Go on until killed."""
    deployment = opened(Path(folder), origin, witness, place)
    signer = Signer(deployment._store, structs.replace(deployment.signing, witness_seconds=0))
    (witnessing,) = signer.witnessings
    while True:
        grow(deployment.log(ORG), utc_now, 1, int(number))  # type: ignore[arg-type]
        signer.sign(ORG)
        try:
            for org in witnessing.due():
                witnessing.ask(org)
                print("cosigned", deployment.trust(ORG).witnesses[0].size, flush=True)
        except AnchorError as error:
            print(error.detail, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
