"""Saved views as an engine keeps them, and what each viewer does with them.

Owns the rows and the promise that a name is one viewer's once. Refuses to know what a filter means: it is bytes here,
and `trailbook.administration.views` reads them.
"""

import threading
from typing import Protocol

from msgspec import Struct, structs


class SavedView(Struct, frozen=True, kw_only=True, rename={"filter": "asked"}):  # as engines name its column
    """A filter, in JSON, with a name; `owner` is `type/id`, `created_at` microseconds since 1970."""

    id: str
    org: str
    owner: str
    name: str
    shared: bool
    filter: bytes
    created_at: int


class Choice(Struct, frozen=True, kw_only=True):
    """What a viewer does with a view, saved or ready: begins with it, is told of new entries from `seen` on."""

    org: str
    viewer: str
    view: str
    default: bool = False
    alert: bool = False
    seen: int = 0


class Views(Protocol):
    """Keeps saved views and choices, each organisation apart from every other."""

    def of(self, org: str, viewer: str) -> list[SavedView]:
        """A viewer's own views and those that are shared, by name and id."""

    def every(self, org: str) -> list[SavedView]:
        """All views of an organisation, by id."""

    def get(self, org: str, id_: str) -> SavedView | None:
        """The view of an organisation with this id, or None."""

    def put(self, view: SavedView, most: int) -> bool:
        """Keep a view, in place of the one of its id; False, and nothing is kept, beyond `most` of one owner.

        Raises: ValueError, and nothing is kept, when the owner has another of that name.
        """

    def drop(self, org: str, id_: str) -> None:
        """Remove a view and everybody's choices of it, so that nothing of it can be read from the files."""

    def forget(self, org: str, viewer: str) -> int:
        """Remove a viewer's own views as `drop` does, and what they chose; how many views there were."""

    def choices(self, org: str, viewer: str) -> list[Choice]:
        """What a viewer chose, by view."""

    def choose(self, choice: Choice) -> None:
        """Keep a choice in place of the former one of that viewer and view; one default unmakes the others."""


class MemoryViews:
    """`Views` that are forgotten when the process ends."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str], SavedView] = {}
        self._choices: dict[tuple[str, str, str], Choice] = {}
        self._lock = threading.Lock()

    def of(self, org: str, viewer: str) -> list[SavedView]:
        views = (v for v in self._views.values() if v.org == org and (v.owner == viewer or v.shared))
        return sorted(views, key=lambda view: (view.name, view.id))

    def every(self, org: str) -> list[SavedView]:
        return sorted((v for v in self._views.values() if v.org == org), key=lambda view: view.id)

    def get(self, org: str, id_: str) -> SavedView | None:
        return self._views.get((org, id_))

    def put(self, view: SavedView, most: int) -> bool:
        with self._lock:
            own = [v for v in self._views.values() if (v.org, v.owner) == (view.org, view.owner)]
            others = [other for other in own if other.id != view.id]
            if any(other.name == view.name for other in others):
                raise ValueError("the name is taken")
            if len(others) >= most:
                return False
            self._views[view.org, view.id] = view
            return True

    def drop(self, org: str, id_: str) -> None:
        with self._lock:
            self._views.pop((org, id_), None)
            for key in [key for key in self._choices if (key[0], key[2]) == (org, id_)]:
                del self._choices[key]

    def forget(self, org: str, viewer: str) -> int:
        own = [view.id for view in self.every(org) if view.owner == viewer]
        for id_ in own:
            self.drop(org, id_)
        with self._lock:
            for key in [key for key in self._choices if key[:2] == (org, viewer)]:
                del self._choices[key]
        return len(own)

    def choices(self, org: str, viewer: str) -> list[Choice]:
        return sorted(
            (c for c in self._choices.values() if (c.org, c.viewer) == (org, viewer)), key=lambda c: c.view
        )

    def choose(self, choice: Choice) -> None:
        with self._lock:
            if choice.default:
                for key, other in self._choices.items():
                    if key[:2] == (choice.org, choice.viewer):
                        self._choices[key] = structs.replace(other, default=False)
            self._choices[choice.org, choice.viewer, choice.view] = choice
