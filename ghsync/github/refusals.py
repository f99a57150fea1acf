"""What GitHub's answers mean when they are not what was asked for, said once.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

import math
import re
from dataclasses import dataclass

import msgspec

from ghsync.errors import (
    AccessLost,
    BadCredentials,
    GhsyncError,
    GitHubUnavailable,
    Gone,
    Moved,
    NotFound,
    PermissionMissing,
    RedirectedToItself,
    RefusedByGitHub,
    Suspended,
    SwitchedOff,
    UnavailableForLegalReasons,
)
from ghsync.github import decoding
from ghsync.github.budget import RateLimit
from ghsync.github.clock import moment
from ghsync.github.credentials import Credential
from ghsync.github.reply import Reply

LONGEST_PAUSE_SECONDS = 24 * 3600.0
"""Seconds that one answer may ask for: GitHub's own limits end within an hour, and a header may be wrong."""

LARGEST = 2**31 - 1
"""More requests than anybody has: PostgreSQL holds no larger integer."""

UNKNOWN = {
    "app": "GitHub knows no such app: GHSYNC_APP_ID or GHSYNC_API_URL is wrong.",
    "token": "GitHub knows no such token: GHSYNC_TOKEN or GHSYNC_API_URL is wrong.",
}
"""What to do where GitHub does not know who asks, by the kind of the credential."""

REDIRECTS = (301, 302, 307, 308)

TOO_FEW_POINTS = 100
"""A query may be refused although some points are left: it would cost more. None of ghsync's costs as much as this."""

_CLOCK = re.compile(r"'(issued at|expiration time)' claim", re.IGNORECASE)
_LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)
_SECONDARY = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_SUSPENDED = re.compile(r"installation .*suspended", re.IGNORECASE)
_SWITCHED_OFF = re.compile(r"(alerts|scanning|(advanced|code) security)\b.*\b(dis|en)abled", re.IGNORECASE)
_LACKS_PERMISSION = re.compile(r"not accessible by|must have admin rights|insufficient scopes?", re.IGNORECASE)

_PERMISSION = re.compile(r"(\w+)=")

_TOKENS = "on GitHub under Settings, Developer settings, Personal access tokens"

_NOT_ACCEPTED = {
    "app": "the App's key{said}: it was revoked, or GHSYNC_APP_ID is another App's; "
    "generate a new private key on the App's page",
    "installation": "the token that it made for the App's installation{said}: it was revoked; "
    "`ghsync doctor` tells whether the App is in order",
    "token": f"GHSYNC_TOKEN{{said}}: it was revoked, has expired or is not whole; make a new one {_TOKENS}",
}
_LACKING = {
    "app": ("The App", "grant it on the App's page"),
    "installation": ("The App", "grant it on the App's page, and accept it where the App is installed"),
    "token": ("GHSYNC_TOKEN", f"give it to the token {_TOKENS}"),
}
"""What to do, by the kind of the credential."""


class _Body(msgspec.Struct, frozen=True):
    message: str = ""
    block: object = None


_decoder = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class LimitRefusal:
    """A rate limit refused the request; ``seconds`` is None where nothing says how long to wait.

    ``secondary`` limits hold for everything that the credential asks.
    """

    secondary: bool
    seconds: float | None


