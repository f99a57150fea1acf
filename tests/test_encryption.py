"""Encryption: keys can be rotated without losing a secret."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from ghsync.encryption import Encryption
from ghsync.errors import NotConfigured

OLD, NEW = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))


def test_what_was_encrypted_can_be_decrypted() -> None:
    encryption = Encryption([NEW])
    token = encryption.encrypt("hunter2 \N{SNOWMAN}")
    assert "hunter2" not in token
    assert encryption.decrypt(token) == "hunter2 \N{SNOWMAN}"


def test_an_old_key_still_decrypts_after_a_new_one_is_put_first() -> None:
    token = Encryption([OLD]).encrypt("hunter2")
    assert Encryption([NEW, OLD]).decrypt(token) == "hunter2"


def test_a_rotated_token_needs_the_new_key_only() -> None:
    token = Encryption([NEW, OLD]).rotate(Encryption([OLD]).encrypt("hunter2"))
    assert Encryption([NEW]).decrypt(token) == "hunter2"


def test_without_keys_the_setting_is_named() -> None:
    with pytest.raises(NotConfigured, match="GHSYNC_ENCRYPTION_KEYS is not set"):
        Encryption([]).encrypt("hunter2")


@pytest.mark.parametrize("key", ["short", "\N{SNOWMAN}", "!" * 44])
def test_a_wrong_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(NotConfigured, match="GHSYNC_ENCRYPTION_KEYS is wrong") as refused:
        Encryption([SecretStr(key)])
    assert key not in str(refused.value)


@pytest.mark.parametrize("act", [Encryption.decrypt, Encryption.rotate])
def test_a_missing_key_is_asked_for(act) -> None:
    token = Encryption([OLD]).encrypt("hunter2")
    with pytest.raises(NotConfigured, match="put it back"):
        act(Encryption([NEW]), token)


def test_it_is_told_under_which_key_a_secret_is() -> None:
    encryption = Encryption([NEW, OLD])
    stray = SecretStr(Fernet.generate_key().decode())
    states = [encryption.state(Encryption([key]).encrypt("hunter2")) for key in (NEW, OLD, stray)]
    assert states == ["newest", "older", "unreadable"]
