"""What a GitHub's schema knows of the parts that the documents may do without, asked for in one query.

GitHub Enterprise Server is behind github.com by versions, and what is deprecated goes.
https://docs.github.com/en/graphql/guides/introspection
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ghsync.errors import GraphQLUnavailable
from ghsync.github.parts import PARTS

_COORDINATE = re.compile(r"(\w+)\.(\w+)(?:\((\w+):\))?")


class _Argument(msgspec.Struct, frozen=True):
    name: str


class _Field(msgspec.Struct, frozen=True):
    name: str
    args: Sequence[_Argument] = ()


class _Type(msgspec.Struct, frozen=True):
    fields: Sequence[_Field] | None = None


_decoder = msgspec.json.Decoder(dict[str, _Type | None])


def coordinates(part: str) -> list[tuple[str, str, str]]:
    """The types, fields and arguments that a part is: the argument is empty where it is a field."""
    found = _COORDINATE.fullmatch(part)
    if found:
        kind, field, argument = found.groups(default="")
        return [(kind, field, argument)]
    return [(kind, part, "") for kind in PARTS[part].types]


TYPES = sorted({kind for part in PARTS for kind, _, _ in coordinates(part)})

QUERY = "query Schema {{\n{}\n}}\n".format(
    "\n".join(
        f'  {kind}: __type(name: "{kind}") {{ '
        "fields(includeDeprecated: true) { name args(includeDeprecated: true) { name } } }"
        for kind in TYPES
    )
)
"""The query. What is deprecated is still there."""


def lacking(data: bytes) -> dict[str, str]:
    """The parts that the schema lacks, each with a sentence, by the answer to the query."""
    try:
        told = _decoder.decode(data)
    except msgspec.MsgspecError:
        raise GraphQLUnavailable("GraphQL does not tell its schema as it should; it is asked again later.") from None
    return dict(_lacking(told))


def _lacking(told: Mapping[str, _Type | None]) -> Iterator[tuple[str, str]]:
    for part in PARTS:
        for kind, field, argument in coordinates(part):
            found = told.get(kind)
            fields = {each.name: each for each in (found.fields or ())} if found else {}
            if field not in fields:
                yield part, f"its schema has no {kind}.{field}"
                break
            if argument and argument not in {each.name for each in fields[field].args}:
                yield part, f"its schema has no {kind}.{field}({argument}:)"
                break
