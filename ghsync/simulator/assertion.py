"""The JSON web token with which an App says who it is.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any, TypeGuard

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ghsync.simulator.app import App
from ghsync.simulator.refusals import Refused

LONGEST_SECONDS = 600

UNDECODABLE = "A JSON web token could not be decoded"
BAD_EXPIRY = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion"
    " expires"
)
TOO_LONG = "'Expiration time' claim ('exp') is too far in the future"
BAD_ISSUE = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
NO_ISSUER = "Missing 'issuer' claim ('iss') in assertion"


def check(token: str, app: App, key: RSAPublicKey, now: datetime) -> None:
    """Raise `Refused` unless the token is the App's, signed with its key, and good at this time."""
    claims = _verified(token, key)
    seconds = now.timestamp()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_number(expires) or expires <= seconds:
        raise Refused(401, BAD_EXPIRY)
    if expires > seconds + LONGEST_SECONDS:
        raise Refused(401, TOO_LONG)
    if not _is_number(issued) or issued > seconds:
        raise Refused(401, BAD_ISSUE)
    if "iss" not in claims:
        raise Refused(401, NO_ISSUER)
    if str(claims["iss"]) not in (str(app.id), app.client_id):
        raise Refused(404, "Integration not found")


def _verified(token: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims of a token with a good signature."""
    try:
        head, body, signature = token.split(".")
        if _object(head).get("alg") != "RS256":
            raise Refused(401, UNDECODABLE)
        key.verify(_bytes(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        return _object(body)
    except (ValueError, InvalidSignature) as error:
        raise Refused(401, UNDECODABLE) from error


def _object(part: str) -> dict[str, Any]:
    found = json.loads(_bytes(part))
    if not isinstance(found, dict):
        raise ValueError("a part of a token is an object")
    return found


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("a part of a token is base64") from error


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
