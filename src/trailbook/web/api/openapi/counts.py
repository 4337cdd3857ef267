"""Counts, as the document describes them."""

from trailbook.catalogue import Catalogue
from trailbook.finding import BUCKETS, FACET_FIELDS
from trailbook.web.api.openapi.reading import PAGING, filters
from trailbook.web.api.openapi.shapes import ADMITTED, FILTERED, ORG, Answer, Operation, enum, query, ref
from trailbook.web.http.media import JSON

_ONCE = ("order",)  # a filter's parameter that means nothing to a count


def counts(catalogue: Catalogue) -> tuple[Operation, ...]:
    """Facets, histogram, related entries."""
    filtering = tuple(p for p in filters(catalogue) if p["name"] not in _ONCE)
    return (
        Operation(
            method="GET",
            path=f"{ORG}/facets",
            name="readFacets",
            says="Count by the values of a field",
            scope="read",
            more="Exact, and without the filter's own terms on that field. Actors and concerned items come by name, "
            "persons among them without a number; where the filter names the person who acted, there are no figures.",
            parameters=(query("by", enum(*FACET_FIELDS), "The field.", required=True), *filtering, *PAGING),
            answers={200: Answer(says="The values.", forms={JSON: ref("Facets")})},
            problems=(*FILTERED, "cursor-invalid"),
        ),
        Operation(
            method="GET",
            path=f"{ORG}/histogram",
            name="readHistogram",
            says="Count over time",
            scope="read",
            more="Exact, at most 92 bars, cut on the calendar of `tz`. About a person bars are weeks or longer.",
            parameters=(
                query("bucket", enum(*BUCKETS), "How long a bar is; otherwise the shortest that fits."),
                query("by", enum("category"), "Whether each bar says its categories."),
                *filtering,
            ),
            answers={200: Answer(says="The bars.", forms={JSON: ref("Histogram")})},
            problems=(*FILTERED, "too-many-bars"),
        ),
        Operation(
            method="GET",
            path=f"{ORG}/entries/{{id}}/related",
            name="readRelated",
            says="What belongs together with an entry",
            scope="read",
            more="Entries of the same correlation, the one that led to it and those it led to, newest first.",
            parameters=PAGING,
            answers={200: Answer(says="One page of entries.", forms={JSON: ref("Page")})},
            problems=(*ADMITTED, "entry-expired", "filter-invalid", "cursor-invalid"),
        ),
    )
