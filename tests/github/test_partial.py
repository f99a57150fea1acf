"""GraphQL: errors that come with status 200, and answers with holes."""

from typing import Any

import httpx
import psycopg
import pytest
import respx

from ghsync.errors import (
    GhsyncError,
    GitHubUnreachable,
    GraphQLDenied,
    GraphQLUnavailable,
    GraphQLUnknown,
    PermissionMissing,
    RateLimited,
    TooHeavy,
)
from ghsync.github.client import GraphQLAnswer, Meter
from tests.github.answers import answer, refusal
from tests.github.conftest import TOKEN, Make, Time

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

HEAVY = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug."
)
DENIED = "Resource not accessible by integration"


async def query(client: Make, meter: Meter | None = None, patience: float = 60, **variables: object) -> GraphQLAnswer:
    github = client(token=TOKEN, api_patience_seconds=patience)
    credential = await github.credential_for(None)
    return await github.graphql(
        credential, "query Q { viewer { login } }", variables, priority="event", meter=meter or Meter()
    )


@pytest.fixture
def route(api: respx.MockRouter) -> respx.Route:
    return api.post("/graphql")


def problem(message: str, *path: str | int, **more: object) -> dict[str, Any]:
    return {"message": message, "path": list(path), **more}


async def test_the_data_are_the_bytes_that_came(client: Make, route: respx.Route) -> None:
    raw = b'{"data": {"viewer":  {"login": "octocat"},"rateLimit":{"cost":3}}}'
    route.respond(200, content=raw)
    meter = Meter()

    found = await query(client, meter, number=7, after=None)

    assert found.data == b'{"viewer":  {"login": "octocat"},"rateLimit":{"cost":3}}'
    assert (found.cost, found.errors, meter) == (3, (), Meter(requests=1, points=3))
    assert route.calls.last.request.content == (
        b'{"query":"query Q { viewer { login } }","variables":{"number":7,"after":null}}'
    )


async def test_a_query_that_does_not_ask_for_its_cost_counts_one(client: Make, route: respx.Route) -> None:
    route.mock(return_value=answer({"data": {"viewer": None}}))

    assert (await query(client)).cost == 1


async def test_single_nodes_that_cannot_be_seen_are_null(client: Make, route: respx.Route) -> None:
    errors = [
        problem("Could not resolve to a node with the global id of 'x'.", "nodes", 0, type="NOT_FOUND"),
        problem(DENIED, "nodes", 1, type="FORBIDDEN"),
    ]
    route.mock(return_value=answer({"data": {"nodes": [None, None, {"id": 1}]}, "errors": errors}))

    found = await query(client)

    assert found.data == b'{"nodes":[null,null,{"id":1}]}'
    assert [one.path for one in found.errors] == [("nodes", 0), ("nodes", 1)]


HOLLOW = {"message": "Something is not shown", "type": "INTERNAL", "path": ["nodes", 1, "issues", "nodes", 0]}


@pytest.mark.parametrize("type_", ["INTERNAL", "NOT_FOUND"])
async def test_a_node_of_which_a_part_is_missing_is_null_and_the_others_are_there(
    client: Make, route: respx.Route, type_: str
) -> None:
    nodes = [{"id": "R_1"}, {"id": "R_2", "issues": {"nodes": [None]}}]
    route.mock(return_value=httpx.Response(200, json={"data": {"nodes": nodes}, "errors": [HOLLOW | {"type": type_}]}))
    assert (await query(client)).data == b'{"nodes":[{"id":"R_1"},null]}'


@pytest.mark.parametrize("data", [[], 7, {"nodes": 7}, {"nodes": {"1": 2}}, {"viewer": {}}])
async def test_holes_in_data_that_nobody_asked_for_are_no_answer(
    client: Make, route: respx.Route, data: object
) -> None:
    route.mock(return_value=httpx.Response(200, json={"data": data, "errors": [HOLLOW]}))
    with pytest.raises(GraphQLUnavailable):
        await query(client)


async def test_a_few_items_of_a_listing_may_be_null_whatever_the_reason(client: Make, route: respx.Route) -> None:
    errors = [problem(HEAVY, "node", "page", "nodes", place) for place in range(3)]
    route.mock(return_value=answer({"data": {"node": {"page": {"nodes": [None] * 3}}}, "errors": errors}))

    assert (await query(client)).data == b'{"node":{"page":{"nodes":[null,null,null]}}}'


