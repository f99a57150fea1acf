"""What queries may do without is in the schema that GitHub publishes, and the simulated GitHub has a part of it."""

from importlib import resources
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
)

from ghsync.github import introspection
from ghsync.github.parts import PARTS
from tests.conformance import published

pytestmark = published.needed


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return build_schema(resources.files("ghsync.simulator.graphql").joinpath("schema.graphql").read_text("utf-8"))


@pytest.fixture(scope="module")
def github() -> GraphQLSchema:
    return published.schema()


def shared(ours: GraphQLSchema, github: GraphQLSchema) -> list[tuple[Any, Any]]:
    """Our types with GitHub's of the same names."""
    return [(found, github.type_map[name]) for name, found in ours.type_map.items() if not name.startswith("__")]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_that_may_be_left_out_is_in_the_schema(github: GraphQLSchema, part: str) -> None:
    for kind, field, argument in introspection.coordinates(part):
        found: Any = github.type_map[kind]
        assert field in found.fields
        assert not argument or argument in found.fields[field].args


def test_every_type_is_githubs_and_of_its_kind(ours: GraphQLSchema, github: GraphQLSchema) -> None:
    assert ours.type_map.keys() <= github.type_map.keys()
    assert [found.name for found, theirs in shared(ours, github) if type(found) is not type(theirs)] == []


def test_every_field_has_githubs_type_and_nullability(ours: GraphQLSchema, github: GraphQLSchema) -> None:
    assert [
        f"{found.name}.{name}: {field.type}"
        for found, theirs in shared(ours, github)
        if has_fields(found)
        for name, field in found.fields.items()
        if name not in theirs.fields or str(theirs.fields[name].type) != str(field.type)
    ] == []


def test_every_argument_is_githubs_with_its_default(ours: GraphQLSchema, github: GraphQLSchema) -> None:
    assert [
        f"{found.name}.{name}({argument})"
        for found, theirs in shared(ours, github)
        if isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in found.fields.items()
        for argument, definition in field.args.items()
        if described(theirs.fields[name].args.get(argument)) != described(definition)
    ] == []


def test_no_argument_that_github_requires_is_missing(ours: GraphQLSchema, github: GraphQLSchema) -> None:
    assert [
        f"{found.name}.{name}({argument})"
        for found, theirs in shared(ours, github)
        if isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in found.fields.items()
        for argument, definition in theirs.fields[name].args.items()
        if str(definition.type).endswith("!") and definition.default_value is Undefined and argument not in field.args
    ] == []


def test_interfaces_enums_and_unions_are_githubs(ours: GraphQLSchema, github: GraphQLSchema) -> None:
    for found, theirs in shared(ours, github):
        assert names_within(found) <= names_within(theirs), found.name
        if isinstance(found, GraphQLEnumType | GraphQLUnionType):
            assert names_within(found) == names_within(theirs), found.name


def has_fields(found: GraphQLNamedType) -> bool:
    return isinstance(found, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)


def described(argument: Any) -> tuple[str, object] | None:
    """An argument's type and default."""
    return None if argument is None else (str(argument.type), argument.default_value)


def names_within(found: Any) -> set[str]:
    """The interfaces of an object, the values of an enum, the members of a union."""
    if isinstance(found, GraphQLEnumType):
        return set(found.values)
    return {each.name for each in getattr(found, "interfaces", getattr(found, "types", ()))}
