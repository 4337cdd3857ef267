"""Folding: the one form in which names are compared, so that people find Åse as ase, aase or ÅSE.

Owns what counts as the same letter and where a word ends. Refuses to guess: it knows no
languages, no nicknames and no likeness of sounds.
"""

import re
import unicodedata

_AS = re.compile("a{2,}")
_LETTERS = str.maketrans({"æ": "ae", "ø": "o"})  # the two Nordic letters that Unicode does not decompose


def fold(text: str) -> str:
    """`text` with case and accents folded: å aa a are one, so are ø ö o, and æ ä ae.

    Folding twice adds nothing. A beginning of a name folds to a beginning of the folded name, so that what
    somebody has typed so far finds it.
    """
    if text.isascii():
        return _AS.sub("a", text.lower())
    text = _decomposed(_decomposed(text)).replace("a\u0308", "ae").translate(_LETTERS)
    return _AS.sub("a", "".join(c for c in text if not unicodedata.category(c).startswith("M")))


def _decomposed(text: str) -> str:
    """Twice in a row this reaches the fixed point of case and compatibility folding (Unicode 3.13, D147)."""
    return unicodedata.normalize("NFKD", text).casefold()


def words(text: str) -> tuple[str, ...]:
    """The folded words of `text` in their order, each once; whatever is no letter and no digit parts them."""
    spaced = "".join(c if c.isalnum() else " " for c in fold(text))
    return tuple(dict.fromkeys(spaced.split()))