@pytest.mark.parametrize(
    ("errors", "data", "error"),
    [
        ([problem(HEAVY)], None, TooHeavy),
        ([problem(HEAVY, "node", "page", "nodes", n) for n in range(4)], {"node": {"page": {}}}, TooHeavy),
        ([problem("Timeout on validation of query")], None, TooHeavy),
        ([problem("Too much", type="RESOURCE_LIMITS_EXCEEDED")], {"node": {}}, TooHeavy),
        ([problem("This query requests 600,000 nodes", type="MAX_NODE_LIMIT_EXCEEDED")], None, TooHeavy),
        ([problem(DENIED, type="FORBIDDEN")], None, PermissionMissing),
        ([problem(DENIED, "nodes", 0, "reviewRequests", type="FORBIDDEN")], {"nodes": [{}]}, GraphQLDenied),
        ([problem("Field 'issueType' doesn't exist on type 'Issue'")], None, GraphQLUnknown),
        ([problem("Your token has not …", type="INSUFFICIENT_SCOPES")], None, GraphQLDenied),
        ([problem("Odd", "node", "page")], {"node": {}}, GraphQLUnavailable),
        ([], None, GraphQLUnavailable),
    ],
)
async def test_an_error_with_status_200_is_an_error(
    client: Make, route: respx.Route, errors: list[dict[str, Any]], data: Any, error: type[GhsyncError]
) -> None:
    route.mock(return_value=answer({"data": data, "errors": errors}))

    with pytest.raises(GhsyncError) as raised:
        await query(client)

    assert type(raised.value) is error
    assert route.call_count == 1


@pytest.mark.parametrize("trouble", [refusal("Bad gateway", 502), refusal("Timeout", 504), httpx.ReadTimeout("late")])
async def test_what_is_too_heavy_is_told_at_once(
    client: Make, route: respx.Route, time: Time, trouble: httpx.Response | Exception
) -> None:
    route.mock(side_effect=[trouble])

    with pytest.raises(TooHeavy, match="did not answer in time"):
        await query(client)
    assert time.waits == []


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (422, 1), (500, 3), (503, 3)])
async def test_where_graphql_is_missing_or_broken_rest_is_to_be_asked(
    client: Make, route: respx.Route, status: int, attempts: int
) -> None:
    route.mock(return_value=refusal("No", status))

    with pytest.raises(GraphQLUnavailable):
        await query(client)
    assert route.call_count == attempts


async def test_where_github_does_not_answer_rest_would_not_either(client: Make, route: respx.Route) -> None:
    route.mock(side_effect=httpx.ConnectError("refused"))

    with pytest.raises(GitHubUnreachable):
        await query(client)


@pytest.mark.parametrize("body", [b'"data"', b'{"data": {"viewer": 1}, "errors": 7}'])
async def test_what_is_no_envelope_is_no_answer(client: Make, route: respx.Route, body: bytes) -> None:
    route.respond(200, content=body)

    with pytest.raises(GraphQLUnavailable, match="did not answer as it should"):
        await query(client)


@pytest.mark.parametrize(
    ("error", "remaining", "seconds"),
    [
        (problem("API rate limit exceeded", type="RATE_LIMITED"), 0, 1800),
        (problem("API rate limit already exceeded for user ID 1.", type="RATE_LIMIT"), 0, 1800),
        (problem("API rate limit already exceeded for user ID 1.", type="RATE_LIMITED"), 18, 1800),
        (problem("Limited", type="RATE_LIMITED"), 4000, 60),
        (problem("You have exceeded a secondary rate limit"), 4000, 60),
    ],
)
async def test_a_limit_with_status_200_is_a_limit(
    client: Make, route: respx.Route, connection: Connection, error: dict[str, Any], remaining: int, seconds: int
) -> None:
    route.mock(return_value=answer({"errors": [error]}, remaining=remaining, resource="graphql"))
    with pytest.raises(RateLimited) as stop:
        await query(client, patience=10)
    with pytest.raises(RateLimited):
        await query(client, patience=10)

    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row
    assert stop.value.retry_at is not None
    assert seconds - 5 < (stop.value.retry_at - row[0]).total_seconds() <= seconds + 1
    assert route.call_count == 1


async def test_a_text_about_rate_limits_is_no_limit(client: Make, route: respx.Route) -> None:
    route.mock(return_value=answer({"data": {"title": "API rate limit exceeded"}}))

    assert b"rate limit" in (await query(client)).data


async def test_the_limit_of_points_ends_a_query_before_it_is_sent(client: Make, route: respx.Route) -> None:
    route.mock(return_value=answer({"data": {}}, remaining=10, resource="graphql"))
    await query(client, number=1)
    with pytest.raises(RateLimited) as stop:
        await query(client, number=2)

    assert stop.value.retry_at is not None
    assert route.call_count == 1
