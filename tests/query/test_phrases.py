"""A filter as one sentence for people, in English and Norwegian Bokmål."""

import pytest

from trailbook.query import PRESET_NAMES, Query, from_line, in_words
from trailbook.query.dates import PRESETS
from trailbook.query.fields import FIELDS
from trailbook.query.phrases import PHRASES

LABELS = {
    "en": {"roles": "Roles", "permissions": "Permissions", "api_keys": "API keys", "user/u-42": "Bob Li"},
    "nb": {"roles": "Roller", "permissions": "Tilganger", "api_keys": "API-nøkler", "user/u-42": "Bob Li"},
}


def phrase(line: str, lang: str) -> str:
    return in_words(from_line(line), lambda field, value: LABELS[lang].get(value, value), lang)


SENTENCES = [
    ("", "All activity", "All aktivitet"),
    (
        "category:roles category:permissions concerns:user/u-42 date:last-month",
        "Permissions and roles, about Bob Li, last month",
        "Tilganger og roller, om Bob Li, forrige måned",
    ),
    (
        "-category:api_keys category:roles category:permissions category:users",
        "Permissions, roles and users, except API keys",
        "Tilganger, roller og users, unntatt API-nøkler",
    ),
    (
        "actor:user/u-42 actor:user/u-17 -actor:user/u-1 self:true",
        "By user/u-17 or Bob Li, not by user/u-1, on their own behalf",
        "Av user/u-17 eller Bob Li, ikke av user/u-1, på egne vegne",
    ),
    (
        "text:Anna%20be from:2026-01-01 to:2026-01-31",
        "With the words “Anna be”, from 2026-01-01 to 2026-01-31",
        "Med ordene «Anna be», fra 2026-01-01 til 2026-01-31",
    ),
    (
        "to:2026-01-31 self:false",
        "Not on their own behalf, to 2026-01-31",
        "Ikke på egne vegne, til 2026-01-31",
    ),
    (
        "category:roles ip:192.0.2.0/24 ip:2001:db8::7 -ip:192.0.2.9",
        "Roles, IP address: 192.0.2.0/24 or 2001:db8::7, IP address not: 192.0.2.9",
        "Roller, IP-adresse: 192.0.2.0/24 eller 2001:db8::7, IP-adresse ikke: 192.0.2.9",
    ),
    (
        "-category:activity_log",
        "All activity, except reading of this log",
        "All aktivitet, unntatt lesing av denne loggen",
    ),
    (
        "-category:activity_log date:last-month concerns:user/u-42",
        "About Bob Li, last month, except reading of this log",
        "Om Bob Li, forrige måned, unntatt lesing av denne loggen",
    ),
    (
        "outcome:denied actor_kind:system origin:job target:role/*",
        "On role/*, done by: system, outcome: denied, through: job",
        "På role/*, utført av: system, utfall: denied, gjennom: job",
    ),
]


@pytest.mark.parametrize(("line", "english", "norwegian"), SENTENCES)
def test_a_filter_in_words(line: str, english: str, norwegian: str) -> None:
    """The order is that of reading, not of the parameters."""
    assert (phrase(line, "en"), phrase(line, "nb")) == (english, norwegian)


@pytest.mark.parametrize("lang", PHRASES)
def test_every_filter_and_preset_has_its_words(lang: str) -> None:
    """No raw key in a language that is offered; languages have the same phrases."""
    assert PHRASES[lang].keys() == PHRASES["en"].keys() >= {f + n for f in FIELDS for n in ("", ".not")}
    assert tuple(PRESET_NAMES[lang]) == PRESETS
    assert lang == "en" or not set(PRESET_NAMES[lang].values()) & set(PRESET_NAMES["en"].values())


def test_a_language_without_phrases_is_refused() -> None:
    """With the control that one of ours is spoken."""
    with pytest.raises(ValueError, match="fi"):
        in_words(Query(), lambda field, value: value, "fi")
    assert in_words(Query(), lambda field, value: value, "nb")
