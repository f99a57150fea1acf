import pytest
from graphql import parse

from ghsync.simulator.graphql.answer import measure

REPOSITORIES = 'organization(login: "x") { repositories(first: 100) { nodes { id '


@pytest.mark.parametrize(
    ("query", "requests", "points"),
    [
        # GitHub's own example: 100 repositories, 50 issues of each, 60 labels of each.
        (REPOSITORIES + "issues(first: 50) { nodes { labels(first: 60) { nodes { id } } } } } } }", 5101, 51),
        (REPOSITORIES + "} } }", 1, 1),
        ('a: repository(owner: "x", name: "y") { labels(first: 1) { nodes { id } } }', 1, 1),
        ('repository(owner: "x", name: "y") { id }', 0, 1),
    ],
)
def test_points_are_the_requests_for_every_connection_by_the_hundred(query: str, requests: int, points: int) -> None:
    cost = measure(parse(f"{{ {query} }}"), {})
    assert (cost.requests, cost.points) == (requests, points)


def test_nodes_are_those_of_full_pages() -> None:
    query = REPOSITORIES + "issues(first: 50) { nodes { labels(first: 60) { nodes { id } } } } } } }"
    assert measure(parse(f"{{ {query} }}"), {}).nodes == 100 + 100 * 50 + 100 * 50 * 60


def test_variables_and_fragments_count_as_what_they_stand_for() -> None:
    query = """
    query($size: Int) { repository(owner: "x", name: "y") { ...all } }
    fragment all on Repository { issues(last: $size) { nodes { ... on Issue { labels(first: 5) { nodes { id } } } } } }
    """
    cost = measure(parse(query), {"size": 40})
    assert (cost.requests, cost.nodes) == (41, 240)


def test_each_node_asked_for_by_id_has_connections_of_its_own() -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Issue { labels(first: 20) { nodes { id } } } } }"
    assert measure(parse(query), {"ids": ["a"] * 50}).requests == 50
