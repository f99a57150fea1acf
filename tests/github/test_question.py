"""Documents without what a server lacks or a credential may not see, and how that is found out."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
import respx
from graphql import build_schema, parse, validate
from psycopg.types.json import Jsonb

from ghsync.errors import GraphQLDenied, GraphQLUnavailable
from ghsync.github import documents, introspection, question, syntax
from ghsync.github.client import Meter
from ghsync.github.parts import PARTS
from ghsync.simulator.graphql.answer import loaded
from tests.github.answers import answer
from tests.github.conftest import API, APP_ID, KEY, TOKEN, Make

SLUG = (
    "Your token has not been granted the required scopes to execute this query. The 'slug' field requires one of the "
    "following scopes: ['read:org'], but your token has only been granted the: ['repo'] scopes. Please modify your "
    "token's scopes at: https://github.com/settings/tokens."
)
NAMES = ("conversations", "heads", "newest", "refetch", "releases", "threads")
NODES = {"data": {"nodes": []}}


def place_of(text: str, word: str) -> dict[str, int]:
    """The line and the column of a word."""
    before = text[: text.index(word)]
    return {"line": before.count("\n") + 1, "column": len(before) - before.rfind("\n")}


async def refetch(client: Make, meter: Meter | None = None) -> None:
    github = client(token=TOKEN)
    credential = await github.credential_for(None)
    await question.ask(github, credential, "refetch", {"ids": []}, priority="event", meter=meter or Meter())


def left_out(connection: psycopg.Connection[Any]) -> dict[str, set[str]]:
    """The parts that are left out, by the kind of who lacks them."""
    rows = connection.execute("SELECT asker, left_out FROM sync_omissions").fetchall()
    return {asker.partition(":")[0]: set(parts) for asker, parts in rows}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", [None, *PARTS])
def test_a_document_without_a_part_is_valid(name: str, part: str | None) -> None:
    left_out = frozenset(PARTS if part is None else [part])
    assert validate(loaded(), parse(syntax.without(name, left_out))) == []


def test_a_part_is_found_where_an_answer_or_an_error_says_that_it_is() -> None:
    text = documents.document("refetch")
    at = place_of(text, "slug")
    path = ["nodes", 3, "reviewRequests", "nodes", 0, "requestedReviewer", "slug"]
    expected = "PullRequest.reviewRequests.nodes.requestedReviewer.slug"
    assert syntax.place_at(text, at["line"], at["column"]) == expected
    assert syntax.places_of(text, path) == [expected]
    assert syntax.places_of(text, ["nodes", 1, "assignees"]) == ["Issue.assignees", "PullRequest.assignees"]


def test_the_introspection_is_valid_and_finds_what_is_missing() -> None:
    schema = build_schema("type Query { a: Int } type Issue { issueType: Int }")
    assert validate(schema, parse(introspection.QUERY)) == []
    told = {"Issue": {"fields": [{"name": "stateReason", "args": []}]}, "PullRequest": None}
    lacking = introspection.lacking(msgspec.json.encode(told))
    assert lacking["Issue.stateReason(enableDuplicate:)"] == "its schema has no Issue.stateReason(enableDuplicate:)"
    assert "PullRequest.assignedActors" in lacking
    assert lacking.keys() == PARTS.keys()


@pytest.mark.anyio
@pytest.mark.parametrize("located", [True, False])
async def test_a_scope_that_is_missing_costs_its_part_alone(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any], located: bool
) -> None:
    places = [place_of(documents.document("refetch"), "slug")] * located
    refused = answer({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": SLUG, "locations": places}]})
    route = api.post("/graphql").mock(side_effect=[refused, answer(NODES), answer(NODES)])

    await refetch(client)
    await refetch(client)

    texts = [msgspec.json.decode(call.request.content)["query"] for call in route.calls]
    assert ["slug" in text for text in texts] == [True, False, False]
    assert "ReviewRequestConnection.nodes" in left_out(connection)["token"]


@pytest.mark.anyio
async def test_a_field_that_no_introspection_foresees_is_learned_from_the_error(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any]
) -> None:
    told = {"code": "undefinedField", "typeName": "Issue", "fieldName": "parent"}
    places = [place_of(documents.document("refetch"), "parent {")]
    error = {"message": "Field 'parent' doesn't exist on type 'Issue'", "extensions": told, "locations": places}
    refused, unable = answer({"errors": [error]}), answer({"errors": [{"message": "Introspection is disabled"}]})
    route = api.post("/graphql").mock(side_effect=[refused, unable, answer(NODES)])

    await refetch(client)

    assert "parent" not in msgspec.json.decode(route.calls.last.request.content)["query"]
    assert left_out(connection) == {API.partition(":")[0]: {"Issue.parent"}}


@pytest.mark.anyio
async def test_what_everything_needs_is_asked_for_once(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any]
) -> None:
    error = {"message": "Field 'title' doesn't exist on type 'Issue'", "extensions": {"code": "undefinedField"}}
    route = api.post("/graphql").mock(side_effect=[answer({"errors": [error]}), answer({"errors": [error]})])
    with pytest.raises(GraphQLUnavailable):
        await refetch(client)
    asked_before = route.call_count
    with pytest.raises(GraphQLUnavailable, match="REST is asked instead"):
        await refetch(client)
    assert route.call_count == asked_before


@pytest.mark.anyio
async def test_what_cannot_be_left_out_is_denied(client: Make, api: respx.MockRouter) -> None:
    denied = {"type": "FORBIDDEN", "message": "Resource not accessible", "path": ["nodes", 0, "comments"]}
    api.post("/graphql").mock(return_value=answer({"data": {"nodes": [None]}, "errors": [denied]}))
    with pytest.raises(GraphQLDenied):
        await refetch(client)


@pytest.mark.anyio
@pytest.mark.parametrize("granted", [True, False])
async def test_a_denial_of_what_the_token_is_granted_is_not_remembered(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any], private_key: str, granted: bool
) -> None:
    """It was taken away, or given, while that was asked."""
    permissions = {"metadata": "read"} | ({"checks": "read"} if granted else {})
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    issued = {"token": "ghs_1", "expires_at": expires_at, "permissions": permissions}
    api.post("/app/installations/8/access_tokens").mock(return_value=answer(issued, 201))
    path = ["nodes", 0, "lastCommit", "nodes", 0, "commit", "checkSuites"]
    denied = answer({"data": {"nodes": [None]}, "errors": [{"type": "FORBIDDEN", "message": "No", "path": path}]})
    route = api.post("/graphql").mock(side_effect=[denied, denied, answer(NODES)])
    github = client(app_id=APP_ID, private_key=private_key)
    asked = question.ask(github, await github.credential_for(8), "heads", {"ids": []}, priority="event", meter=Meter())
    with pytest.raises(GraphQLDenied) if granted else contextlib.nullcontext():
        await asked
    assert route.call_count == (2 if granted else 3)
    assert left_out(connection) == ({} if granted else {"installation": {"Commit.checkSuites"}})


HEAD = ["nodes", 0, "lastCommit", "nodes", 0, "commit"]
CHECKS, STATUSES = [*HEAD, "checkSuites"], [*HEAD, "status"]


def forbidden(*paths: list[str | int]) -> httpx.Response:
    """An answer that keeps back what is there."""
    errors = [{"type": "FORBIDDEN", "message": "No", "path": path} for path in paths]
    return answer({"data": {"nodes": [None]}, "errors": errors})


def issuing(api: respx.MockRouter, **permissions: str) -> respx.Route:
    """GitHub makes tokens with these permissions."""
    expires_at, numbers = (datetime.now(UTC) + timedelta(hours=1)).isoformat(), count(1)
    told = {"expires_at": expires_at, "permissions": {"metadata": "read", **permissions}}
    return api.post("/app/installations/8/access_tokens").mock(
        side_effect=lambda _: answer({"token": f"ghs_{next(numbers)}", **told}, 201)
    )


def saying(connection: psycopg.Connection[Any], **permissions: str) -> None:
    """The mirror says that the installation has these."""
    connection.execute(
        """INSERT INTO github_installations (github_id, observed_at, observed_by, sync_source, permissions)
           VALUES ('8', now(), 'api', 'webhook', %s)""",
        [Jsonb({"metadata": "read", **permissions})],
    )


@pytest.mark.anyio
@pytest.mark.parametrize("granted", [{"checks": "read"}, {}], ids=["granted", "not granted"])
async def test_what_goes_on_to_be_denied_costs_no_token_each_time(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any], private_key: str, granted: dict[str, str]
) -> None:
    """Whether its token should have it, or only the mirror says that the installation has it."""
    issued = issuing(api, **granted)
    saying(connection, checks="read")
    route = api.post("/graphql").mock(
        side_effect=lambda asked: forbidden(CHECKS) if b"checkSuites" in asked.content else answer(NODES)
    )
    github = client(app_id=APP_ID, private_key=private_key)
    credential = await github.credential_for(8)
    for _ in range(10):
        with contextlib.suppress(GraphQLDenied):
            await question.ask(github, credential, "heads", {"ids": []}, priority="event", meter=Meter())
    assert issued.call_count <= 4
    assert route.call_count <= 10 + 4


@pytest.mark.anyio
async def test_of_several_parts_that_are_denied_those_are_left_out_that_the_token_lacks(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any], private_key: str
) -> None:
    issuing(api, checks="read")
    api.post("/graphql").mock(
        side_effect=lambda asked: forbidden(CHECKS, STATUSES) if b"$statuses" in asked.content else answer(NODES)
    )
    github = client(app_id=APP_ID, private_key=private_key)
    credential = await github.credential_for(8)
    await question.ask(github, credential, "heads", {"ids": []}, priority="event", meter=Meter())
    assert left_out(connection) == {"installation": {"Commit.status"}}


@pytest.mark.anyio
async def test_questions_at_once_share_what_one_of_them_finds_out(
    client: Make, api: respx.MockRouter, connection: psycopg.Connection[Any], private_key: str
) -> None:
    issued = issuing(api)
    api.post("/graphql").mock(
        side_effect=lambda asked: forbidden(CHECKS) if b"checkSuites" in asked.content else answer(NODES)
    )
    github = client(app_id=APP_ID, private_key=private_key)
    credential = await github.credential_for(8)
    questions = (
        question.ask(github, credential, "heads", {"ids": []}, priority="event", meter=Meter()) for _ in range(5)
    )
    await asyncio.gather(*questions)
    assert issued.call_count <= 3
    assert left_out(connection) == {"installation": {"Commit.checkSuites"}}


@pytest.mark.anyio
async def test_processes_that_share_a_token_know_what_it_was_granted(
    client: Make, api: respx.MockRouter, private_key: str
) -> None:
    issued = issuing(api, checks="read")
    one, another = (client(app_id=APP_ID, private_key=private_key, encryption_keys=KEY) for _ in range(2))
    credential = await one.credential_for(8)
    tokens = [await each.token(credential) for each in (one, another)]
    assert [token and token.permissions for token in tokens] == [{"metadata": "read", "checks": "read"}] * 2
    assert issued.call_count == 1
