"""Every GraphQL document that ghsync sends, whole and without those of its parts that may be left out."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import chain, combinations

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from ghsync.github import syntax
from ghsync.github.parts import PARTS

NAMES = sorted(
    each.name.removesuffix(".graphql")
    for each in resources.files("ghsync.github").joinpath("queries").iterdir()
    if each.name.endswith(".graphql")
)

WHOLE: frozenset[str] = frozenset()
EXHAUSTED = 6
"""Of so many parts every subset is left out; of more, each alone, all but each, and those side by side in a field."""


@cache
def asked(name: str, left_out: frozenset[str] = WHOLE) -> DocumentNode:
    """A document as it is sent."""
    return parse(syntax.without(name, left_out))


def parts(name: str) -> list[str]:
    """What may be left out of a document."""
    titles = {
        each.name.value
        for each in asked(name).definitions
        if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode) and each.name
    }
    return [part for part, told in PARTS.items() if titles & {place.partition(".")[0] for place in told.places}]


def variants(name: str) -> Iterator[frozenset[str]]:
    """What is left out of each variant of a document."""
    there = parts(name)
    if len(there) <= EXHAUSTED:
        yield from subsets(there, range(len(there) + 1))
        return
    for few in subsets(there, range(2)):
        yield few
        yield frozenset(there) - few
    yield from (pair for pair in subsets(there, [2]) if _are_side_by_side(*pair))


def _are_side_by_side(one: str, other: str) -> bool:
    """Whether the selection of a field may be left empty by both."""
    fields = [{place.rpartition(".")[0] for place in PARTS[part].places} for part in (one, other)]
    return any("." in field for field in fields[0] & fields[1])


def subsets(of: Iterable[str], sizes: Iterable[int]) -> Iterator[frozenset[str]]:
    """All sets of so many of these."""
    members = list(of)
    return map(frozenset, chain.from_iterable(combinations(members, size) for size in sizes))
