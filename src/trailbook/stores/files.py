"""What only a store in one file can do: be copied while it is written to, and say which schema it has.

Owns these two capabilities. A store that lacks one is asked for nothing of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Copies(Protocol):
    """What a store in one file can do besides: be copied while it is written to."""

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """Copy everything as it is now to a new file; `progress` gets pages done and in all. Raises: StoreError."""


@runtime_checkable
class Filed(Protocol):
    """What a store in one file can say of itself."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def fit(self) -> bool:
        """False once a write of this process failed below the engine: it writes no more."""

    def schema(self) -> tuple[int, int]:
        """The schema that the file has now, and the one that this Trailbook knows. Raises: StoreError."""
