"""Webhook signatures: the body's HMAC-SHA256 under a secret that GitHub and we share.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hmac
import re
from collections.abc import Iterable

from ghsync.errors import SignatureMismatch

HEADER = "x-hub-signature-256"

# hmac.compare_digest would not mind upper case on both sides; GitHub sends exactly this, so nothing else is GitHub.
SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")


def verify(body: bytes, header: str | None, secrets: Iterable[bytes]) -> None:
    """Raise `SignatureMismatch` unless one of the secrets signed the body.

    Every secret is tried, so that the time taken does not tell which of them did.
    """
    given = digest(header)
    signed = False
    for secret in secrets:
        signed |= hmac.compare_digest(hmac.new(secret, body, "sha256").digest(), given)
    if not signed:
        raise SignatureMismatch("The body is not signed with a secret known here: check GHSYNC_WEBHOOK_SECRETS.")


def digest(header: str | None) -> bytes:
    """The digest in a signature header; `SignatureMismatch` says what is wrong with any other header."""
    if header is None:
        raise SignatureMismatch("X-Hub-Signature-256 is missing: give the webhook a secret.")
    well_formed = SIGNATURE.fullmatch(header)
    if not well_formed:
        raise SignatureMismatch(_complaint(header))
    return bytes.fromhex(well_formed[1])


def _complaint(header: str) -> str:
    if "," in header:
        return "X-Hub-Signature-256 came more than once."
    if header.startswith("sha1="):
        return "X-Hub-Signature-256 holds a SHA-1 signature, which is not accepted."
    return "X-Hub-Signature-256 is not `sha256=` and 64 lower-case hexadecimal digits."
