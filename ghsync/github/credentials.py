"""Who asks GitHub: the App itself, one of its installations, or a person's token."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ghsync.errors import NotConfigured
from ghsync.settings import Settings

NOBODY = "Nothing may read GitHub's API yet: set GHSYNC_APP_ID and GHSYNC_PRIVATE_KEY_PATH, or GHSYNC_TOKEN."
"""What to do where there is no credential."""

DRIFT, VALID = timedelta(minutes=1), timedelta(minutes=8)
"""How long ago the App's token says it was signed, and how long it is good."""

LONGEST = timedelta(minutes=10)
"""How long GitHub lets one be good yet."""


LONGEST_PATH = 255
"""Of what is quoted as a path; a key is some 1,700 characters."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One who has a rate limit of their own at GitHub; ``key`` names it in the database."""

    kind: Literal["app", "installation", "token"]
    key: str
    installation: int | None = None


def fingerprint(token: str) -> str:
    """What tells tokens apart without telling them."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


class App:
    """The GitHub App of the settings, and what its key signs."""

    def __init__(self, app_id: str, key: RSAPrivateKey) -> None:
        self.credential = Credential("app", f"app:{app_id}")
        self._id = app_id
        self._key = key

    def jwt(self, now: datetime) -> str:
        """A token that proves to be the App, for some minutes from ``now`` on by GitHub's clock.

        https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
        """
        claims = {"iss": self._id, "iat": int((now - DRIFT).timestamp()), "exp": int((now + VALID).timestamp())}
        return jwt.encode(claims, self._key, algorithm="RS256")

    def is_timely(self, token: str, now: datetime) -> bool:
        """Whether one of its tokens is good at a time of GitHub's clock."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return bool(claims["iat"] <= now.timestamp() <= claims["exp"] <= (now + LONGEST).timestamp())


def app(settings: Settings) -> App | None:
    """The App, if one is set up; `NotConfigured` when only half of it is."""
    key = _private_key(settings)
    if settings.app_id is None and key is None:
        return None
    if settings.app_id is None:
        raise NotConfigured("GHSYNC_APP_ID is not set: the App's page on GitHub shows it under About.")
    if key is None:
        raise NotConfigured(
            "Neither GHSYNC_PRIVATE_KEY nor GHSYNC_PRIVATE_KEY_PATH is set: "
            "generate a private key on the App's page on GitHub."
        )
    return App(settings.app_id, key)


def personal(settings: Settings) -> Credential | None:
    """The credential of GHSYNC_TOKEN."""
    if settings.token is None:
        return None
    return Credential("token", f"token:{fingerprint(settings.token.get_secret_value())}")


def _private_key(settings: Settings) -> RSAPrivateKey | None:
    """The App's key; a PEM in one line, with ``\\n`` in it or as base64, as some environments want, is understood."""
    if settings.private_key is not None:
        return _loaded(settings.private_key.get_secret_value().replace("\\n", "\n"), "GHSYNC_PRIVATE_KEY")
    if settings.private_key_path is None:
        return None
    try:
        text = settings.private_key_path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        if _may_be_a_key(str(settings.private_key_path)):
            raise NotConfigured(
                f"GHSYNC_PRIVATE_KEY_PATH is no path ({reason}): the key's own text goes into GHSYNC_PRIVATE_KEY."
            ) from None
        raise NotConfigured(
            f"GHSYNC_PRIVATE_KEY_PATH, {settings.private_key_path}, cannot be read ({reason}): "
            "give the path of the .pem that GitHub made for the App."
        ) from None
    return _loaded(text, "GHSYNC_PRIVATE_KEY_PATH")


def _may_be_a_key(path: str) -> bool:
    """Whether what should be a path may be the key itself, or the base64 of it, so that it must not be told."""
    return len(path) > LONGEST_PATH or "-----BEGIN" in path or "\n" in path


def _pem(text: str) -> bytes:
    """The PEM itself, which may have been given as its base64."""
    content = text.strip().encode()
    if b"-----BEGIN" in content:
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError:
        return content


@lru_cache(maxsize=2)
def _loaded(pem: str, setting: str) -> RSAPrivateKey:
    """The key in a PEM, read once: to check one takes longer than to ask GitHub."""
    try:
        key = load_pem_private_key(_pem(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise NotConfigured(
            f"{setting} holds no private key that can be read: it is the whole .pem file that GitHub made, "
            "from the line BEGIN to the line END."
        )
    return key
