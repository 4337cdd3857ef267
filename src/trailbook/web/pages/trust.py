"""Can this log be trusted? The answer in a sentence, what it rests on, and how to check it oneself.

Owns how the facts are judged and said, for people who are no engineers, and how far a verification is. Refuses to call
anything proved that is not, and to verify the log while somebody waits for a page: that is done by another process.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from litestar import Response
from msgspec import Struct

from trailbook.deployment import Underway
from trailbook.errors import DamagedError
from trailbook.finding import Shown
from trailbook.log import LIBRARY
from trailbook.proofs import Sighting, SignedHead, Trust
from trailbook.query import Query, Term, from_params
from trailbook.tree import key_id, parse_range
from trailbook.web.http.render import page, partial, see
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import FOLDED, address
from trailbook.web.pages.frame import frame, home, home_zone, presenter_of, whom_to_ask
from trailbook.web.pages.rows import Presenter, cut

Verdict = Literal["damaged", "faulty", "refused", "unsigned", "alone", "unverified", "old", "yes"]
# A head waits a second for its signature, and an idle log is signed again each hour.
LATE, OLD = timedelta(minutes=2), timedelta(days=35)
_VERIFIED = ("activity_log.verified", "activity_log.verification_failed")


class Ground(Struct, frozen=True, kw_only=True):
    """One thing that trust rests on: whether it is there, and what is to be said of it."""

    name: str
    holds: bool
    sentence: str
    href: str | None = None


class Verifying(Struct, frozen=True, kw_only=True):
    """What is to be said of verifying it now: who may start that, and how far it is where it is under way."""

    may: bool
    ask: str
    here: str
    possible: bool
    underway: str | None
    done: int
    total: int | None
    far: str
    failed: str | None


class TrustPage(Struct, frozen=True, kw_only=True):
    """The answer, what it rests on, and the keys; `proofs` is the organisation, for who may read them."""

    verdict: Verdict
    facts: Trust
    grounds: list[Ground]
    verifying: Verifying
    keys: list[tuple[str, str]]
    proofs: str | None
    zone: str
    tz: str


def trust_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/trust."""
    request.only()
    presenter = presenter_of(request, None, home_zone(request))
    facts, now = request.site.deployment.trust(request.org), request.site.deployment.clock()
    verdict: Verdict
    try:
        verified = _last(request, _VERIFIED)
        restarted = _last(request, ("activity_log.restarted",))
    except DamagedError:
        verdict, from_entries = "damaged", []  # this page is there above all when others are not
    else:
        verdict = judged(facts, verified, now)
        from_entries = [
            _checked(request, presenter, verified, verdict),
            _one_tree(request, presenter, restarted),
        ]
    model = TrustPage(
        verdict=verdict,
        facts=facts,
        grounds=[
            _signing(presenter, facts, verdict),
            _copy(presenter, facts),
            *([_witnessed(presenter, facts, now)] if facts.witnesses else []),
            *([_authority(presenter, facts)] if facts.asks_authority else []),
            *from_entries,
        ],
        verifying=_verifying(request, presenter, signs=facts.origin is not None),
        keys=[(text, key_id(parse_range(text).key).hex()) for text in facts.keys],
        proofs=request.org if request.viewer.read_proofs == "full" else None,
        zone=presenter.words.zone(presenter.zone),
        tz=presenter.zone.key,
    )
    return page("trust.html", (frame(request), model), part=partial(request.headers))


def begin_verifying(request: Request) -> Response[bytes]:
    """POST /orgs/{org}/activity/trust: have all of it verified, then the page again."""
    request.only()
    request.site.verifying.begin(request.viewer)
    return see(f"{request.path}#verify")


def judged(facts: Trust, verified: Shown | None, now: datetime) -> Verdict:
    """The worst that is known of a log; `yes` only where nothing is missing."""
    if verified is not None and verified.action != _VERIFIED[0]:
        return "faulty"
    if facts.refused is not None:
        return "refused"
    if facts.signed is None or _is_late(facts.signed, facts.size, now):
        return "unsigned"
    if facts.outside is None and all(seen.size is None for seen in facts.witnesses):
        return "alone"
    if verified is None:
        return "unverified"
    return "old" if now - datetime.fromisoformat(verified.occurred_at) > OLD else "yes"


def _is_late(signed: SignedHead, size: int, now: datetime) -> bool:
    """Whether entries wait for a signature longer than they ever should."""
    return signed.size < size and (signed.at is None or now - signed.at > LATE + timedelta(hours=1))


def _last(request: Request, actions: tuple[str, ...]) -> Shown | None:
    """The last of these entries that the log made itself: whoever has a key may record one that says the same."""
    entries = request.log.search(
        Query(terms=(Term("action", actions), Term("source", (f"{LIBRARY.type}/{LIBRARY.id}",)))),
        viewer=request.viewer,
        limit=1,
        lang=request.lang,
        part_of=from_params([FOLDED, ("tz", home_zone(request))]),
    ).entries
    return entries[0] if entries else None


