"""Numbers are computed by hand, by the rule and with the examples of GitHub's page.

https://docs.github.com/en/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

import pytest
from graphql import parse

from ghsync.github.documents import document
from ghsync.simulator.graphql.answer import measure
from ghsync.simulator.graphql.limits import FullBudget
from tests.simulator.graphql.conftest import Asking

REPOSITORIES = 'organization(login: "x") { repositories(first: 100) { nodes { id '
COMMENTS = "nodes { comments(first: 10) { totalCount } }"
ONE = 'repository(owner: "x", name: "y")'


@pytest.mark.parametrize(
    ("query", "requests", "points"),
    [
        # GitHub's example: 100 repositories, 50 issues of each, 60 labels of each: 1 + 100 + 100 * 50.
        (REPOSITORIES + "issues(first: 50) { nodes { labels(first: 60) { nodes { id } } } } } } }", 5101, 51),
        (REPOSITORIES + "} } }", 1, 1),
        (ONE + " { id }", 0, 1),
        (ONE + " { labels(first: 1) { nodes { id } } }", 1, 1),
        # 149 are nearer to 100 than to 200; 150 are rounded up.
        (ONE + " { issues(last: 74) { nodes { labels(last: 9) { totalCount } comments { totalCount } } } }", 149, 1),
        (ONE + " { issues(last: 74) { nodes { labels(last: 9) { totalCount } comments { totalCount } } } "
         "labels(first: 5) { totalCount } }", 150, 2),
        # Two fragments that ask for the same are one question; two names for it are two.
        (ONE + " { ... on Repository { labels(first: 5) { totalCount } } labels(first: 5) { nodes { id } } }", 1, 1),
        (ONE + " { a: labels(first: 5) { totalCount } b: labels(first: 5) { nodes { id } } }", 2, 1),
    ],
)  # fmt: skip
def test_points_are_the_requests_for_every_connection_by_the_hundred(query: str, requests: int, points: int) -> None:
    cost = measure(parse(f"{{ {query} }}"), {})
    assert (cost.requests, cost.points) == (requests, points)


@pytest.mark.parametrize(
    ("selection", "nodes"),
    [
        ("issues(first: 10) { nodes { id } }", 50 + 50 * 10),
        # The larger of GitHub's examples, without its followers.
        (f"pullRequests(first: 20) {{ {COMMENTS} }} issues(first: 20) {{ {COMMENTS} }}", 22_050),
    ],
)
def test_nodes_are_those_of_full_pages(selection: str, nodes: int) -> None:
    query = f'{{ organization(login: "x") {{ repositories(first: 50) {{ nodes {{ {selection} }} }} }} }}'
    assert measure(parse(query), {}).nodes == nodes


# What a page of one holds: of an issue its labels, assignees and comments; of a pull request its commits, labels,
# assignees, requests, comments, reviews and threads, and of each thread its comments; of a head its commit, the suites
# of that, and of each suite its runs.
ISSUE, PULL, HEAD = 3, 7 + 10, 2 + 20
ISSUE_NODES = 50 + 20 + 30
PULL_NODES = 50 + 20 + 30 + 30 + 50 + 10 + 10 * 20
HEAD_NODES = 1 + 20 + 20 * 50


def wanted(size: int, *, issues: bool = False, pulls: bool = False, heads: bool = False) -> dict[str, object]:
    """The variables of a page."""
    seen = dict.fromkeys(("checks", "statuses", "actions"), True)
    sizes = {"issuesSize": size, "pullRequestsSize": size, "headsSize": 20}
    return {"issues": issues, "pullRequests": pulls, "heads": heads, **sizes, **seen}


@pytest.mark.parametrize(
    ("name", "variables", "requests", "points", "nodes"),
    [
        ("conversations", wanted(100, issues=True), 1 + 100 * ISSUE, 3, 100 * (1 + ISSUE_NODES)),
        ("conversations", wanted(1, issues=True), 1 + ISSUE, 1, 1 + ISSUE_NODES),
        ("conversations", wanted(100, pulls=True), 1 + 100 * PULL, 17, 100 * (1 + PULL_NODES)),
        (
            "conversations",
            wanted(100, issues=True, pulls=True, heads=True),
            1 + 100 * ISSUE + 1 + 100 * PULL + 1 + 20 * HEAD,
            24,
            100 * (1 + ISSUE_NODES) + 100 * (1 + PULL_NODES) + 20 * (1 + HEAD_NODES),
        ),
        # What an id names is not known before: both kinds count, but for what they have in common.
        ("refetch", {"ids": ["x"] * 50}, 50 * (ISSUE + PULL), 10, 50 * (ISSUE_NODES + PULL_NODES)),
        ("heads", {**wanted(0), "ids": ["x"] * 50}, 50 * HEAD, 11, 50 * HEAD_NODES),
        ("threads", {"pullRequest": "x"}, 1 + 50, 1, 50 + 50 * 20),
        ("newest", {"ids": ["x"] * 100}, 100 * 3, 3, 100 * 3),
    ],
)
def test_what_the_reconciler_asks_has_its_price(
    name: str, variables: dict[str, object], requests: int, points: int, nodes: int
) -> None:
    cost = measure(parse(document(name)), variables)
    assert (cost.requests, cost.points, cost.nodes) == (requests, points, nodes)


def test_reviews_and_checks_of_open_pull_requests_have_their_price() -> None:
    checked = "commits(last: 1) { nodes { commit { checkSuites(first: 10) { nodes { checkRuns(first: 10) { nodes { id }"
    said = "reviews(first: 10) { totalCount } reviewThreads(first: 5) { nodes { comments(first: 5) { nodes { id } } } }"
    inside = f"{said} {checked} }} }} }} }} }} }}"
    query = f"{{ {ONE} {{ pullRequests(first: 50, states: [OPEN]) {{ nodes {{ {inside} }} }} }} }}"
    cost = measure(parse(query), {})
    # Of each pull request reviews, threads with comments of five, commits, suites, and runs of ten suites.
    assert (cost.requests, cost.points) == (1 + 50 * (1 + 1 + 5 + 1 + 1 + 10), 10)
    assert cost.nodes == 50 * (1 + 10 + 5 + 25 + 1 + 10 + 100)


def test_variables_and_fragments_count_as_what_they_stand_for() -> None:
    query = """
    query($size: Int) { repository(owner: "x", name: "y") { ...all } }
    fragment all on Repository { issues(last: $size) { nodes { ... on Issue { labels(first: 5) { nodes { id } } } } } }
    """
    cost = measure(parse(query), {"size": 40})
    assert (cost.requests, cost.nodes) == (41, 240)


@pytest.mark.parametrize(("repositories", "refused"), [(49, []), (50, ["MAX_NODE_LIMIT_EXCEEDED"])])
def test_half_a_million_nodes_is_the_limit(asking: Asking, repositories: int, refused: list[str]) -> None:
    # 49 * (1 + 100 * (1 + 100)) is 494,949, and 50 * (1 + 100 * (1 + 100)) is 505,050.
    inside = "issues(first: 100) { nodes { comments(first: 100) { nodes { id } } } }"
    query = (
        f'{{ organization(login: "lighthouse") {{ repositories(first: {repositories}) {{ nodes {{ {inside} }} }} }} }}'
    )
    answered = asking.answer(query)
    assert answered.status == 200
    assert [error["type"] for error in answered.payload.get("errors", ())] == refused


def test_a_query_may_spend_the_last_points(asking: Asking) -> None:
    asking.budget = FullBudget(resets_at=asking.scene.world.now(), used=5_000 - 17)
    assert asking.data(document("conversations"), **page(asking))["rateLimit"]["remaining"] == 0


def test_a_query_may_not_spend_more_than_is_left(asking: Asking) -> None:
    asking.budget = FullBudget(resets_at=asking.scene.world.now(), used=5_000 - 16)
    assert asking.errors(document("conversations"), **page(asking)) == [("RATE_LIMITED", None)]


def page(asking: Asking) -> dict[str, object]:
    """A page of 100 pull requests, which costs 17 points."""
    order = {"field": "CREATED_AT", "direction": "ASC"}
    here = asking.scene.repository.node_id
    return {"repository": here, "order": order, **wanted(100, pulls=True)}
