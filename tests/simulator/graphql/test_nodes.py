from ghsync.simulator.actions import issues
from tests.simulator.graphql.conftest import Asking

NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


def test_every_node_is_found_by_its_id(asking: Asking, everything: dict[str, str]) -> None:
    shown = asking.data(NODES, ids=list(everything))["nodes"]
    assert {node["id"]: node["__typename"] for node in shown} == everything
    assert len(everything) == 21


def test_missing_nodes_are_null_between_the_others(asking: Asking, everything: dict[str, str]) -> None:
    (one, *_) = everything
    gone = issues.open_issue(asking.scene.world, asking.scene.repository, "Gone", by=asking.scene.ada)
    issues.delete(asking.scene.world, gone, by=asking.scene.ada)
    ids = [gone.node_id, one, "nonsense", "I_kwDOAA"]
    answered = asking.answer(NODES, ids=ids)
    assert [node and node["id"] for node in answered.payload["data"]["nodes"]] == [None, one, None, None]
    assert asking.errors(NODES, ids=ids) == [("NOT_FOUND", ["nodes", place]) for place in (0, 2, 3)]


def test_nodes_of_a_hidden_repository_are_not_found(asking: Asking, everything: dict[str, str]) -> None:
    asking.eyes.hidden.append(asking.scene.repository)
    shown = asking.answer(NODES, ids=list(everything)).payload["data"]["nodes"]
    assert {node["__typename"] for node in shown if node} == {"Bot", "Mannequin", "Organization", "Team", "User"}


def test_nodes_that_are_not_permitted_are_forbidden(asking: Asking, everything: dict[str, str]) -> None:
    asking.eyes.forbidden.append("checks")
    kinds = [kind for kind, _ in asking.errors(NODES, ids=list(everything))]
    assert kinds == ["FORBIDDEN", "FORBIDDEN"]


def test_more_than_a_hundred_ids_are_refused(asking: Asking) -> None:
    assert asking.errors(NODES, ids=["x"] * 101) == [("ARGUMENT_LIMIT", ["nodes"])]