def _signing(presenter: Presenter, facts: Trust, verdict: Verdict) -> Ground:
    t, signed = presenter.words, facts.signed
    if facts.refused is not None:
        return Ground(name="signed", holds=False, sentence=t("trust.refused-why"))
    if signed is None:
        return Ground(name="signed", holds=False, sentence=t("trust.never-signed"))
    words = t("trust.signed-to", size=t.number(signed.size), when=_when(presenter, signed.at))
    if signed.size < facts.size:
        words = f"{words} {t.counted('trust.waiting', facts.size - signed.size)}"
    return Ground(name="signed", holds=verdict != "unsigned", sentence=words)


def _copy(presenter: Presenter, facts: Trust) -> Ground:
    t, outside = presenter.words, facts.outside
    if outside is not None:
        words = t("trust.outside-to", size=t.number(outside.size), when=_when(presenter, outside.at))
        return Ground(name="outside", holds=True, sentence=words)
    return Ground(
        name="outside",
        holds=False,
        sentence=t("trust.outside-lost" if facts.keeps_outside else "trust.outside-none"),
    )


def _witnessed(presenter: Presenter, facts: Trust, now: datetime) -> Ground:
    """How many others have seen the largest head that any has, and what each of the rest has seen."""
    t, size = presenter.words, max((seen.size or 0 for seen in facts.witnesses), default=0)
    first = [(seen.at or now) for seen in facts.witnesses if seen.size == size]
    rest = [seen for seen in facts.witnesses if seen.size != size]
    words = [_behind(presenter, seen, now) for seen in rest]
    if first:
        slots = {"seen": t.number(len(first)), "all": t.number(len(facts.witnesses)), "size": t.number(size)}
        words.insert(0, t("trust.witnessed-to", when=_since_then(presenter, max(first), now), **slots))
    holds = any(not seen.is_late(now) for seen in facts.witnesses)
    return Ground(name="witnessed", holds=holds, sentence=" ".join(words))


def _behind(presenter: Presenter, seen: Sighting, now: datetime) -> str:
    t, name = presenter.words, cut(seen.name)
    if seen.size is None or seen.at is None:
        return t("trust.witnessed-never", name=name)
    when = _since_then(presenter, seen.at, now)
    return t("trust.witnessed-behind", name=name, size=t.number(seen.size), when=when)


def _since_then(presenter: Presenter, at: datetime, now: datetime) -> str:
    return f"{_when(presenter, at)} ({presenter.words.ago(max(timedelta(0), now - at))})"


def _authority(presenter: Presenter, facts: Trust) -> Ground:
    t = presenter.words
    if facts.stamped is None:
        return Ground(name="stamped", holds=False, sentence=t("trust.stamped-none"))
    return Ground(name="stamped", holds=True, sentence=t("trust.stamped-to", size=t.number(facts.stamped)))


def _checked(request: Request, presenter: Presenter, verified: Shown | None, verdict: Verdict) -> Ground:
    t = presenter.words
    if verified is None:
        return Ground(name="verified", holds=False, sentence=t("trust.verified-never"))
    when = t.moment(presenter.local(verified.occurred_at))
    key = "trust.verified-faults" if verdict == "faulty" else "trust.verified-at"
    words = t(key, when=when)
    if verdict == "old":
        words = f"{words} {t('trust.verified-old')}"
    href = f"{home(request)}/e/{verified.id}"
    return Ground(name="verified", holds=verdict not in ("faulty", "old"), sentence=words, href=href)


def _one_tree(request: Request, presenter: Presenter, restarted: Shown | None) -> Ground:
    t = presenter.words
    if restarted is None:
        return Ground(name="whole", holds=True, sentence=t("trust.unbroken"))
    when = t.moment(presenter.local(restarted.occurred_at))
    href = address(home(request), [("action", "activity_log.restarted")])
    return Ground(name="whole", holds=False, sentence=t("trust.restarted", when=when), href=href)


def _verifying(request: Request, presenter: Presenter, *, signs: bool) -> Verifying:
    t, now = presenter.words, request.site.verifying.of(request.org)
    running = now if now is not None and now.failed is None else None
    return Verifying(
        may=request.viewer.verify_log == "full",
        ask=whom_to_ask(request, "activity_log", "verify_log"),
        here=request.path,
        possible=signs and request.site.verifying.possible,
        underway=_since(presenter, running),
        done=running.done if running else 0,
        total=running.total if running else None,
        far=_far(t, running),
        failed=now.failed if now else None,
    )


def _since(presenter: Presenter, running: Underway | None) -> str | None:
    if running is None:
        return None
    when = _when(presenter, running.begun)
    return presenter.words("trust.verify-since", when=when, name=cut(running.who))


def _far(t: Words, running: Underway | None) -> str:
    if running is None or running.total is None:
        return t("trust.verify-waits")
    return t("trust.verify-far", done=t.number(running.done), total=t.number(running.total))


def _when(presenter: Presenter, at: datetime | None) -> str:
    return (
        presenter.words("trust.no-time")
        if at is None
        else presenter.words.moment(at.astimezone(presenter.zone))
    )
