"""JSONTestSuite over the one reader of JSON from outside."""

import json

import pytest
from tests.hostile.texts import suite

from trailbook.errors import InvalidError
from trailbook.web.http import strict_json


def refusal(raw: bytes) -> str | None:
    """The code that a text is refused with, or None."""
    try:
        strict_json.strict(raw)
    except InvalidError as refused:
        return refused.code
    return None


def test_what_is_no_json_is_refused() -> None:
    """188 of 188, none but with a code of its own."""
    refusals = {name: refusal(raw) for name, raw in suite("n").items()}
    assert len(refusals) == 188
    assert {name: code for name, code in refusals.items() if code not in ("malformed", "entry-invalid")} == {}


def test_what_is_json_is_read() -> None:
    """95 of 95 are told from what is no JSON; those with a float or a name given twice are refused as such."""
    documents = suite("y")
    assert len(documents) == 95
    for name, raw in documents.items():
        code = refusal(raw)
        if code is None:
            assert strict_json.strict(raw) == json.loads(raw)
        elif code == "malformed":
            with pytest.raises(InvalidError, match="is given twice"):
                strict_json.strict(raw)
        else:
            with pytest.raises(InvalidError, match=r"not a whole number|beyond") as refused:
                strict_json.strict(raw)
            assert refused.value.code == "entry-invalid", name
