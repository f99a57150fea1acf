"""What a refused request is answered: one form for all, whoever refuses it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from ghsync import errors, metrics

# By base class: the nearest ancestor decides.
STATUSES: Mapping[type[BaseException], int] = {
    errors.RefusedRequest: 400,
    errors.SignatureMismatch: 401,
    errors.ForeignSender: 403,
    errors.HeadTooSlow: 408,
    errors.BodyTooSlow: 408,
    errors.BodyTooLarge: 413,
    errors.UnsupportedContentType: 415,
    errors.TooManyRequests: 429,
    errors.HeadTooLarge: 431,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.NotPossible: 409,
    errors.Transient: 503,
    errors.GhsyncError: 500,
}

# What went wrong on our side is for the log: a driver's message names hosts and users.
OUR_FAULT: Mapping[int, str] = {
    503: "ghsync cannot take this now: send it again later.",
    500: "ghsync failed: its log says why.",
}

HEADERS: Mapping[int, Mapping[str, str]] = {429: {"Retry-After": "1"}, 503: {"Retry-After": "10"}}

# https://www.rfc-editor.org/rfc/rfc6750#section-3
CHALLENGES: Mapping[type[BaseException], Mapping[str, str]] = {
    errors.NotAuthenticated: {"WWW-Authenticate": 'Bearer realm="ghsync"'},
    errors.NotAllowed: {"WWW-Authenticate": 'Bearer realm="ghsync", error="insufficient_scope"'},
}

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that refuses; the body is JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def as_http(self) -> bytes:
        """All of it as HTTP/1.1 sends it, for who has no application to answer with; it ends the connection."""
        told = {"content-type": JSON, "content-length": str(len(self.body)), "connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *(f"{k}: {v}" for k, v in told.items())]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


def refusal(error: errors.GhsyncError) -> Answer:
    """What an error of ours is answered."""
    status = next(STATUSES[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUSES)
    told = answer(status, metrics.reason(error), OUR_FAULT.get(status, str(error)))
    return replace(told, headers={**told.headers, **CHALLENGES.get(type(error), {})})


def answer(status: int, reason: str, detail: str) -> Answer:
    """An answer that refuses for a reason, with a sentence."""
    return Answer(status, HEADERS.get(status, {}), msgspec.json.encode({"error": reason, "detail": detail}))
