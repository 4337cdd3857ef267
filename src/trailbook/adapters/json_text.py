"""JSON as the API reads it: one text in UTF-8, strictly.

Owns the refusals that every reader of JSON here agrees on: duplicate keys, floats, integers beyond 2^53 - 1 and lone
surrogates. Refuses to know what is in it.
"""

import json
from typing import Any

from trailbook.errors import EntryInvalidError, Fault

MAX_LINE = 256 * 1024
LARGEST = 2**53 - 1


def strict_json(raw: bytes) -> Any:
    """Decode one JSON text in UTF-8 of at most 256 KiB.

    Raises: EntryInvalidError `malformed`. Source: RFC 8259, RFC 7493.
    """
    if len(raw) > MAX_LINE:
        raise malformed(f"is longer than {MAX_LINE} bytes")
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except RecursionError:
        raise malformed("is nested too deeply") from None
    except UnicodeError:
        raise malformed("has text that is not Unicode") from None
    except json.JSONDecodeError as error:
        raise malformed(f"is not JSON: {error.msg}, at character {error.pos + 1}") from None
    return value


def malformed(detail: str) -> EntryInvalidError:
    """The refusal of what is no entry at all."""
    return EntryInvalidError((Fault("", "malformed", detail),))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise malformed("has a member twice")
    return members


def _no_number(text: str) -> Any:
    raise malformed(f"has the number {text[:20]}; only whole ones are taken")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise malformed("has a number beyond 2^53 - 1")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_no_number, parse_constant=_no_number, parse_int=_integer
)
