"""Keys that sign and keys that are trusted."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from workbench.certificates import key_pair, keys_folder, trusted_keys
from workbench.errors import CertificateError


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first, second = key_pair(tmp_path / "keys"), key_pair(tmp_path / "keys")
    private = tmp_path / "keys" / "signing.key"
    assert first.id == second.id
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["public", "signing.key"]
    assert list(trusted_keys(tmp_path / "keys" / "public")) == [first.id]


def test_processes_that_begin_at_once_get_the_same_key(tmp_path: Path) -> None:

    with multiprocessing.get_context("spawn").Pool(4) as pool:
        ids = pool.map(made_in, [str(tmp_path / "keys")] * 4)
    assert len(set(ids)) == 1


def made_in(folder: str) -> str:
    return key_pair(Path(folder)).id


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o610])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    key_pair(tmp_path)
    (tmp_path / "signing.key").chmod(mode)
    with pytest.raises(CertificateError, match=rf"others may use this private key \(mode {mode:o}\)"):
        key_pair(tmp_path)


def test_a_key_behind_a_link_is_refused(tmp_path: Path) -> None:
    key_pair(tmp_path / "there")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "signing.key").symlink_to(tmp_path / "there" / "signing.key")
    with pytest.raises(CertificateError, match="cannot be used"):
        key_pair(tmp_path / "here")


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "\0" * 99]
)
def test_what_is_no_key_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "signing.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CertificateError, match="expected a private key in PEM"):
        key_pair(tmp_path)


def test_keys_that_others_may_write_are_not_trusted(tmp_path: Path) -> None:
    pair = key_pair(tmp_path)
    pair.public_file.chmod(0o666)
    with pytest.raises(CertificateError, match="others may write here"):
        trusted_keys(tmp_path / "public")
    pair.public_file.chmod(0o644)
    (tmp_path / "public").chmod(0o777)
    with pytest.raises(CertificateError, match="others may write here"):
        trusted_keys(tmp_path / "public")


def test_no_folder_means_no_trust(tmp_path: Path) -> None:
    assert trusted_keys(tmp_path / "nowhere") == {}


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path))
    assert keys_folder() == tmp_path
    monkeypatch.delenv("WORKBENCH_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ana/.settings")
    assert keys_folder() == Path("/home/ana/.settings/workbench/keys")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/ana")
    assert keys_folder() == Path("/home/ana/.config/workbench/keys")
