from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from ghsync.simulator.graphql.answer import loaded
from tests.simulator.graphql.conftest import Asking


def test_every_field_of_every_node_can_be_asked_for(asking: Asking, everything: dict[str, str]) -> None:
    parts = " ".join(f"... on {name} {{ {fields(name)} }}" for name in everything.values())
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ {parts} }} }}"
    shown = asking.data(query, ids=list(everything))["nodes"]
    assert [sorted(node) for node in shown] == [sorted(names(name)) for name in everything.values()]


def test_ids_beyond_32_bits_are_carried(asking: Asking, everything: dict[str, str]) -> None:
    (run,) = (text for text, name in everything.items() if name == "CheckRun")
    found = asking.data("query($id: ID!) { node(id: $id) { ... on CheckRun { databaseId } } }", id=run)
    assert found["node"]["databaseId"] > 2**32


def fields(name: str) -> str:
    """A selection of every field that needs no argument, of lists only the total; under names of its own."""
    found = loaded().type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return " ".join(
        f"{name}_{field}: {field}{inside(get_named_type(definition.type))}"
        for field, definition in found.fields.items()
        if f"{name}_{field}" in names(name)
    )


def names(name: str) -> list[str]:
    """The names under which the fields of a type are asked for."""
    found = loaded().type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return [
        f"{name}_{field}"
        for field, definition in found.fields.items()
        if not any(is_required_argument(argument) for argument in definition.args.values())
    ]


def inside(kind: object) -> str:
    """What to select within a field."""
    if is_leaf_type(kind):
        return ""
    return " { totalCount }" if str(kind).endswith("Connection") else " { __typename }"
