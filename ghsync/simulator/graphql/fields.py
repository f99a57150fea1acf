"""How the fields of a type are read: by the path of an attribute, or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

Resolver = Callable[..., object]
Fields = Mapping[str, "str | Resolver"]


def bind(schema: GraphQLSchema, name: str, fields: Fields) -> None:
    """Let a type be read by these fields, which must be all that it has."""
    found = schema.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise TypeError(f"{name} is not an object type")
    if found.fields.keys() != fields.keys():
        raise LookupError(f"{name} differs from the schema in {sorted(found.fields.keys() ^ fields.keys())}")
    for field_name, definition in found.fields.items():
        how = fields[field_name]
        definition.resolve = _by_path(how) if isinstance(how, str) else how


def bind_type(schema: GraphQLSchema, name: str, type_of: Callable[[Any], str]) -> None:
    """Let the members of an interface or a union be told apart."""
    found: Any = schema.type_map[name]
    found.resolve_type = lambda value, _info, _type: type_of(value)


def value(computed: Callable[[Any], object]) -> Resolver:
    """A field that follows from its object alone."""

    def resolve(parent: Any, _info: GraphQLResolveInfo, **_arguments: object) -> object:
        return computed(parent)

    return resolve


def always(constant: object) -> Resolver:
    """A field that is the same for all."""
    return value(lambda _parent: constant)


def _by_path(path: str) -> Resolver:
    return value(attrgetter(path))
