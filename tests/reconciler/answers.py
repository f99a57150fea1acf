"""Answers that are not what they should be."""

import json
from dataclasses import replace
from typing import Any

from tests.faulty import Answer, Given

REPOSITORY = "GET /repositories/{repository_id:int}"


def status(code: int, message: str = "Server Error") -> Answer:
    """Another status than it should be."""
    return lambda given: replace(given, status=code, body=json.dumps({"message": message}).encode())


def body(content: bytes) -> Answer:
    """Another body than it should be."""
    return lambda given: replace(given, body=content)


def edited(edit: Any) -> Answer:
    """The right answer, with something wrong in it."""

    def answer(given: Given) -> Given:
        content = json.loads(given.body)
        edit(content)
        return replace(given, body=json.dumps(content).encode())

    return answer


def hide(number: int) -> Answer:
    """GraphQL's null in the place of one pull request, wherever it would be."""

    def nodes(content: dict[str, Any]) -> None:
        node = content["data"].get("node") or {}
        for connection in [content["data"], *(node.get(name) or {} for name in ("issues", "pullRequests", "heads"))]:
            found = connection.get("nodes") or []
            found[:] = [None if each and each.get("number") == number else each for each in found]

    return edited(nodes)
