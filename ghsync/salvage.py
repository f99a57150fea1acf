"""What can be read of a value that is not in every part of the type that is expected.

An optional part that cannot be read counts as absent, and an element of a list leaves its list. What is required takes
along whatever holds it, up to the next optional part; where there is none, nothing can be read at all.

The type is walked once, so the work is bounded by the size of the value, however much of it is odd. Where very much is,
the rest of a list leaves it unread: a million reasons would take ten seconds.
"""

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct, ValidationError

# RFC 3339, section 5.6, allows a second 60, which datetime cannot hold.
_LEAP_SECOND = re.compile(r"(?<=[Tt ]\d\d:\d\d:)60")
MOST = 5000  # parts of one value that are told of; GitHub puts less into any list
_EXACT = 2**53  # up to here a float is the number that was written


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A part that was taken out: its path, without the numbers of elements, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Salvage:
    """One value on its way into a type; ``lost`` is what was taken out so far."""

    strict: bool = True
    lost: list[UnreadableValue] = field(default_factory=list)

    def read(self, value: Any, kind: Any, path: str = "$") -> Any:
        """``value`` as ``kind``, as far as it can be read; raises `ValidationError` with the path where it cannot."""
        with suppress(ValidationError):
            return msgspec.convert(value, kind, strict=self.strict)
        for one in alternatives(kind):
            if isinstance(value, Mapping) and _holds(one, value):
                return self._object(value, one, path)
            if isinstance(value, list) and is_list(one):
                return list(self._elements(value, get_args(one)[0], f"{path}[...]"))
        return self._scalar(value, kind, path)

    def _object(self, value: Mapping[str, Any], kind: type[Struct], path: str) -> Struct:
        parts = {}
        for part in _parts(kind):
            inside = f"{path}.{part.encode_name}"
            try:
                if part.encode_name in value:
                    parts[part.name] = self.read(value[part.encode_name], part.type, inside)
                elif part.required:
                    raise ValidationError(f"Object missing required field `{part.encode_name}` - at `{path}`")
            except ValidationError as error:
                if part.required:
                    raise
                self.lost.append(UnreadableValue(inside, str(error)))
        try:
            return kind(**parts)
        except ValueError as error:
            raise ValidationError(f"{error} - at `{path}`") from None

    def _elements(self, values: list[Any], kind: Any, path: str) -> Iterator[Any]:
        for place, value in enumerate(values):
            if len(self.lost) >= MOST:
                self.lost.append(UnreadableValue(path, f"{len(values) - place:,} more, not looked at - at `{path}`"))
                return
            try:
                yield self.read(value, kind, path)
            except ValidationError as error:
                self.lost.append(UnreadableValue(path, str(error)))

    def _scalar(self, value: Any, kind: Any, path: str) -> Any:
        with suppress(ValidationError, OverflowError):
            match value:
                case str() if _LEAP_SECOND.search(value):
                    second = msgspec.convert(_LEAP_SECOND.sub("59", value), kind, strict=self.strict)
                    if isinstance(second, datetime):
                        return second + timedelta(seconds=1)
                case float() if value.is_integer() and abs(value) < _EXACT:
                    return msgspec.convert(int(value), kind, strict=self.strict)
        try:
            return msgspec.convert(value, kind, strict=self.strict)
        except ValidationError as error:
            raise ValidationError(f"{str(error).partition(' - at ')[0]} - at `{path}`") from None


_parts = cache(msgspec.structs.fields)


@cache
def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types that a type allows."""
    origin = get_origin(kind)
    if origin is Annotated:
        return alternatives(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return tuple(one for each in get_args(kind) for one in alternatives(each))
    return (kind,)


def _holds(kind: Any, value: Mapping[str, Any]) -> bool:
    """Whether an object is of this type, which of several its tag says."""
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return False
    told = kind.__struct_config__
    return told.tag is None or told.tag_field is None or value.get(told.tag_field) == told.tag


def is_list(kind: Any) -> bool:
    """Whether a type is that of a list."""
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Sequence)