def limited(reply: Reply, said: str | None = None) -> LimitRefusal | None:
    """Whether a rate limit refused it; ``said`` is GraphQL's sentence about a limit, which has status 200.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    asked_to_wait = retry_after(reply)
    if asked_to_wait is not None and (reply.status in (403, 429, 503) or said):
        return LimitRefusal(True, asked_to_wait)
    why = said or message(reply)
    counts, secondary = told(reply, "core"), bool(_SECONDARY.search(why))
    used_up = counts is not None and counts.remaining == 0 and not _is_denial(reply, why)
    if reply.status == 429 or said or (reply.status == 403 and (used_up or _LIMITED.search(why))):
        enough = TOO_FEW_POINTS if said and not secondary else 1
        if counts is not None and counts.remaining < enough:
            return LimitRefusal(secondary, counts.seconds_left)
        return LimitRefusal(True, None)
    return None


def _is_denial(reply: Reply, said: str) -> bool:
    """Whether a 403 says itself that it is no limit: the last request of a window may be denied as any other."""
    return bool(
        _SUSPENDED.search(said)
        or _LACKS_PERMISSION.search(said)
        or "access blocked" in said.lower()
        or _body(reply).block is not None
    )


def retry_after(reply: Reply) -> float | None:
    """Seconds that a Retry-After header asks for; servers in between may send a date.

    Who asks for more than `LONGEST_PAUSE_SECONDS` is asked again then.
    """
    header = reply.headers.get("retry-after", "").strip()
    try:
        seconds = float(header) if header else None
    except ValueError:
        until, now = moment(header), moment(reply.headers.get("date"))
        seconds = (until - now).total_seconds() if until and now else None
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE_SECONDS)


def told(reply: Reply, resource: str) -> RateLimit | None:
    """What the answer's headers tell of a limit; None on a server without limits."""
    now = moment(reply.headers.get("date"))
    try:
        limit, remaining, reset = (
            int(reply.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
        )
    except (KeyError, ValueError):
        return None
    if not (0 <= limit <= LARGEST and 0 <= remaining <= LARGEST):
        return None
    seconds_left = reset - int((now or reply.observed_at).timestamp())
    named = reply.headers.get("x-ratelimit-resource", resource)
    return RateLimit(named, limit, remaining, max(0.0, min(seconds_left, LONGEST_PAUSE_SECONDS)))


def message(reply: Reply) -> str:
    """GitHub's sentence, or nothing where the body has none."""
    return _body(reply).message


def error(reply: Reply, what: str, credential: Credential, clock_offset: float) -> GhsyncError | None:
    """The error that an answer is; None for one that is as asked. ``what`` names the request of a credential."""
    status, said = reply.status, message(reply)
    if status < 300 or status == 304:
        return None
    if status in REDIRECTS:
        return _moved(reply, what)
    if status >= 500:
        return GitHubUnavailable(f"GitHub answered {what} with {status}; it is asked again later.")
    if status == 401:
        return _unauthorized(said, credential, clock_offset)
    if _is_switched_off(status, said):
        return SwitchedOff(f"{what} is switched off on GitHub{_quoted(said)}.")
    if status == 403:
        return _forbidden(reply, what, credential, said)
    if status == 451:
        return UnavailableForLegalReasons(f"GitHub has blocked {what} for legal reasons.")
    if status == 404:
        return _not_found(what, credential, said)
    if status == 410:
        return Gone(f"{what} was deleted on GitHub.")
    return RefusedByGitHub(f"GitHub refused {what} with {status}{_quoted(said)}.")


def _is_switched_off(status: int, said: str) -> bool:
    """Whether GitHub says so, of issues with 410 and of alerts with others."""
    return (status == 410 and "disabled" in said.lower()) or (status in (403, 404) and bool(_SWITCHED_OFF.search(said)))


def _moved(reply: Reply, what: str) -> GhsyncError:
    """Where it is now; a redirect that leads back here tells of no move."""
    if reply.location == str(reply.url):
        return RedirectedToItself(f"GitHub redirects {what} to itself; it is asked again later.")
    return Moved(f"{what} is now at {reply.location}.", reply.location)


def _unauthorized(said: str, credential: Credential, clock_offset: float) -> BadCredentials:
    if _CLOCK.search(said):
        off = f"is {abs(clock_offset):.0f} s {'behind' if clock_offset > 0 else 'ahead of'} GitHub's"
        wrong = off if abs(clock_offset) >= 1 else "differs from GitHub's"
        return BadCredentials(f"This machine's clock {wrong}: set it right (NTP), or the App's signatures are refused.")
    return BadCredentials(f"GitHub does not accept {_NOT_ACCEPTED[credential.kind].format(said=_quoted(said))}.")


def _not_found(what: str, credential: Credential, said: str) -> GhsyncError:
    """An App that GitHub does not know is answered so whatever it asks for: nothing of that is gone."""
    if credential.kind == "app" and "integration not found" in said.lower():
        return BadCredentials(UNKNOWN["app"])
    return NotFound(f"GitHub has no {what}, or does not show it to this credential.")


def _forbidden(reply: Reply, what: str, credential: Credential, said: str) -> RefusedByGitHub:
    if _SUSPENDED.search(said):
        return Suspended("The App's installation is suspended: the account's owner can lift that in GitHub's settings.")
    if _LACKS_PERMISSION.search(said):
        needed = reply.headers.get("x-accepted-github-permissions", "")
        wanted = f" (it takes {needed.replace('=', ': ')})" if needed else ""
        who, remedy = _LACKING[credential.kind]
        named = frozenset(_PERMISSION.findall(needed))
        return PermissionMissing(f"{who} lacks a permission for {what}{wanted}: {remedy}.", named, reply.token)
    if _body(reply).block is not None or "access blocked" in said.lower():
        return UnavailableForLegalReasons(f"GitHub has blocked {what}{_quoted(said)}.")
    return AccessLost(f"GitHub does not let this credential see {what}{_quoted(said)}.")


def _quoted(said: str) -> str:
    return f" ({said.rstrip('.')})" if said else ""


def _body(reply: Reply) -> _Body:
    try:
        return decoding.read(reply.body, _decoder)
    except (msgspec.MsgspecError, ValueError):
        return _Body()
