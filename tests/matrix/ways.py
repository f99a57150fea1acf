"""Every way to answer a request wrongly, by its name in the table of outcomes."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from tests.faulty import Answer, Given

PERMISSION = "Resource not accessible by integration"
SUSPENDED = "This installation has been suspended"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
TOO_LATE_SECONDS = 600
_PAGES = count(1_000)

GONE = frozenset({"404", "410"})
"""What says of something that it is gone, where it was asked for by itself."""


def edited(edit: Callable[[Any], Any]) -> Answer:
    """The right answer with something else in it."""
    return lambda given: replace(given, body=json.dumps(edit(json.loads(given.body or b"null"))).encode())


def _body(content: bytes) -> Answer:
    return lambda given: replace(given, body=content)


def _status(status: int, message: str = "No", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = json.dumps({"message": message}).encode()
    return lambda given: replace(given, status=status, headers=given.headers | named, body=content)


def _cut(given: Given) -> Given:
    return replace(given, body=given.body[: max(1, len(given.body) // 2)])


def _stuck(given: Given) -> Given:
    """A page that leads to itself, or leads on for ever to what it says already."""
    separator = "&" if "?" in given.url else "?"
    led_on = replace(given, headers=given.headers | {"link": f'<{given.url}{separator}again=1>; rel="next"'})
    return edited(_turning)(led_on)


def _leading_on(given: Given) -> Given:
    """A page that says the same as ever, and leads on to another one each time."""
    page = next(_PAGES)
    separator = "&" if "?" in given.url else "?"
    led_on = replace(given, headers=given.headers | {"link": f'<{given.url}{separator}page={page}>; rel="next"'})
    return edited(lambda value: _turning(value, f"to {page}"))(led_on)


def _turning(value: Any, cursor: str = "same") -> Any:
    """The same with GraphQL's pages leading to themselves."""
    if isinstance(value, dict):
        return {
            name: {"hasNextPage": True, "endCursor": cursor} if name == "pageInfo" else _turning(each, cursor)
            for name, each in value.items()
        }
    return [_turning(each, cursor) for each in value] if isinstance(value, list) else value


def _late(value: Any) -> Any:
    """The same with all times in the year 20222."""
    if isinstance(value, dict):
        return {
            name: each and f"2{each}" if name.endswith(("_at", "At")) else _late(each) for name, each in value.items()
        }
    return [_late(each) for each in value] if isinstance(value, list) else value


def redirected(url: str) -> Answer:
    """Moved there for good."""
    return lambda given: replace(given, status=301, headers=given.headers | {"location": url})


def _nothing_left() -> dict[str, str]:
    reset = str(int(time.time()) + 600)
    return {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "0", "x_ratelimit_reset": reset}


WAYS: Mapping[str, Answer] = {
    "200 empty": _body(b""),
    "204": lambda given: replace(given, status=204, body=b""),
    "null": _body(b"null"),
    "{}": _body(b"{}"),
    "[null]": _body(b"[null]"),
    "a message": _body(b'{"message":"No"}'),
    "html": _body(b"<html><body>Unicorn!</body></html>"),
    "cut": _cut,
    "slow": lambda given: replace(given, seconds=TOO_LATE_SECONDS),
    "a page that does not move": _stuck,
    "a page that always leads on": _leading_on,
    "the year 20222": edited(_late),
    "301 to itself": lambda given: redirected(given.url)(given),
    "304 that nobody asked for": lambda given: replace(given, status=304, body=b""),
    "400": _status(400),
    "401": _status(401, "Bad credentials"),
    "403": _status(403),
    "403 permission": _status(403, PERMISSION),
    "403 suspended": _status(403, SUSPENDED),
    "403 nothing left": lambda given: _status(403, **_nothing_left())(given),
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
"""Of every request."""


def _hole(value: Any) -> list[str | int]:
    """The path to the first item of an answer, which is null from now on."""
    for name, each in value.items():
        if name == "rateLimit":
            continue
        if isinstance(each, list) and each:
            each[0] = None
            return [name, 0]
        if isinstance(each, dict) and (path := _hole(each)):
            return [name, *path]
    return []


def _error(message: str, **told: object) -> dict[str, Answer]:
    def with_data(answer: Any) -> Any:
        path = _hole(answer.get("data") or {})
        return {**answer, "errors": [{"message": message, "path": path, **told}]}

    without = json.dumps({"data": None, "errors": [{"message": message, **told}]}).encode()
    return {"": _body(without), " with data": edited(with_data)}


_ERRORS = {
    "FORBIDDEN": _error(PERMISSION, type="FORBIDDEN"),
    "NOT_FOUND": _error("Could not resolve to a node.", type="NOT_FOUND"),
    "INSUFFICIENT_SCOPES": _error(
        "Your token has not been granted the required scopes to execute this query. The 'login' field requires one of "
        "the following scopes: ['read:org'].",
        type="INSUFFICIENT_SCOPES",
    ),
    "RATE_LIMITED": _error("API rate limit already exceeded.", type="RATE_LIMITED"),
    "RESOURCE_LIMITS_EXCEEDED": _error("Resource limits for this query exceeded.", type="RESOURCE_LIMITS_EXCEEDED"),
    "undefinedField": _error(
        "Field 'light' doesn't exist on type 'Repository'",
        extensions={"code": "undefinedField", "typeName": "Repository", "fieldName": "light"},
    ),
    "undefinedField of a part": _error(
        "Field 'issueType' doesn't exist on type 'Issue'",
        extensions={"code": "undefinedField", "typeName": "Issue", "fieldName": "issueType"},
    ),
    "Something went wrong": _error("Something went wrong while executing your query."),
}

GRAPHQL_WAYS: Mapping[str, Answer] = {
    f"{name}{suffix}": answer for name, both in _ERRORS.items() for suffix, answer in both.items()
}
"""Of queries besides."""


def of(kind: str) -> Mapping[str, Answer]:
    """Every way to answer requests of a kind."""
    return {**WAYS, **GRAPHQL_WAYS} if kind.startswith("GraphQL") else WAYS
