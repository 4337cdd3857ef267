"""Makes the dictionary with which SQLite keeps bodies small: `python -m bench.dictionary`.

Owns imagined bodies of every action of the catalogue, each cited item under a token of its own, so that nothing of
any log is in it. The same catalogue gives the same bytes. A dictionary that was shipped is never written again, for
stored bodies need it: a better one becomes the next number (stores/sqlite/bodies.py).
"""

import base64
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import zstandard

from bench.generate import FIRST_DAY, forms_of
from trailbook.catalogue import Action, Catalogue, load
from trailbook.model import written
from trailbook.record.canonical import Body, BodyActor, BodyConcern, BodyOrigin

SIZE = 32 * 1024
_COMMON, _RARE = 20_000, 8


def bodies(catalogue: Catalogue) -> Iterator[bytes]:
    """Every action some times, the frequent ones as often as they happen, in no order."""
    draw = random.Random(1)
    forms, weights = forms_of(catalogue)
    common = [catalogue.actions[f.action] for f in draw.choices(forms, cum_weights=weights, k=_COMMON)]
    chosen = common + [action for action in catalogue.actions.values() for _ in range(_RARE)]
    draw.shuffle(chosen)
    return (msgspec.json.encode(_body(catalogue, action, draw)) for action in chosen)


def _body(catalogue: Catalogue, action: Action, draw: random.Random) -> Body:
    happened = FIRST_DAY + timedelta(microseconds=draw.randrange(5 * 365 * 86_400_000_000))
    recorded = happened + timedelta(microseconds=draw.randrange(1_000_000))
    placed = draw.random() < 0.8
    return Body(
        action=action.name,
        actor=BodyActor(_token(draw), "person" if placed else draw.choice(("integration", "system"))),
        category=action.category,
        concerns=tuple(BodyConcern(_token(draw), part) for part in sorted(_parts(action))),
        correlation=draw.randbytes(16).hex() if draw.random() < 0.2 else None,
        effective_at=str(happened.date()) if draw.random() < 0.1 else None,
        fields=_fields(catalogue, action, draw),
        id=str(UUID(int=recorded.microsecond << 76 | 7 << 76 | draw.getrandbits(74) | 1 << 63)),
        occurred_at=written(happened),
        origin=BodyOrigin(draw.choice(("web", "api")), _token(draw)) if placed else BodyOrigin("job"),
        outcome="success" if draw.random() < 0.95 else draw.choice(("failure", "denied")),
        recorded_at=written(recorded),
        source=_token(draw),
        target=_token(draw),
        v=1,
    )


def _parts(action: Action) -> set[str]:
    return {rule.part for rule in action.concerns if rule.least} | set(action.filled)


def _fields(catalogue: Catalogue, action: Action, draw: random.Random) -> tuple[str, ...]:
    declared = catalogue.types.get(action.target[0])
    if action.verb != "updated" or declared is None or not declared.fields:
        return ()
    return tuple(sorted(draw.sample(sorted(declared.fields), min(2, len(declared.fields)))))


def _token(draw: random.Random) -> str:
    return base64.urlsafe_b64encode(draw.randbytes(24)).decode()


def main(file: Path) -> None:
    """Write the dictionary. Raises: FileExistsError."""
    trained = zstandard.train_dictionary(SIZE, list(bodies(load())), k=64, d=8, dict_id=1)
    with file.open("xb") as out:
        out.write(trained.as_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
