"""What can be done over HTTP, as OpenAPI has it: https://spec.openapis.org/oas/v3.1.0"""

import re
from functools import cache
from importlib import metadata
from typing import Any

import msgspec

from ghsync.api.operations import OPERATIONS, Nothing, Operation, SessionBegun

REFERENCE = "#/components/schemas/{name}"

VARIABLE = re.compile(r"{(\w+)(?::(\w+))?}")
"""In a path: its name and, where it is no text, its kind."""

REFUSALS = {
    400: "The body is malformed",
    401: "No key or session is shown that counts",
    403: "The key is for less",
    404: "There is no such thing that this person may see",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "What is there does not allow it",
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
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(VARIABLE.sub(r"{\1}", one.path), {})[one.method.lower()] = _operation(one)
    paths["/api/session"] = {
        "post": _described("Begin a session with a key: its cookie is shown in place of the key.", 201, SessionBegun),
        "delete": _described("End the session of the cookie that is shown.", 204, None),
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "ghsync", "version": metadata.version("ghsync")},
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer", "description": "What `ghsync keys create` printed"},
                    "session": {"type": "apiKey", "in": "cookie", "name": "ghsync_session"},
                },
            },
            "security": [{"key": []}, {"session": []}],
        }
    )


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


_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 1}
