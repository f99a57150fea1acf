"""What the App and people prove themselves with, and what deliveries are signed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from ghsync.simulator.account import Account

KEY_BITS = 2048


@dataclass(frozen=True)
class Keys:
    """The public half of the App's key, the secret of its hook, and whose personal token is which.

    A token has all scopes, unless these are said.
    """

    public_key: rsa.RSAPublicKey
    webhook_secret: str
    personal_tokens: Mapping[str, Account] = field(default_factory=dict)
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)


def new_private_key() -> str:
    """A new private key for an App, in the PEM that GitHub hands out."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def public_key(private_key: str) -> rsa.RSAPublicKey:
    """The public half of a private key in PEM."""
    return loaded(private_key).public_key()


@cache
def loaded(private_key: str) -> rsa.RSAPrivateKey:
    """A private key in PEM, read once: whether its primes are prime is checked for 40 ms."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an App's key is an RSA key")
    return key
