"""Sentences: every one that the built-in catalogue can say, the fallbacks, and how items are named.

`python tests/catalogue/test_sentences.py` writes the golden files anew; read the difference before you keep it.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from trailbook.catalogue import ActionWords, Catalogue, load
from trailbook.catalogue.samples import sample_sentences
from trailbook.catalogue.sentences import Named, SentencePiece, Spoken, say, sentence_pieces
from trailbook.errors import CatalogueError

GOLDEN = Path(__file__).parents[1] / "golden"
LANGUAGES = ("en", "nb")
CATALOGUE = load()

ANNA = Named(type="user", id="u-17", name="Anna Berg", token4="1A2B")
BOB = Named(type="user", id="u-42", name="Bob Li")
VISMA = Named(type="integration", id="i-1", name="Visma")
MANAGER = Named(type="role", id="r-3", name="Manager")
OSLO = Named(type="team", id="t-1", name="Oslo")
TRUCK = Named(type="competence", id="c-1", name="Truck")
PEOPLE = tuple(Named(type="user", id=f"u-{n}", name=n) for n in ("Ada", "Bo", "Cy", "Di", "Eva"))


def golden(lang: str) -> str:
    return "".join("\t".join(row) + "\n" for row in sample_sentences(CATALOGUE, lang))


def spoken(action: str = "role.assigned", **members: Any) -> Spoken:
    given = {"kind": "person", "actor": ANNA, "target": MANAGER, "concerns": (("member", BOB),), **members}
    return Spoken(action=action, **given)


def both(entry: Spoken) -> tuple[str, str]:
    return say(CATALOGUE, entry, "en"), say(CATALOGUE, entry, "nb")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_is_as_reviewed(lang: str) -> None:
    assert (GOLDEN / f"sentences.{lang}.txt").read_text("utf-8") == golden(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_golden_file_has_every_action_and_variant(lang: str) -> None:
    rows = [row.split("\t") for row in (GOLDEN / f"sentences.{lang}.txt").read_text("utf-8").splitlines()]
    assert {row[0] for row in rows if row[1] == "plain"} == CATALOGUE.actions.keys()
    assert {(row[0], row[1]) for row in rows} == {(a, v) for a, v, _ in sample_sentences(CATALOGUE, "en")}


def bare(catalogue: Catalogue) -> Catalogue:
    """The same without a template of any action: all that is left are verb classes."""
    languages = {
        code: structs.replace(kept, actions={n: ActionWords(label=w.label) for n, w in kept.actions.items()})
        for code, kept in catalogue.languages.items()
    }
    return structs.replace(catalogue, languages=languages)


@pytest.mark.parametrize("outcome", ["success", "failure", "denied"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_shows_an_action_code_or_an_open_slot(lang: str, outcome: str) -> None:
    for catalogue in (CATALOGUE, bare(CATALOGUE)):
        for action in catalogue.actions.values():
            for concerns in ((), tuple((part, BOB) for part in action.parts)):
                for kind in action.target:
                    target = Named(type=kind, id="7")
                    entry = spoken(action.name, outcome=outcome, target=target, concerns=concerns)
                    sentence = say(catalogue, entry, lang)
                    assert not re.search(r"[{}]|\b[a-z_]+\.[a-z_]+|_", sentence), sentence
                    assert sentence.startswith("Anna Berg") or outcome != "success"


@pytest.mark.parametrize(
    ("entry", "en", "nb"),
    [
        (spoken(), "Anna Berg gave Bob Li the role Manager", "Anna Berg ga Bob Li rollen Manager"),
        (
            spoken(concerns=(("member", BOB), ("scope", OSLO))),
            "Anna Berg gave Bob Li the role Manager in Oslo",
            "Anna Berg ga Bob Li rollen Manager i Oslo",
        ),
        (
            spoken("absence.registered", target=Named(type="absence", id="a-1"), concerns=(("owner", BOB),)),
            "Anna Berg registered an absence for Bob Li",
            "Anna Berg registrerte fravær for Bob Li",
        ),
        (
            spoken("integration.user_sent", target=VISMA, kind="system", actor=Named(type="system", id="s"), concerns=(
                ("synced", BOB),)),
            "The system sent Bob Li's details to the integration Visma",
            "Systemet sendte opplysninger om Bob Li til integrasjonen Visma",
        ),
        (
            spoken(outcome="denied"),
            "Anna Berg was not allowed to give Bob Li the role Manager",
            "Anna Berg fikk ikke lov til å gi Bob Li rollen Manager",
        ),
        (
            spoken("access.denied", outcome="denied", concerns=()),
            "Anna Berg was refused access to the role Manager",
            "Anna Berg ble nektet tilgang til rollen Manager",
        ),
    ],
)  # fmt: skip
def test_sentences(entry: Spoken, en: str, nb: str) -> None:
    assert both(entry) == (en, nb)


def test_an_outcome_without_its_template_reads_by_the_carrier() -> None:
    entry = spoken("role.renamed", outcome="failure", concerns=())
    en, nb = "Failed: Role renamed - the role Manager, by Anna Berg", "rollen Manager, av Anna Berg"
    assert both(entry) == (en, f"Mislyktes: Rolle gitt nytt navn - {nb}")
    unnamed = spoken("payslip.withdrawn", outcome="denied", target=Named(type="payslip", id="p-1"))
    assert both(unnamed)[0] == "Refused: Payslip withdrawn - a payslip, by Anna Berg"


def test_an_action_without_a_template_reads_by_its_verb_class() -> None:
    updated = spoken("role.updated", concerns=())
    assert say(bare(CATALOGUE), updated, "en") == "Anna Berg changed the role Manager"
    assert say(bare(CATALOGUE), updated, "nb") == "Anna Berg endret rollen Manager"
    person = spoken("user.profile_updated", target=BOB, concerns=())
    assert say(bare(CATALOGUE), person, "en") == "Anna Berg changed Bob Li"


def test_an_undeclared_action_reads_without_its_code() -> None:
    entry = spoken("shuttle.lift_booked", concerns=())
    assert both(entry)[0] == "Anna Berg did something with the role Manager"
    failed = structs.replace(entry, outcome="failure")
    assert both(failed)[0] == "Failed: Shuttle lift booked - the role Manager, by Anna Berg"


def test_a_template_that_cannot_be_filled_is_not_used() -> None:
    """An entry recorded under an older rule still reads."""
    assert both(spoken(concerns=()))[0] == "Anna Berg assigned the role Manager"


def test_self() -> None:
    entry = spoken("user.profile_updated", target=ANNA, concerns=(("subject", ANNA),), self_=True)
    assert both(entry) == ("Anna Berg updated their own profile", "Anna Berg oppdaterte sin egen profil")
    other = structs.replace(entry, target=BOB, concerns=(("subject", BOB),), self_=False)
    assert both(other)[0] == "Anna Berg updated Bob Li's profile"


def test_self_does_not_leave_others_out() -> None:
    """`self` is also true for whoever is one of several, or stands in for somebody."""
    several = spoken(concerns=(("member", ANNA), ("member", BOB)), self_=True)
    assert both(several)[0] == "Anna Berg gave Anna Berg and Bob Li the role Manager"
    alone = spoken(concerns=(("member", ANNA),), self_=True)
    assert both(alone)[0] == "Anna Berg gave themselves the role Manager"
    substitute = (("owner", BOB), ("substitute", ANNA))
    absence = spoken(
        "absence.approved", target=Named(type="absence", id="1"), concerns=substitute, self_=True
    )
    assert both(absence)[0] == "Anna Berg approved Bob Li's absence"


@pytest.mark.parametrize(
    ("count", "en", "nb"),
    [
        (
            0,
            "finished a synchronisation: 0 people updated",
            "fullførte en synkronisering: 0 personer oppdatert",
        ),
        (
            1,
            "finished a synchronisation: 1 person updated",
            "fullførte en synkronisering: 1 person oppdatert",
        ),
        (
            2,
            "finished a synchronisation: 2 people updated",
            "fullførte en synkronisering: 2 personer oppdatert",
        ),
        (None, "finished a synchronisation", "fullførte en synkronisering"),
    ],
)
def test_counts(count: int | None, en: str, nb: str) -> None:
    entry = spoken(
        "integration.sync_completed", kind="integration", actor=VISMA, target=VISMA, concerns=(), count=count
    )
    assert both(entry) == (f"Visma {en}", f"Visma {nb}")


@pytest.mark.parametrize(
    ("many", "en", "nb"),
    [
        (1, "Ada", "Ada"),
        (2, "Ada and Bo", "Ada og Bo"),
        (3, "Ada, Bo and Cy", "Ada, Bo og Cy"),
        (4, "Ada, Bo, Cy and 1 more", "Ada, Bo, Cy og 1 til"),
        (5, "Ada, Bo, Cy and 2 more", "Ada, Bo, Cy og 2 til"),
    ],
)
def test_several_items(many: int, en: str, nb: str) -> None:
    entry = spoken(concerns=tuple(("member", person) for person in PEOPLE[:many]))
    assert both(entry) == (f"Anna Berg gave {en} the role Manager", f"Anna Berg ga {nb} rollen Manager")


EXPIRY = Named(type="system", id="s-1", name="Access expiry")


@pytest.mark.parametrize(
    ("kind", "actor", "behalf", "en", "nb"),
    [
        ("integration", VISMA, None, "Visma", "Visma"),
        ("system", EXPIRY, None, "Access expiry", "Access expiry"),
        ("system", Named(type="system", id="s-1"), None, "The system", "Systemet"),
        ("person", ANNA, BOB, "Anna Berg (as support for Bob Li)", "Anna Berg (som brukerstøtte for Bob Li)"),
        ("person", Named(type="user", id="u-9"), None, "The person u-9", "Personen u-9"),
        (
            "integration",
            Named(type="integration", id="i-9"),
            None,
            "The integration i-9",
            "Integrasjonen i-9",
        ),
        ("person", Named(type="user", id="x", name="de Vries"), None, "de Vries", "de Vries"),
        ("person", Named(type="user", erased=True, token4="7F3A"), None, "Person 7F3A", "Person 7F3A"),
    ],
)
def test_actors(kind: str, actor: Named, behalf: Named | None, en: str, nb: str) -> None:
    entry = spoken("role.created", kind=kind, actor=actor, on_behalf_of=behalf, concerns=())
    assert both(entry) == (f"{en} created the role Manager", f"{nb} opprettet rollen Manager")


@pytest.mark.parametrize("actor", [VISMA, EXPIRY])
def test_for_whom_something_was_done_stands_at_the_end(actor: Named) -> None:
    doing: dict[str, Any] = {"kind": actor.type, "actor": actor, "on_behalf_of": BOB}
    entry = spoken(
        "competence.added", target=TRUCK, concerns=(("holder", BOB), ("represented", BOB)), **doing
    )
    assert both(entry) == (
        f"{actor.name} added the competence Truck (on Bob Li's behalf)",
        f"{actor.name} la til kompetansen Truck (på vegne av Bob Li)",
    )
    other = structs.replace(entry, concerns=(("holder", ANNA), ("represented", BOB)))
    assert both(other)[0] == f"{actor.name} added the competence Truck for Anna Berg (on Bob Li's behalf)"


@pytest.mark.parametrize("actor", [VISMA, EXPIRY])
def test_whoever_is_named_is_not_named_again(actor: Named) -> None:
    """An update of Bob's profile on his behalf; of Anna's it says whose behalf it was."""
    doing: dict[str, Any] = {"kind": actor.type, "actor": actor, "on_behalf_of": BOB}
    entry = spoken(
        "user.profile_updated", target=BOB, concerns=(("subject", BOB), ("represented", BOB)), **doing
    )
    assert both(entry) == (
        f"{actor.name} updated Bob Li's profile",
        f"{actor.name} oppdaterte profilen til Bob Li",
    )
    of_anna = structs.replace(entry, target=ANNA, concerns=(("subject", ANNA), ("represented", BOB)))
    assert both(of_anna)[0] == f"{actor.name} updated Anna Berg's profile (on Bob Li's behalf)"


SEE, EDIT = (Named(type="permission", id=n, name=n) for n in ("See pay", "Edit pay"))


@pytest.mark.parametrize(
    ("concerns", "en", "nb"),
    [
        ((), "a permission", "en rettighet"),
        ((("permission", SEE),), "the permission See pay", "rettigheten See pay"),
        (
            *((("permission", SEE), ("permission", EDIT)),),
            *("the permissions See pay and Edit pay", "rettighetene See pay og Edit pay"),
        ),
    ],
)
def test_a_sentence_says_what_it_concerns_where_the_host_does(
    concerns: tuple[tuple[str, Named], ...], en: str, nb: str
) -> None:
    entry = spoken("role.permission_granted", concerns=concerns)
    assert both(entry) == (
        f"Anna Berg added {en} to the role Manager",
        f"Anna Berg la til {nb} i rollen Manager",
    )
    denied = structs.replace(entry, outcome="denied")
    assert both(denied)[0] == f"Anna Berg was not allowed to add {en} to the role Manager"


def test_who_asks_for_themselves_is_named_once() -> None:
    request = Named(type="role_request", id="rr-1")
    own = (("requester", BOB), ("member", BOB), ("role", MANAGER))
    entry = spoken("role_request.approved", target=request, concerns=own)
    assert both(entry) == (
        "Anna Berg approved Bob Li's request for the role Manager",
        "Anna Berg godkjente forespørselen fra Bob Li om rollen Manager",
    )
    kari = Named(type="user", id="u-50", name="Kari Lie")
    other = structs.replace(entry, concerns=(("requester", kari), *own[1:]))
    assert both(other)[0] == "Anna Berg approved Kari Lie's request for the role Manager for Bob Li"
    several = structs.replace(entry, concerns=(*own, ("member", kari)))
    assert (
        both(several)[0] == "Anna Berg approved Bob Li's request for the role Manager for Bob Li and Kari Lie"
    )
    assert (
        both(structs.replace(entry, concerns=own[:2]))[0] == "Anna Berg approved Bob Li's request for a role"
    )
    assert both(structs.replace(entry, concerns=own, self_=True, actor=BOB))[0] == (
        "Bob Li approved their own request for the role Manager"
    )


def test_the_possessive_follows_its_name_without_a_gap_and_never_follows_several() -> None:
    entry = spoken("shift.swapped", target=Named(type="shift", id="s-1"), concerns=(("owner", BOB),))
    assert sentence_pieces(CATALOGUE, entry, "en")[1:] == (
        SentencePiece(" swapped "),
        SentencePiece("Bob Li", ("owner", 0)),
        SentencePiece("'s shift"),
    )
    both_owners = structs.replace(entry, concerns=(("owner", BOB), ("owner", ANNA)))
    assert both(both_owners)[0] == "Anna Berg swapped a shift between Bob Li and Anna Berg"


def test_who_fails_at_their_own_is_named_once_and_support_is_told_from_them() -> None:
    own = spoken(
        "user.password_changed", target=ANNA, concerns=(("subject", ANNA),), self_=True, outcome="failure"
    )
    assert both(own)[0] == "Anna Berg could not change their own password"
    support = structs.replace(own, actor=BOB, on_behalf_of=ANNA, self_=False)
    assert both(support)[0] == "Bob Li (as support for Anna Berg) could not change Anna Berg's password"


@pytest.mark.parametrize(
    ("item", "en"),
    [
        (Named(type="user", id="u-1"), "the person u-1"),
        (Named(type="user", id="", name="Eve", erased=True, token4="7F3A"), "Person 7F3A"),
        (Named(type="dependant", id="d-1"), "a dependant"),
        (Named(type="dependant", erased=True, token4="7F3A"), "a dependant"),
        (Named(type="spaceship", id="9"), "spaceship 9"),
    ],
)
def test_items_without_a_name(item: Named, en: str) -> None:
    assert both(spoken(concerns=(("member", item),)))[0] == f"Anna Berg gave {en} the role Manager"


def test_the_noun_stands_once() -> None:
    nameless = Named(type="role", id="r-3")
    assert both(spoken(target=nameless)) == (
        "Anna Berg gave Bob Li the role r-3",
        "Anna Berg ga Bob Li rollen r-3",
    )
    assert both(spoken("user_field.created", target=nameless, concerns=()))[0].endswith(
        "profile field the role r-3"
    )


def test_an_erased_name_is_never_said() -> None:
    erased = Named(type="user", id="u-42", name="Bob Li", erased=True, token4="7F3A")
    given = spoken(concerns=(("member", ANNA),))
    heard = [structs.replace(given, **{place: erased}) for place in ("actor", "target", "on_behalf_of")]
    for entry in (*heard, structs.replace(given, concerns=(("member", erased),))):
        shown = both(entry)[0]
        assert "Person 7F3A" in shown
        assert "Bob" not in shown
        assert "u-42" not in shown


def test_pieces_name_each_item_apart() -> None:
    entry = spoken(concerns=(("member", BOB), ("member", OSLO)))
    assert sentence_pieces(CATALOGUE, entry, "en") == (
        SentencePiece("Anna Berg", ("actor", 0)),
        SentencePiece(" gave "),
        SentencePiece("Bob Li", ("member", 0)),
        SentencePiece(" and "),
        SentencePiece("Oslo", ("member", 1)),
        SentencePiece(" the role "),
        SentencePiece("Manager", ("target", 0)),
    )


def test_a_name_with_braces_is_a_name() -> None:
    entry = spoken(actor=structs.replace(ANNA, name="{target}<b>"))
    assert both(entry)[0] == "{target}<b> gave Bob Li the role Manager"


def test_a_language_nobody_wrote_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"say/xx\.toml"):
        say(CATALOGUE, spoken(), "xx")


if __name__ == "__main__":
    for code in LANGUAGES:
        (GOLDEN / f"sentences.{code}.txt").write_text(golden(code), "utf-8")
