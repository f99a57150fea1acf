"""Every way to answer a request wrongly, by its name in the table of outcomes."""

import json
from dataclasses import replace
from typing import Any

from tests.faulty import Answer, Given

PERMISSION = "Resource not accessible by integration"
SUSPENDED = "This installation has been suspended"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def _body(content: bytes) -> Answer:
    return lambda given: replace(given, body=content)


def _status(status: int, message: str = "No", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = json.dumps({"message": message}).encode()
    return lambda given: replace(given, status=status, headers=given.headers | named, body=content)


def _cut(given: Given) -> Given:
    return replace(given, body=given.body[: max(1, len(given.body) // 2)])


def _stuck(given: Given) -> Given:
    """A page that leads to itself, and one that leads on for ever."""
    return replace(given, headers=given.headers | {"link": f'<{given.url}&again=1>; rel="next"'})


def _dated(given: Given) -> Given:
    """Times in the year 20222."""
    return replace(given, body=json.dumps(_late(json.loads(given.body or b"null"))).encode())


def _late(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _late(each) if not name.endswith("_at") else each and f"2{each}" for name, each in value.items()}
    return [_late(each) for each in value] if isinstance(value, list) else value


WAYS: dict[str, Answer] = {
    "200 empty": _body(b""),
    "204": lambda given: replace(given, status=204, body=b""),
    "null": _body(b"null"),
    "{}": _body(b"{}"),
    "[null]": _body(b"[null]"),
    "a message": _body(b'{"message":"No"}'),
    "html": _body(b"<html><body>Unicorn!</body></html>"),
    "cut": _cut,
    "a page that does not move": _stuck,
    "the year 20222": _dated,
    "301 to itself": lambda given: replace(given, status=301, headers=given.headers | {"location": given.url}),
    "304 that nobody asked for": lambda given: replace(given, status=304, body=b""),
    "400": _status(400),
    "401": _status(401, "Bad credentials"),
    "403": _status(403),
    "403 permission": _status(403, PERMISSION),
    "403 suspended": _status(403, SUSPENDED),
    "403 nothing left": _status(403, x_ratelimit_remaining="0"),
    "403 secondary": _status(403, SECONDARY),
    "404": _status(404, "Not Found"),
    "406": _status(406),
    "409": _status(409),
    "410": _status(410, "Gone"),
    "422": _status(422, "No commit found for SHA"),
    "429": _status(429),
    "429 Retry-After": _status(429, retry_after="5"),
    "451": _status(451),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
}
