"""What a query costs, told from its text alone: every page is assumed to be full.

https://docs.github.com/en/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLIncludeDirective,
    GraphQLSchema,
    GraphQLSkipDirective,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_directive_values,
    get_named_type,
    is_composite_type,
    is_union_type,
)

REQUESTS_PER_POINT = 100


@dataclass
class Cost:
    """The requests that fetch each connection once for each of its parents, and the nodes they may give."""

    requests: int = 0
    nodes: int = 0

    @property
    def points(self) -> int:
        """What is taken from the budget, one at least."""
        return max(1, (self.requests + REQUESTS_PER_POINT // 2) // REQUESTS_PER_POINT)


@dataclass(frozen=True)
class Measure:
    """Measures one operation of a document with its variables."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]

    def measure(self, operation: OperationDefinitionNode) -> Cost:
        """The cost of the operation."""
        cost = Cost()
        if self.schema.query_type is not None:
            self._walk([operation.selection_set], self.schema.query_type, 1, cost)
        return cost

    def _walk(
        self, selections: Iterable[SelectionSetNode], parent: GraphQLCompositeType, times: int, cost: Cost
    ) -> None:
        for owner, nodes in self._merged(selections, parent):
            node = nodes[0]
            definition = None if is_union_type(owner) else owner.fields.get(node.name.value)
            inside = [each.selection_set for each in nodes if each.selection_set is not None]
            if definition is None or not inside:
                continue
            kind = get_named_type(definition.type)
            inner = times
            if kind.name.endswith("Connection"):
                inner *= self._argument(node, "first") or self._argument(node, "last") or 0
                cost.requests += times
                cost.nodes += inner
            elif owner is self.schema.query_type and node.name.value == "nodes":
                inner *= self._argument(node, "ids") or 0
            if is_composite_type(kind):
                self._walk(inside, kind, inner, cost)

    def _merged(self, selections: Iterable[SelectionSetNode], parent: Any) -> Iterable[tuple[Any, list[FieldNode]]]:
        """The fields of a type, those of one name together: what two fragments ask for is fetched once."""
        found: dict[tuple[str, str], tuple[Any, list[FieldNode]]] = {}
        for selection_set in selections:
            for owner, node in self._fields(selection_set, parent):
                name = (node.alias or node.name).value
                found.setdefault((owner.name, name), (owner, []))[1].append(node)
        return found.values()

    def _fields(self, selections: SelectionSetNode, parent: Any) -> Iterator[tuple[Any, FieldNode]]:
        """The fields of a selection with the types they are selected on, fragments laid open."""
        for selection in selections.selections:
            if self._is_left_out(selection):
                continue
            if isinstance(selection, FieldNode):
                yield parent, selection
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
            condition = fragment.type_condition
            owner = parent if condition is None else self.schema.type_map[condition.name.value]
            yield from self._fields(fragment.selection_set, owner)

    def _is_left_out(self, selection: SelectionNode) -> bool:
        """Whether `@include` or `@skip` leaves it out."""
        return any(
            get_directive_values(directive, selection, dict(self.variables)) == {"if": leaves_out}
            for directive, leaves_out in ((GraphQLIncludeDirective, False), (GraphQLSkipDirective, True))
        )

    def _argument(self, node: FieldNode, name: str) -> int | None:
        """A whole number given as an argument, or the length of a list of ids."""
        value: object = next((each.value for each in node.arguments if each.name.value == name), None)
        if isinstance(value, VariableNode):
            value = self.variables.get(value.name.value)
        if isinstance(value, IntValueNode):
            return int(value.value)
        if isinstance(value, ListValueNode):
            return len(value.values)
        return len(value) if isinstance(value, list) else value if isinstance(value, int) else None
