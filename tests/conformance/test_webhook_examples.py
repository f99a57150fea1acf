"""Every payload that Octokit publishes as an example is accepted, projected, and shown by the mirror."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from ghsync.sessions import connection_arguments
from tests import postgres
from tests.conformance import examples, outcomes
from tests.conformance.examples import Example

pytestmark = examples.needed

Json = dict[str, Any]
Objects = dict[tuple[int, ...], Json]

REPOSITORIES = """
SELECT ARRAY[github_id::bigint], to_jsonb(r) || jsonb_build_object('id', github_id::bigint) FROM github_repositories r
"""

NUMBERED = """
SELECT ARRAY[r.github_id::bigint, t.number], to_jsonb(t) || jsonb_build_object('id', t.github_id::bigint)
FROM {} t JOIN github_repositories r ON r.id = t.repository_id
"""

# What a row must say exactly as the payload does, where the payload says it.
SAME_IN_REPOSITORIES = ("id", "name", "full_name", "node_id", "private", "html_url", "description", "archived", "fork")
SAME_IN_ISSUES = ("id", "number", "node_id", "title", "body", "state", "html_url", "locked")
SAME_IN_PULL_REQUESTS = ("id", "number", "node_id", "title", "body", "state", "html_url", "draft", "locked")


@dataclass(frozen=True)
class Delivered:
    """The examples, what became of each, and the database they went into."""

    examples: list[Example]
    lines: list[str]
    connection: psycopg.Connection[Any]


@pytest.fixture(scope="module")
def delivered(server_url: str, template: str) -> Iterator[Delivered]:
    """All examples, delivered in order."""
    published = examples.load()
    with postgres.database(server_url, template=template) as url:
        lines = asyncio.run(outcomes.deliver(url, published))
        with psycopg.connect(url, autocommit=True, **connection_arguments(url)) as connection:
            yield Delivered(published, lines, connection)


def newest(delivered: Delivered, find: Callable[[Example], dict[tuple[int, ...], Json]]) -> Objects:
    """The newest state of each object: the greatest updated_at, of equal ones the last."""
    found: dict[tuple[int, ...], list[Json]] = {}
    for example in delivered.examples:
        for key, shown in find(example).items():
            found.setdefault(key, []).append(shown)
    return {key: max(reversed(states), key=changed_at) for key, states in found.items()}


def changed_at(shown: Json) -> datetime:
    return datetime.fromisoformat(shown.get("updated_at") or "0001-01-01T00:00:00Z").astimezone(UTC)


def repositories(example: Example) -> Objects:
    payload = example.payload
    listed = [
        *(payload.get("repositories") or ()),
        *(payload.get("repositories_added") or ()),
        *(payload.get("repositories_removed") or ()),
        *filter(None, [payload.get("repository")]),
    ]
    return {(repository["id"],): repository for repository in listed}


def issues(example: Example) -> Objects:
    issue = example.payload.get("issue")
    if issue is None or "pull_request" in issue:
        return {}
    return {(example.payload["repository"]["id"], issue["number"]): issue}


def pull_requests(example: Example) -> Objects:
    pull_request = example.payload.get("pull_request")
    return {} if pull_request is None else {(example.payload["repository"]["id"], pull_request["number"]): pull_request}


def rows(delivered: Delivered, query: str) -> Objects:
    return {tuple(key): row for key, row in delivered.connection.execute(query)}


def differences(expected: Objects, found: Objects, names: tuple[str, ...]) -> list[str]:
    """What rows say other than payloads do; the values themselves stay out of the reports."""
    return [
        f"{key} {name}"
        for key, shown in expected.items()
        for name in names
        if name in shown and found[key][name] != mirrored(name, shown[name])
    ]


def mirrored(name: str, value: Any) -> Any:
    return value or None if name == "body" else value  # GraphQL has no null there, so an empty one is null


@pytest.mark.slow
def test_every_example_ends_as_it_is_written_down(delivered: Delivered) -> None:
    assert delivered.lines == outcomes.FILE.read_text().splitlines()


def test_no_example_is_refused_or_parked(delivered: Delivered) -> None:
    assert len(delivered.lines) == len(delivered.examples) > 300
    assert [line for line in delivered.lines if " 202 processed" not in line and " 202 ignored" not in line] == []


def test_every_repository_is_there_as_its_newest_example_shows_it(delivered: Delivered) -> None:
    expected, found = newest(delivered, repositories), rows(delivered, REPOSITORIES)
    assert expected.keys() == found.keys()
    assert differences(expected, found, SAME_IN_REPOSITORIES) == []


def test_every_issue_is_there_as_its_newest_example_shows_it(delivered: Delivered) -> None:
    expected, found = newest(delivered, issues), rows(delivered, NUMBERED.format("github_issues"))
    assert expected.keys() == found.keys()
    assert differences(expected, found, SAME_IN_ISSUES) == []


def test_every_pull_request_is_there_as_its_newest_example_shows_it(delivered: Delivered) -> None:
    expected, found = newest(delivered, pull_requests), rows(delivered, NUMBERED.format("github_pull_requests"))
    assert expected.keys() == found.keys()
    assert differences(expected, found, SAME_IN_PULL_REQUESTS) == []
    told = {key: (shown["head"]["sha"], shown["merged_at"] is not None) for key, shown in expected.items()}
    assert {key: (row["head_sha"], row["merged"]) for key, row in found.items()} == told
