"""Values made from a schema: each of its choices is taken by whoever asks, at random or one at a time.

Made are the fields that ghsync reads; the decoder skips all others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

import msgspec

from ghsync.salvage import alternatives, is_list
from tests.generated import schemas
from tests.generated.schemas import Either, Leaf, Listed, Named, Shape, Words

LARGE = 2**53 + 1
NAME_CHARACTERS = 100  # more than any account or repository on GitHub can have
ODD_TEXTS = ("", "nul \0", "half \ud83d", "x" * 300, "\N{ROCKET} l\N{LATIN SMALL LETTER I WITH DIAERESIS}ne\n\u202e")
TIMES = ("2026-03-02T12:00:00Z", "2026-03-02T12:00:00.123Z", "2026-03-02T14:00:00+02:00", "1969-12-31T23:59:59Z")
UNKNOWN = "word of the future"

Choose = Callable[[str, int], int]
"""Which of so many options is taken at a path."""

_parts = cache(msgspec.structs.fields)


@dataclass(frozen=True)
class Maker:
    """Makes values; ``serial`` tells those of one example from those of others."""

    choose: Choose
    serial: int = 1
    given: dict[str, Any] = field(default_factory=dict)

    def make(self, shape: Shape, kind: Any, path: str) -> Any:
        """A value of this shape, of which ``kind``, a type of ghsync's, tells the fields that are read."""
        match shape:
            case Named():
                return self._object(shape, kind, path)
            case Listed():
                several = (2, 0, 1)[self.choose(f"{path}[]", 3)]
                return [self.make(shape.item, _item(kind), f"{path}[{place}]") for place in range(several)]
            case Either():
                return self.make(shape.members[self.choose(f"{path}|", len(shape.members))], kind, path)
            case Words():
                return (*shape.words, UNKNOWN)[self.choose(path, len(shape.words) + 1)]
            case Leaf():
                options = self._options(shape.kind, path)
                return options[self.choose(path, len(options))]

    def _object(self, shape: Named, kind: Any, path: str) -> dict[str, Any]:
        struct = next((one for one in alternatives(kind) if hasattr(one, "__struct_fields__")), None)
        if struct is None:
            return {}
        made = {}
        told = schemas.fields(shape)
        for part in _parts(struct):
            name, inside = part.encode_name, f"{path}.{part.encode_name}"
            if name in told and (told[name].required or self.choose(f"{inside}?", 2) == 0):
                made[name] = self.make(told[name].shape, part.type, inside)
        return made

    def _options(self, kind: str, path: str) -> Sequence[Any]:
        name = path.rpartition(".")[2]
        if path in self.given:
            return (self.given[path],)
        match kind:
            case "null":
                return (None,)
            case "bool":
                return (True, False)
            case "int" if name in ("id", "number"):
                # The identity is the example's own; of what is only shown, ids may be of any size.
                own = self.serial * 100 + sum(map(ord, path)) % 100
                return (own,) if path.count(".") == 2 else (own, LARGE)
            case "int":
                return (7, 0, LARGE)
            case "float":
                return (7.5,)
            case "datetime" | "str" if kind == "datetime" or name.endswith(("_at", "_on")):
                return TIMES
            case "date":
                return ("2026-03-02",)
            case "str":
                return (f"{name}-{self.serial}", *(() if name in OWN_NAMES else ODD_TEXTS))
            case _:
                return ({"any": [1, None, "\0"]}, "text", None)


# What identifies: odd ones are a matter of the tests of what is parked.
OWN_NAMES = ("full_name", "head_sha", "sha", "node_id", "ref")


def _item(kind: Any) -> Any:
    return next((get_args(one)[0] for one in alternatives(kind) if is_list(one)), Any)


def variants(make: Callable[[Choose], Any], seen: set[tuple[str, int, int]]) -> Iterator[Any]:
    """What is made where every choice is the first, and then each other choice not ``seen`` yet, one at a time."""
    points: dict[str, int] = {}

    def first(path: str, options: int) -> int:
        points[path] = options
        return 0

    yield make(first)
    for path, options in list(points.items()):
        for option in range(1, options):
            if (path, options, option) in seen:
                continue
            seen.add((path, options, option))
            yield make(lambda asked, _, path=path, option=option: option if asked == path else 0)
