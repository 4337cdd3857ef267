"""A file that is never kept: what is written is taken away piece by piece, by whoever sends it on.

Owns what archives and tables need of a file that cannot be sought. Refuses to hold more than nobody took yet.
"""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Sink(io.RawIOBase):
    """Takes writes; `taken` gives what came since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, content: "ReadableBuffer", /) -> int:
        piece = bytes(content)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """Everything written since the last time."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content
