"""GraphQL's answers, made from GitHub's schema: each of its choices is taken by whoever asks, as in `making`."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    execute_sync,
    extend_schema,
    is_abstract_type,
    parse,
)

from ghsync.github import partial
from tests.conformance import published
from tests.generated.making import ODD_TEXTS, TIMES, Choose

REPOSITORY = 204_671_232
HEAD, OTHER = "a" * 40, "b" * 40
LABEL, MILESTONE = "LA_kwDODDMJAM8", 3
WORD = "WORD_OF_THE_FUTURE"
LARGEST = 2**31 - 1
EXTREMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
LENGTHS = (1, 0, 2)
OTHER_NODE = "User"
"""What a node id may lead to that nobody asked for."""

# Who is a member of these unions some day, nobody knows; GitHub's Agents are announced.
NEWCOMERS = """
type Agent implements Actor & Node {
  avatarUrl(size: Int): URI!
  id: ID!
  login: String!
  resourcePath: URI!
  url: URI!
}
extend union Assignee = Agent
extend union RequestedReviewer = Agent
"""

# Of a field, what is not made by its type alone: the names of labels are what they are found by.
GIVEN: Mapping[tuple[str, str], Sequence[object]] = {
    ("Label", "id"): (LABEL, "LA_of_another_form"),
    ("Label", "name"): ("Bug", "never seen"),
    ("Milestone", "number"): (MILESTONE, 4000),
    ("Repository", "nameWithOwner"): ("acme/parts",),
    ("Ref", "name"): ("main", "topic"),
    ("PullRequest", "baseRefName"): ("main", "release"),
}
IDENTIFYING = ("login", "slug", "endCursor")


@cache
def schema() -> GraphQLSchema:
    """GitHub's schema, in which each enum has a word, and each union of people a member, that nobody knows."""
    enums = [each for each in published.definitions().definitions if isinstance(each, EnumTypeDefinitionNode)]
    words = "\n".join(f"extend enum {each.name.value} {{ {WORD} }}" for each in enums)
    return extend_schema(published.schema(), parse(NEWCOMERS + words), assume_valid=True)


def node_id(kind: str, number: int) -> str:
    """A node id as GitHub's are today."""
    packed = base64.urlsafe_b64encode(msgspec.msgpack.encode([0, REPOSITORY, number])).decode().rstrip("=")
    return f"{kind}_{packed}"


def number_in(node_id: str) -> str | None:
    """The number in a node id, as the database has it; none is in those of another form."""
    packed = node_id.partition("_")[2]
    return str(msgspec.msgpack.decode(base64.urlsafe_b64decode(f"{packed}==="), type=list[int])[2]) if packed else None


@dataclass(frozen=True)
class Answering:
    """Answers queries; ``serial`` tells the numbers of one answer from those of others."""

    choose: Choose
    serial: int = 1
    numbers: dict[str, int] = field(default_factory=dict)

    def data(self, document: DocumentNode, variables: Mapping[str, object]) -> dict[str, Any]:
        """``data`` of the answer to a document."""
        result = execute_sync(
            schema(), document, root_value={}, variable_values=dict(variables), field_resolver=self._resolve
        )
        assert result.errors is None
        assert result.data is not None
        return result.data

    def _resolve(self, source: dict[str, Any], info: GraphQLResolveInfo, **arguments: Any) -> Any:
        path = ".".join(map(str, info.path.as_list()))
        if info.parent_type.name == "Query" and "ids" in arguments:
            return [self._value(_item(info.return_type), f"{path}.{place}", source, info)
                    for place in range(len(arguments["ids"]))]  # fmt: skip
        return self._value(info.return_type, path, source, info)

    def _value(self, kind: GraphQLOutputType, path: str, source: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._there(kind.of_type, path, source, info)
        return None if self.choose(f"{path}?", 2) else self._there(kind, path, source, info)

    def _there(self, kind: GraphQLOutputType, path: str, source: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        if isinstance(kind, GraphQLList):
            several = LENGTHS[self.choose(f"{path}[]", len(LENGTHS))]
            return [self._value(kind.of_type, f"{path}.{place}", source, info) for place in range(several)]
        if is_abstract_type(kind):
            members = _turned(_members(kind, info), path)
            return self._object(members[self.choose(f"{path}|", len(members))], path)
        if isinstance(kind, GraphQLObjectType):
            return self._object(kind.name, path)
        options = _options(kind, info.parent_type.name, info.field_name, source.get("number", 0))
        return options[self.choose(path, len(options))]

    def _object(self, kind: str, path: str) -> dict[str, Any]:
        number = self.serial * 1000 + self.numbers.setdefault(path, len(self.numbers) + 1)
        return {"__typename": kind, "number": number}


def body(data: Mapping[str, Any]) -> bytes:
    """``data`` as the client takes it out of what GitHub sends."""
    envelope = partial.read(json.dumps({"data": data}).encode())
    assert partial.error(envelope) is None
    return bytes(envelope.data)


def _item(kind: GraphQLOutputType) -> Any:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    assert isinstance(kind, GraphQLList)
    return kind.of_type


def _members(kind: GraphQLAbstractType, info: GraphQLResolveInfo) -> list[str]:
    """The types that something may be of; of any node, those that the document asks for and another one."""
    if kind.name != "Node":
        return sorted((each.name for each in info.schema.get_possible_types(kind)), key=lambda name: name != "User")
    selections = [one for node in info.field_nodes if node.selection_set for one in node.selection_set.selections]
    asked = [info.fragments[one.name.value] for one in selections if isinstance(one, FragmentSpreadNode)]
    inline = [one for one in selections if isinstance(one, InlineFragmentNode)]
    conditions: list[FragmentDefinitionNode | InlineFragmentNode] = [*asked, *inline]
    return [*(one.type_condition.name.value for one in conditions), OTHER_NODE]


def _turned(members: list[str], path: str) -> list[str]:
    """Another one comes first in each place of a list."""
    place = path.rpartition(".")[2]
    start = int(place) % len(members) if place.isdigit() else 0
    return members[start:] + members[:start]


def _options(kind: GraphQLOutputType, parent: str, name: str, number: int) -> Sequence[Any]:
    if (parent, name) in GIVEN:
        return GIVEN[parent, name]
    if isinstance(kind, GraphQLEnumType):
        return sorted(kind.values, key=lambda word: (word == WORD, word == "PENDING"))
    assert isinstance(kind, GraphQLScalarType)
    texts = (f"{name}-{number}", *(() if name in IDENTIFYING else ODD_TEXTS))
    return _SCALARS[kind.name](parent, name, number) if kind.name in _SCALARS else texts


def _integers(_: str, name: str, number: int) -> Sequence[int]:
    if name in ("databaseId", "number"):
        return (number,)
    return (1, 0, 100_000) if name == "totalCount" else (7, 0, LARGEST)


_SCALARS: Mapping[str, Callable[[str, str, int], Sequence[Any]]] = {
    "BigInt": lambda parent, name, number: (str(number), str(number + 2**53), number + 2**53),
    "Boolean": lambda parent, name, number: (False, True),
    "DateTime": lambda parent, name, number: (*TIMES, *EXTREMES),
    "GitObjectID": lambda parent, name, number: (HEAD, OTHER),
    "ID": lambda parent, name, number: (node_id(parent, number), f"MDU6{parent}{number}"),
    "Int": _integers,
    "URI": lambda parent, name, number: (f"https://github.test/{parent}/{number}",),
}
