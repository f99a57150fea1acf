from datetime import UTC, datetime

import pytest

from ghsync.simulator.actions import issues, organizations, repositories
from ghsync.simulator.graphql.limits import FullBudget, Limits
from tests.simulator.graphql.conftest import Asking

NAME = '{ repository(owner: "lighthouse", name: "lamp") { nameWithOwner } }'
RESET = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_repository_that_is_not_seen_is_not_found(asking: Asking) -> None:
    asking.eyes.hidden.append(asking.scene.repository)
    answered = asking.answer(NAME)
    assert (answered.status, answered.payload["data"]) == (200, {"repository": None})
    (error,) = answered.payload["errors"]
    assert (error["type"], error["path"], error["locations"]) == (
        "NOT_FOUND",
        ["repository"],
        [{"line": 1, "column": 3}],
    )
    assert error["message"] == "Could not resolve to a Repository with the name 'lighthouse/lamp'."


def test_one_missing_repository_leaves_the_others(asking: Asking) -> None:
    query = (
        '{ a: repository(owner: "lighthouse", name: "lamp") { name } b: repository(owner: "x", name: "y") { name } }'
    )
    assert asking.answer(query).payload["data"] == {"a": {"name": "lamp"}, "b": None}
    assert asking.errors(query) == [("NOT_FOUND", ["b"])]


def test_a_former_name_leads_to_the_repository_unless_that_is_not_wanted(asking: Asking) -> None:
    scene = asking.scene
    repositories.rename(scene.world, scene.repository, "beacon", by=scene.ada)
    organizations.rename(scene.world, scene.organization, "harbour", by=scene.ada)
    assert asking.data(NAME) == {"repository": {"nameWithOwner": "harbour/beacon"}}
    strict = NAME.replace("name: ", "followRenames: false, name: ")
    assert asking.errors(strict) == [("NOT_FOUND", ["repository"])]


def test_who_takes_a_former_name_has_it(asking: Asking) -> None:
    scene = asking.scene
    repositories.rename(scene.world, scene.repository, "beacon", by=scene.ada)
    taken = repositories.create(scene.world, scene.organization, "lamp", by=scene.ada)
    found = asking.data('{ repository(owner: "Lighthouse", name: "LAMP") { databaseId } }')
    assert found == {"repository": {"databaseId": taken.id}}


@pytest.mark.parametrize(
    ("permission", "selection", "path"),
    [
        ("issues", "issues(first: 1) { totalCount }", ["repository", "issues"]),
        ("pull_requests", "pullRequests(first: 1) { totalCount }", ["repository", "pullRequests"]),
        ("checks", 'object(expression: "main") { ... on Commit { statusCheckRollup { state } } }', None),
    ],
)
def test_what_is_not_permitted_is_forbidden(
    asking: Asking, permission: str, selection: str, path: list[str] | None
) -> None:
    asking.eyes.forbidden.append(permission)
    query = f'{{ repository(owner: "lighthouse", name: "lamp") {{ {selection} }} }}'
    found = asking.errors(query)
    assert [kind for kind, _ in found] == ["FORBIDDEN"]
    assert path in (None, found[0][1])


def test_the_budget_is_told_as_it_will_be(asking: Asking) -> None:
    asking.budget = FullBudget(resets_at=RESET, limit=5000, used=10)
    shown = asking.data("{ rateLimit { cost limit remaining used resetAt nodeCount } }")["rateLimit"]
    assert shown == {
        "cost": 1,
        "limit": 5000,
        "remaining": 4989,
        "used": 11,
        "resetAt": "2026-03-02T10:00:00Z",
        "nodeCount": 0,
    }


def test_a_spent_budget_refuses_with_status_200_and_no_data(asking: Asking) -> None:
    asking.budget = FullBudget(resets_at=RESET, limit=5000, used=5000)
    answered = asking.answer(NAME)
    assert (answered.status, answered.cost) == (200, 0)
    assert [error["type"] for error in answered.payload["errors"]] == ["RATE_LIMITED"]
    assert "data" not in answered.payload


def test_a_query_that_may_give_too_many_nodes_is_refused(asking: Asking) -> None:
    nested = (
        "issues(first: 100) { nodes { comments(first: 100) { nodes { id } } labels(first: 100) { nodes { id } } } }"
    )
    query = f'{{ organization(login: "lighthouse") {{ repositories(first: 100) {{ nodes {{ {nested} }} }} }} }}'
    answered = asking.answer(query)
    assert answered.status == 200
    assert answered.payload["errors"][0]["type"] == "MAX_NODE_LIMIT_EXCEEDED"


def test_a_heavy_page_times_out_and_a_smaller_one_does_not(asking: Asking) -> None:
    scene = asking.scene
    for number in range(30):
        issues.open_issue(scene.world, scene.repository, f"Issue {number}", by=scene.ada)
    asking.limits = Limits(node_seconds=0.5)
    heavy = '{ repository(owner: "lighthouse", name: "lamp") { issues(first: 30) { nodes { id } } } }'
    answered = asking.answer(heavy)
    assert (answered.status, answered.seconds, answered.payload["data"]) == (502, 10, None)
    assert answered.payload["errors"][0]["message"].startswith("Something went wrong while executing your query.")
    lighter = asking.answer(heavy.replace("30", "10"))
    assert lighter.status == 200
    assert lighter.seconds == pytest.approx(5.05)


@pytest.mark.parametrize("query", ["{ nonsense }", "{ repository", "{ repository(owner: 1, name: 2) { id } }"])
def test_a_faulty_query_is_told_where_it_is_faulty(asking: Asking, query: str) -> None:
    answered = asking.answer(query)
    assert answered.status == 200
    assert answered.payload["errors"][0]["locations"]
    assert "data" not in answered.payload


def test_a_missing_variable_is_an_error(asking: Asking) -> None:
    query = 'query($name: String!) { repository(owner: "lighthouse", name: $name) { id } }'
    assert asking.answer(query).payload["errors"]
    assert asking.data(query, name="lamp")["repository"]["id"] == asking.scene.repository.node_id


def test_the_viewer_is_the_apps_bot(asking: Asking) -> None:
    assert asking.data("{ viewer { login } }") == {"viewer": {"login": "ghsync-mirror[bot]"}}
