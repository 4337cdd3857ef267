"""Where that lies which belongs to a log and is no entry of it: secrets, signing keys, exports, the server's lock.

Owns that a setting says so, and that what nobody set lies beside the file of a store that is one. Refuses to guess:
nothing lies beside a store that is no file, and the error names the setting that has to say where.
"""

from pathlib import Path

from msgspec import Struct

from trailbook.deployment.settings import Settings
from trailbook.errors import ConfigurationError
from trailbook.stores import store_file

_NAME = "trailbook"  # of what belongs to a store that has no file to be called after


class Locations(Struct, frozen=True, kw_only=True):
    """The places of one log: the URL of its store, and what is set; each place is worked out when it is asked for."""

    store: str
    secrets_directory: Path | None = None
    signing_key: Path | None = None
    export_directory: Path | None = None
    lock: Path | None = None

    def keys_file(self) -> Path:
        """The file of the secrets. Raises: ConfigurationError."""
        return self._within(self.secrets_directory, "secrets_directory", ".keys")

    def signing_folder(self) -> Path:
        """The folder of the signing keys. Raises: ConfigurationError."""
        return self.signing_key or self._within(self.secrets_directory, "secrets_directory", ".signing")

    def export_folder(self) -> Path:
        """The folder of exports that were ordered, until they expire. Raises: ConfigurationError."""
        return self.export_directory or self._within(None, "export_directory", ".exports")

    def lock_file(self) -> Path:
        """The file by which a server holds the log. Raises: ConfigurationError."""
        return self.lock or self._within(None, "lock_file", ".serving")

    def _within(self, folder: Path | None, setting: str, end: str) -> Path:
        file = store_file(self.store)
        if folder is None and file is None:
            raise ConfigurationError(f"{setting}: has to be set: nothing lies beside a store that is no file")
        name = _NAME if file is None else file.name
        return (folder or (file or Path()).parent) / f"{name}{end}"


def locations_of(settings: Settings) -> Locations:
    """The places that settings name."""
    return Locations(
        store=settings.store,
        secrets_directory=_path(settings.secrets_directory),
        signing_key=_path(settings.signing_key),
        export_directory=_path(settings.export_directory),
        lock=_path(settings.lock_file),
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
