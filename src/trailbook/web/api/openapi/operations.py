"""Every operation of the API, as one list; each area says its own.

Owns their order. Refuses to describe any.
"""

from trailbook.catalogue import Catalogue
from trailbook.web.api.openapi.access import caring
from trailbook.web.api.openapi.counts import counts
from trailbook.web.api.openapi.exports import ordered
from trailbook.web.api.openapi.live import live
from trailbook.web.api.openapi.operators import operators
from trailbook.web.api.openapi.proofs import proofs
from trailbook.web.api.openapi.reading import exports, names, reading
from trailbook.web.api.openapi.recording import recording
from trailbook.web.api.openapi.saved import saved
from trailbook.web.api.openapi.shapes import Operation


def operations(catalogue: Catalogue) -> tuple[Operation, ...]:
    """Every operation there is."""
    filtered = (
        *reading(catalogue),
        *counts(catalogue),
        *live(catalogue),
        *names(catalogue),
        *exports(catalogue),
    )
    return (*recording(), *filtered, *ordered(), *saved(), *proofs(), *caring(), *operators())
