"""Queries that GitHub refuses as a whole, before anything is executed, in the words that it has for that.

Of a field or an argument that its schema lacks it tells the type and the name; of one that a token's scopes do not
reach, the scopes. Either is told of fields that ``@include`` leaves out, too.
https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    KnownArgumentNamesRule,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import FieldsOnCorrectTypeRule

from ghsync.simulator.graphql.refusals import Refused

RULES = [rule for rule in specified_rules if rule not in (FieldsOnCorrectTypeRule, KnownArgumentNamesRule)]

SCOPES: Mapping[str, tuple[str, ...]] = {"Team": ("read:org",)}
"""The scopes that a type's fields take, one of them."""

IMPLIED: Mapping[str, frozenset[str]] = {
    "admin:org": frozenset({"read:org", "write:org"}),
    "write:org": frozenset({"read:org"}),
}


def errors(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What the schema lacks, or else what else is wrong with a query."""
    found = _Unknown(TypeInfo(schema))
    visit(document, TypeInfoVisitor(found.types, found))
    return found.errors or validate(schema, document, RULES)


def denied(schema: GraphQLSchema, document: DocumentNode, scopes: Set[str]) -> list[GraphQLError]:
    """The fields that a token with these scopes may not ask for, whatever they would be."""
    found = _Denied(TypeInfo(schema), scopes)
    visit(document, TypeInfoVisitor(found.types, found))
    return found.errors


class _Unknown(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.errors: list[GraphQLError] = []
        self._path: list[str] = []

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        self._path = [f"query {node.name.value}" if node.name else "query"]

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self._path = [f"fragment {node.name.value}"]

    def enter_field(self, node: FieldNode, *_: object) -> Any:
        self._path.append((node.alias or node.name).value)
        parent = self.types.get_parent_type()
        if parent is None or self.types.get_field_def() is not None:
            return None
        told = {"code": "undefinedField", "typeName": parent.name, "fieldName": node.name.value}
        message = f"Field '{node.name.value}' doesn't exist on type '{parent.name}'"
        self.errors.append(GraphQLError(message, node, path=list(self._path), extensions=told))
        self._path.pop()
        return self.SKIP

    def leave_field(self, *_: object) -> None:
        self._path.pop()

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        field, name = self.types.get_field_def(), node.name.value
        if self.types.get_directive() is not None or field is None or name in field.args:
            return
        ours = self._path[-1]
        told = {"code": "argumentNotAccepted", "name": ours, "typeName": "Field", "argumentName": name}
        message = f"Field '{ours}' doesn't accept argument '{name}'"
        self.errors.append(GraphQLError(message, node, path=[*self._path, name], extensions=told))


class _Denied(Visitor):
    def __init__(self, types: TypeInfo, scopes: Set[str]) -> None:
        super().__init__()
        self.types = types
        self.errors: list[GraphQLError] = []
        self._granted = sorted(scopes)
        self._scopes = {*scopes}.union(*(IMPLIED.get(scope, frozenset()) for scope in scopes))

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self.types.get_parent_type()
        needed = SCOPES.get(parent.name, ()) if parent is not None else ()
        if not needed or node.name.value == "__typename" or self._scopes.intersection(needed):
            return
        message = (
            "Your token has not been granted the required scopes to execute this query. "
            f"The '{node.name.value}' field requires one of the following scopes: {list(needed)}, "
            f"but your token has only been granted the: {self._granted or ['']} scopes. "
            "Please modify your token's scopes at: https://github.com/settings/tokens."
        )
        refused = Refused("INSUFFICIENT_SCOPES", message)
        self.errors.append(GraphQLError(message, node, original_error=refused))
