"""Signing keys in files: made once, rotated, read by their owner alone, never shown."""

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.proofs import keep_origin, keyring_of, new_keys, open_keyring, origin_in
from trailbook.proofs.keyring import renewed
from trailbook.testing import Steady
from trailbook.tree import COSIGNATURE, ED25519, verifier_of


def test_keys_are_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    new_keys(tmp_path / "signing", Steady(1))
    for file in (tmp_path / "signing").glob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        with pytest.raises(ConfigurationError, match="others can read"):
            open_keyring(tmp_path / "signing")
        file.chmod(0o600)
    assert open_keyring(tmp_path / "signing").current_id("x")


def test_keys_are_never_overwritten_and_never_shown(tmp_path: Path) -> None:
    keyring = new_keys(tmp_path / "signing", Steady(1))
    with pytest.raises(ConfigurationError, match="rotate"):
        new_keys(tmp_path / "signing", Steady(2))
    with pytest.raises(ConfigurationError, match="no keys"):
        new_keys(tmp_path / "nothing", Steady(2), rotate=True)
    with pytest.raises(NotFoundError):
        open_keyring(tmp_path / "nothing")
    assert keyring.signers("x")[0].seed.hex() not in repr(keyring.signers("x"))
    (tmp_path / "signing" / "log-0001.key").write_text("trailbook-signing-key-v1 AAAA\n")
    with pytest.raises(ConfigurationError, match="is not a signing key"):
        open_keyring(tmp_path / "signing")


def test_both_keys_sign_under_the_name_of_an_origin(tmp_path: Path) -> None:
    keyring = new_keys(tmp_path / "signing", Steady(1))
    signers = keyring.signers("log.example/acme")
    assert [(key.name, key.alg) for key in signers] == [
        ("log.example/acme", ED25519),
        ("log.example/acme", COSIGNATURE),
    ]
    assert keyring.verifiers("log.example/acme") == tuple(verifier_of(key) for key in signers)
    assert keyring.current_id("log.example/acme") != keyring.current_id("log.example/other")


def test_after_rotation_new_keys_sign_and_every_old_one_verifies(tmp_path: Path) -> None:
    """An old private key may go; what it signed can be verified for ever."""
    folder = tmp_path / "signing"
    old = new_keys(folder, Steady(1))
    new = new_keys(folder, Steady(2), rotate=True)
    assert old.seeds != new.seeds
    assert open_keyring(folder) == new
    for use in ("log", "cosign"):
        assert new.publics[use][:-1] == old.publics[use]
        (folder / f"{use}-0001.key").unlink()
    left = open_keyring(folder)
    assert (left.seeds, left.publics) == (new.seeds, new.publics)
    assert left.signers("x", (0, 1)) == new.signers("x", (1,)) == new.signers("x")
    assert new.signers("x", (0, 1)) == old.signers("x") + new.signers("x")
    assert set(old.verifiers("x")) < set(new.verifiers("x"))
    assert new.current_id("x") != old.current_id("x")


def test_a_keyring_of_seeds_is_that_of_the_files_they_stand_in(tmp_path: Path) -> None:
    kept = new_keys(tmp_path / "signing", Steady(1))
    assert keyring_of(kept.seeds) == kept
    assert keyring_of({**kept.seeds, "log": bytes(32)}) != kept


def test_the_origin_is_kept_beside_the_keys(tmp_path: Path) -> None:
    assert origin_in(tmp_path) is None
    keep_origin(tmp_path, "log.example")
    assert origin_in(tmp_path) == "log.example"


def test_the_folders_above_the_keys_are_made(tmp_path: Path) -> None:
    """Where a setting says so, as those of secrets and exports are."""
    folder = tmp_path / "etc" / "signing"
    new_keys(folder, Steady(1))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_pair_is_there_once_both_public_files_are_and_what_a_crash_left_is_written_over(
    tmp_path: Path,
) -> None:
    """After each file that it wrote: until the last one the old pair signs, and rotating goes again."""
    whole = tmp_path / "whole"
    old = new_keys(whole, Steady(1))
    before = {file.name for file in whole.iterdir()}
    new = new_keys(whole, Steady(2), rotate=True)
    order = [f"{use}-0002.{end}" for use in ("cosign", "log") for end in ("key", "pub")]
    assert before | set(order) == {file.name for file in whole.iterdir()}
    for count in range(len(order) + 1):
        folder = tmp_path / str(count)
        shutil.copytree(whole, folder)
        for name in order[count:]:
            (folder / name).rename(folder / f"{name}.part")
        died_last = count == len(order)
        assert open_keyring(folder) == (new if died_last else old)
        assert renewed(old, folder) == (new if died_last else old)
        again = new_keys(folder, Steady(3), rotate=True)
        assert len(again.publics["log"]) == (3 if died_last else 2)
        assert open_keyring(folder) == again


def test_first_keys_that_a_crash_left_half_made_are_made_again(tmp_path: Path) -> None:
    new_keys(tmp_path, Steady(1))
    (tmp_path / "log-0001.pub").unlink()
    with pytest.raises(ConfigurationError, match="no keys to rotate"):
        new_keys(tmp_path, Steady(2), rotate=True)
    made = new_keys(tmp_path, Steady(2))
    assert open_keyring(tmp_path) == made == keyring_of(made.seeds)


def test_two_that_rotate_at_once_make_two_whole_pairs(tmp_path: Path) -> None:
    new_keys(tmp_path, Steady(1))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: new_keys(tmp_path, Steady(seed), rotate=True), range(2, 6)))
    ring = open_keyring(tmp_path)
    for pair in range(5):
        log, second = ring.signers("x", (pair,))
        publics = (ring.publics["log"][pair], ring.publics["cosign"][pair])
        assert (verifier_of(log).key, verifier_of(second).key) == publics


def test_a_keyring_is_read_again_only_where_there_is_a_newer_pair(tmp_path: Path) -> None:
    old = new_keys(tmp_path, Steady(1))
    assert renewed(old, tmp_path) is old
    assert renewed(old, None) is old
    new = new_keys(tmp_path, Steady(2), rotate=True)
    assert renewed(old, tmp_path) == new
    assert renewed(old, None) is old


def test_new_keys_belong_to_whoever_has_the_folder(tmp_path: Path) -> None:
    """A command run as root, beside a server that is not: it has to read what was made for it."""
    folder = tmp_path / "signing"
    new_keys(folder, Steady(1))
    if os.geteuid() == 0:
        os.chown(folder, 65_534, 65_534)
    new_keys(folder, Steady(2), rotate=True)
    made = [file.stat().st_uid for file in folder.iterdir() if "0002" in file.name]
    assert made == [folder.stat().st_uid] * 4
