"""What can be done over HTTP, as OpenAPI has it: https://spec.openapis.org/oas/v3.1.0"""

import re
from functools import cache
from importlib import metadata
from typing import Any

import msgspec

from ghsync.api.callers import COOKIE
from ghsync.api.operations import OPERATIONS, Nothing, Operation, SessionBegun

REFERENCE = "#/components/schemas/{name}"

VARIABLE = re.compile(r"{(\w+)(?::(\w+))?}")
"""In a path: its name and, where it is no text, its kind."""

REFUSALS = {
    400: "The body is malformed",
    401: "No key or session is shown that counts",
    403: "The key is for less",
    404: "There is no such thing that this person may see",
    409: "What is there does not allow it",
    413: "The body is too large",
    415: "The body is no JSON",
    429: "Too much comes from this address without a right key",
    503: "The database cannot be reached: try again",
}


class Refusal(msgspec.Struct):
    """Why something was not done: a word for programs, and a sentence."""

    error: str
    detail: str


@cache
def document() -> bytes:
    """The description, as JSON."""
    forms = {one.answers for one in OPERATIONS} | {one.takes for one in OPERATIONS} | {Refusal, SessionBegun}
    _, schemas = msgspec.json.schema_components(sorted(forms, key=lambda form: form.__name__), ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {**_PROBES, "/webhooks/github": {"post": _delivery()}}
    for one in OPERATIONS:
        paths.setdefault(VARIABLE.sub(r"{\1}", one.path), {})[one.method.lower()] = _operation(one)
    paths["/api/session"] = {
        "post": _described("Begin a session with a key: its cookie is shown in place of the key.", 201, SessionBegun),
        "delete": _described("End the session of the cookie that is shown.", 204, None),
    }
    described = {
        "openapi": "3.1.0",
        "info": {"title": "ghsync", "version": metadata.version("ghsync")},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
        "security": [{name: []} for name in _SECURITY],
    }
    return msgspec.json.encode(described)


def _delivery() -> dict[str, Any]:
    """What GitHub asks: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers"""
    refused = (400, 401, 403, 408, 413, 415, 429, 431, 503)
    answers = {str(code): {"description": "It is not taken", "content": _content(Refusal)} for code in refused}
    headers = ("X-GitHub-Delivery", "X-GitHub-Event", "X-Hub-Signature-256")
    return {
        "summary": "Take in a delivery of GitHub's.",
        "security": [],
        "parameters": [{"name": name, "in": "header", "required": True, "schema": _TEXT} for name in headers],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"202": {"description": "It is kept"}, **answers},
    }


def _operation(one: Operation) -> dict[str, Any]:
    told = _described(f"{one.summary} It takes a key that may {one.scope}.", one.status, one.answers)
    told["operationId"] = one.act.__name__
    told["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": _NUMBER if kind == "int" else _TEXT}
        for name, kind in VARIABLE.findall(one.path)
    ]
    if one.takes is not Nothing:
        required = bool(msgspec.structs.fields(one.takes)) and any(
            field.required for field in msgspec.structs.fields(one.takes)
        )
        told["requestBody"] = {"required": required, "content": _content(one.takes)}
    return told


def _described(summary: str, status: int, answers: type[msgspec.Struct] | None) -> dict[str, Any]:
    done = {"description": "It is done"} | ({"content": _content(answers)} if answers else {})
    refused = {str(code): {"description": why, "content": _content(Refusal)} for code, why in REFUSALS.items()}
    return {"summary": summary, "responses": {str(status): done, **refused}}


def _content(form: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(name=form.__name__)}}}


_SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "What `ghsync keys create` printed"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}

_PROBES: dict[str, dict[str, Any]] = {
    "/healthz": {"get": {"summary": "Is it alive?", "security": [], "responses": {"200": {"description": "It is"}}}},
    "/readyz": {
        "get": {
            "summary": "Would a delivery be taken in?",
            "security": [],
            "responses": {"200": {"description": "It would"}, "503": {"description": "It would not"}},
        }
    },
    "/metrics": {
        "get": {
            "summary": "What Prometheus asks. It takes a key that may read.",
            "responses": {str(code): {"description": why} for code, why in {200: "Metrics", **REFUSALS}.items()},
        }
    },
}

_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 1}
