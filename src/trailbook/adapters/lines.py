"""Lines of a file of UTF-8 text, which it counts: what an import has to account for.

Owns the byte order mark, which is no part of the first line, and the end of a line, which is a line feed. Refuses a
file that is not UTF-8 from its first line on with the one word that says what it is, and never holds more of a line
than was asked for.
"""

from collections.abc import Iterator
from typing import BinaryIO

from trailbook.errors import ConfigurationError

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class Lines:
    """The physical lines of a file, of each at most `most` bytes.

    `count` is how many were read, `aside` how many of them hold no entry but say how to read the others.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most
        self.count = 0
        self.aside = 0

    def __iter__(self) -> Iterator[bytes]:
        """Each line with its end; of one that is longer than `most`, `most` + 1 bytes. Raises: ConfigurationError."""
        while raw := self._file.readline(self._most + 1):
            self.count += 1
            rest = raw
            while len(rest) > self._most and not rest.endswith(b"\n"):
                rest = self._file.readline(self._most + 1)
            yield as_utf8(raw, "file") if self.count == 1 else raw


def as_utf8(raw: bytes, what: str) -> bytes:
    """The beginning of a text without a byte order mark. Raises: ConfigurationError where it is UTF-16 or UTF-32."""
    if raw.startswith(_WIDE) or b"\0" in raw[:1024]:
        raise ConfigurationError(f"the {what}: is UTF-16 or UTF-32, or no text; save it as UTF-8")
    return raw.removeprefix(_BOM)
