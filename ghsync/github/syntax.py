"""GraphQL documents taken apart: what GitHub does not know or show is taken out of the text (see `parts`)."""

import copy
from collections.abc import Iterator, Sequence
from functools import lru_cache

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_location,
    parse,
    print_ast,
    visit,
)

from ghsync.github.documents import document
from ghsync.github.parts import AT, PARTS

Definition = OperationDefinitionNode | FragmentDefinitionNode


@lru_cache(maxsize=256)
def without(name: str, left_out: frozenset[str]) -> str:
    """The same query without these parts, and without the variables and fragments that only they needed."""
    if not left_out:
        return document(name)
    definitions = [_reduced(each, left_out) for each in _definitions(document(name))]
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in definitions if isinstance(each, OperationDefinitionNode))
    needed = {"": operation} | {found: fragments[found] for found in _spread(operation, fragments)}
    used = {variable for each in needed.values() for variable in _variables(each)}
    operation.variable_definitions = tuple(
        each for each in operation.variable_definitions if each.variable.name.value in used
    )
    return "\n\n".join(print_ast(each) for each in needed.values())


def asked(text: str) -> frozenset[str]:
    """The variables that a query takes."""
    operation = next(each for each in _definitions(text) if isinstance(each, OperationDefinitionNode))
    return frozenset(each.variable.name.value for each in operation.variable_definitions)


def place_at(text: str, line: int, column: int) -> str | None:
    """What stands at a line and column of a query: its fragment or name, and the names in the answer from there on."""
    for definition in _definitions(text):
        for place, node in _places(definition.selection_set, _title(definition)):
            if node.loc is not None:
                found = get_location(node.loc.source, node.loc.start)
                if (found.line, found.column) == (line, column):
                    return place
    return None


def places_of(text: str, path: Sequence[str | int]) -> list[str]:
    """What a path in the answer leads to: several places where fragments on several types have fields of one name."""
    definitions = _definitions(text)
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in definitions if isinstance(each, OperationDefinitionNode))
    found = [(_title(operation), operation.selection_set)]
    places: list[str] = []
    for key in (step for step in path if isinstance(step, str)):
        fields = [
            (place, node)
            for base, selections in found
            for place, node in _fields(selections, base, fragments)
            if place.rpartition(".")[2] == key
        ]
        places = [place for place, _ in fields]
        found = [(place, node.selection_set) for place, node in fields if node.selection_set is not None]
    return places


@lru_cache(maxsize=64)
def _parsed(text: str) -> DocumentNode:
    return parse(text)


def _definitions(text: str) -> list[Definition]:
    return [each for each in _parsed(text).definitions if isinstance(each, Definition)]


def _title(definition: Definition) -> str:
    return definition.name.value if definition.name else ""


def _key(field: FieldNode) -> str:
    """The name of a field in the answer."""
    return (field.alias or field.name).value


def _reduced(definition: Definition, left_out: frozenset[str]) -> Definition:
    reduced = copy.copy(definition)
    reduced.selection_set = _selections(definition.selection_set, _title(definition), left_out)
    return reduced


def _selections(selection_set: SelectionSetNode, base: str, left_out: frozenset[str]) -> SelectionSetNode:
    reduced = copy.copy(selection_set)
    kept: list[SelectionNode] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            kept += _field(node, f"{base}.{_key(node)}", left_out)
        elif isinstance(node, InlineFragmentNode):
            inside = copy.copy(node)
            inside.selection_set = _selections(node.selection_set, base, left_out)
            kept += [inside] if inside.selection_set.selections else []
        else:
            kept.append(node)
    reduced.selections = tuple(kept)
    return reduced


def _field(field: FieldNode, place: str, left_out: frozenset[str]) -> list[FieldNode]:
    """The field as it is asked for: without what is left out of it, as another, or not at all."""
    reduced = copy.copy(field)
    if (part := AT.get(place)) in left_out:
        instead = PARTS[str(part)].instead
        if instead is None:
            return []
        reduced.alias = NameNode(value=_key(field)) if _key(field) != instead else None
        reduced.name = NameNode(value=instead)
    reduced.arguments = tuple(each for each in field.arguments if AT.get(f"{place}.{each.name.value}") not in left_out)
    if field.selection_set is not None:
        reduced.selection_set = _selections(field.selection_set, place, left_out)
        if not reduced.selection_set.selections:
            return []
    return [reduced]


def _places(selection_set: SelectionSetNode, base: str) -> Iterator[tuple[str, FieldNode | ArgumentNode]]:
    """Everything within, with its place; what other fragments ask for has its place there."""
    for place, field in _fields(selection_set, base, {}):
        yield place, field
        yield from ((f"{place}.{each.name.value}", each) for each in field.arguments)
        if field.selection_set is not None:
            yield from _places(field.selection_set, place)


def _fields(
    selection_set: SelectionSetNode, base: str, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[tuple[str, FieldNode]]:
    """The fields of one level, with those of its fragments as far as these are given."""
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            yield f"{base}.{_key(node)}", node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, base, fragments)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            fragment = fragments[node.name.value]
            yield from _fields(fragment.selection_set, _title(fragment), fragments)


def _spread(definition: Definition, fragments: dict[str, FragmentDefinitionNode]) -> dict[str, None]:
    """The fragments that a definition needs, each once."""
    found: dict[str, None] = {}
    waiting = [definition]
    while waiting:
        for name in _named(waiting.pop(), FragmentSpreadNode):
            if name not in found:
                found[name] = None
                waiting.append(fragments[name])
    return found


def _variables(definition: Definition) -> list[str]:
    return _named(definition.selection_set, VariableNode)


def _named(root: Node, kind: type[FragmentSpreadNode] | type[VariableNode]) -> list[str]:
    """The names of all nodes of a kind within."""
    found: list[str] = []

    class Collector(Visitor):
        def enter(self, node: Node, *_: object) -> None:
            if isinstance(node, kind):
                found.append(node.name.value)

    visit(root, Collector())
    return found
