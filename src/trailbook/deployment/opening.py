"""Opening: from the URL of a store to an open deployment, with its secrets and its signing keys.

Owns the order of these. Refuses to make anything unless it is asked to begin a new log.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from trailbook.clock import Clock, Entropy, utc_now
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.locations import Locations, locations_of
from trailbook.deployment.secrets import (
    ORIGIN,
    NamedKeyring,
    fresh_keys,
    kept_keys,
    kept_signing,
    make_folder,
    refuse_a_lost_log,
)
from trailbook.deployment.settings import DEFAULT_SIGNS, Settings, Signs, read_settings
from trailbook.errors import TrailbookError
from trailbook.log import Keys
from trailbook.model import EARLIEST
from trailbook.outgoing import parse_place
from trailbook.proofs import Signing, keyring_of, parse_witness
from trailbook.stores import open_store, store_file

_MEMORY = "memory:"  # keeps nothing, so that its secrets are made anew each time


def open_deployment(
    url: str,
    *,
    keys: Keys | None = None,
    create: bool = False,
    folders: Sequence[Path] = (),
    clock: Clock = utc_now,
    entropy: Entropy = secrets.token_bytes,
    signs: Signs = DEFAULT_SIGNS,
    secrets_directory: Path | None = None,
    watched: bool = True,
    earliest: datetime = EARLIEST,
    timezone: str = "UTC",
) -> Deployment:
    """Open the store of a URL with its secrets; `create` makes what is missing, signing keys included.

    `secrets_directory`: where the keys file and the signing keys lie; without it beside the store's file.
    `watched`: reading is an entry too; without it nobody learns who read, as in a benchmark of reading alone.
    `earliest`: entries about what happened before are refused. `timezone`: that of organisations that set none.
    Raises: ConfigurationError, NotFoundError, StoreError.
    """
    locations = Locations(store=url, secrets_directory=secrets_directory, signing_key=signs.folder)
    file = store_file(url)
    if file is not None and keys is None:
        refuse_a_lost_log(file, locations.keys_file(), create=create)
    store, registry = open_store(url, create=create)
    # Beside a log that has entries, other secrets would break its cursors and replays in silence.
    begins = create and not store.orgs()
    if begins and secrets_directory is not None:
        make_folder(secrets_directory)
    if keys is None:
        keys = (
            fresh_keys(entropy)
            if url == _MEMORY
            else kept_keys(locations.keys_file(), entropy, create=begins)
        )
    signing = _signing(locations, signs, clock=clock, entropy=entropy, create=begins)
    return Deployment(
        store,
        registry,
        keys,
        folders=folders,
        clock=clock,
        entropy=entropy,
        signing=signing,
        watched=watched,
        earliest=earliest,
        timezone=timezone,
        url=url,
    )


def open_configured(settings: Settings | None = None, *, create: bool = False) -> Deployment:
    """Open the log that settings name as the command line and the server do; without any, those of this folder.

    These are `trailbook.toml` and the variables `TRAILBOOK_*`: origin, keys, catalogue and outside file are theirs.
    Raises: ConfigurationError, CatalogueError, NotFoundError, StoreError.
    """
    if settings is None:
        settings = read_settings({}, file=None, environ=os.environ, folder=Path())
    locations = locations_of(settings)
    deployment = open_deployment(
        settings.store,
        keys=_keys(settings),
        create=create,
        folders=[Path(folder) for folder in settings.catalogue],
        signs=Signs(
            origin=settings.origin,
            folder=locations.signing_key,
            outside=None if settings.outside_file is None else Path(settings.outside_file),
            timestamp_urls=settings.timestamp_urls,
            witnesses=tuple(map(parse_witness, settings.witnesses)),
            places=tuple(map(parse_place, settings.outgoing_private)),
        ),
        secrets_directory=locations.secrets_directory,
        earliest=datetime.fromisoformat(f"{settings.earliest}T00:00:00+00:00"),
        timezone=settings.timezone,
    )
    try:
        for lang in settings.languages:
            deployment.catalogue.language(lang)
    except TrailbookError:
        deployment.close()
        raise
    return deployment


def _keys(settings: Settings) -> Keys | None:
    if settings.secret_key is None or settings.organisation_key is None:
        return None
    return Keys(bytes.fromhex(settings.secret_key), bytes.fromhex(settings.organisation_key))


def _signing(
    locations: Locations, signs: Signs, *, clock: Clock, entropy: Entropy, create: bool
) -> Signing | None:
    """How heads are signed; None where there are no keys and none are to be made."""
    folder = None
    if locations.store == _MEMORY and signs.folder is None:
        named = NamedKeyring(signs.origin or ORIGIN, keyring_of({"log": entropy(32), "cosign": entropy(32)}))
    else:
        folder = locations.signing_folder()
        if not folder.exists() and not create:
            return None
        named = kept_signing(folder, signs.origin, entropy)
    return Signing(
        keyring=named.keyring,
        origin=named.origin,
        clock=clock,
        outside=signs.outside,
        timestamp_urls=signs.timestamp_urls,
        folder=folder,
        witnesses=signs.witnesses,
        places=signs.places,
    )
