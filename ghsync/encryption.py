"""Encryption of secrets in the database, with keys that can be rotated.

https://cryptography.io/en/latest/fernet/#cryptography.fernet.MultiFernet
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from ghsync.errors import NotConfigured

State = Literal["newest", "older", "unreadable"]
"""Which key a token is under: the first, another one, or none of ours."""


class Encryption:
    """The keys of GHSYNC_ENCRYPTION_KEYS: the first encrypts, all decrypt. Every error is `NotConfigured`."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        try:
            fernets = [Fernet(key.get_secret_value()) for key in keys]
        except ValueError:
            raise NotConfigured(
                "GHSYNC_ENCRYPTION_KEYS is wrong: a key is 32 random bytes in URL-safe base64, "
                "for instance from `openssl rand -base64 32 | tr +/ -_`."
            ) from None
        self._fernets = fernets
        self._keys = MultiFernet(fernets) if fernets else None

    def encrypt(self, text: str) -> str:
        """A token that only our keys read."""
        return self._configured().encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text in a token."""
        keys = self._configured()
        try:
            return keys.decrypt(token).decode()
        except InvalidToken:
            raise _unreadable() from None

    def rotate(self, token: str) -> str:
        """The same text under the first key, for the day the others are taken away."""
        keys = self._configured()
        try:
            return keys.rotate(token).decode()
        except InvalidToken:
            raise _unreadable() from None

    def state(self, token: str) -> State:
        """Which key the token is under."""
        self._configured()
        for place, key in enumerate(self._fernets):
            with suppress(InvalidToken):
                key.decrypt(token)
                return "older" if place else "newest"
        return "unreadable"

    def _configured(self) -> MultiFernet:
        if self._keys is None:
            raise NotConfigured(
                "GHSYNC_ENCRYPTION_KEYS is not set, and secrets in the database need a key: "
                "`openssl rand -base64 32 | tr +/ -_` makes one."
            )
        return self._keys


def _unreadable() -> NotConfigured:
    return NotConfigured(
        "GHSYNC_ENCRYPTION_KEYS lacks the key that a secret in the database was encrypted with: put it back."
    )
