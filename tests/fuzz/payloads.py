"""Payloads that GitHub might never send: real ones, of which something is odd.

An object is a list of pairs here, for a key may come twice; and what JSON has no value for is written as it is.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.conformance import examples
from tests.fixtures.recorded import FIXTURES, deliveries

MILLION = 10**6


class Object(list[tuple[str, Any]]):
    """The members of an object, in order."""


class Raw(str):
    """JSON, or what somebody takes for it, as it is sent."""


@dataclass(frozen=True)
class Sample:
    """A payload as it was recorded or published."""

    name: str
    event: str
    text: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


@cache
def samples() -> tuple[Sample, ...]:
    """All payloads that are here; those that Octokit publishes only after `make corpus`."""
    ours = [Sample(str(each), each.event, each.body.decode()) for each in deliveries(FIXTURES / "deliveries")]
    published = examples.load() if examples.CORPUS.exists() else ()
    return (*ours, *(Sample(each.name, each.event, each.body.decode()) for each in published))


@cache
def events() -> tuple[bytes, ...]:
    """Their events."""
    return tuple(sorted({each.event.encode() for each in samples()}))


def nested(depth: int, opening: str = "[", closing: str = "]") -> Raw:
    """Lists in lists, or objects in objects."""
    return Raw(opening * depth + closing * depth)


def repeated(item: str, count: int) -> Raw:
    """A list of the same again and again."""
    return Raw("[" + ",".join([item] * count) + "]")


# fmt: off
TEXTS = (
    "", " ", "\0", "a\0b", "\ud83d", "\ude00\ud83d", "\u202e\N{GRINNING FACE}", "x" * 300, "\x1b[31m", "\ufeff",
    "'; --", "\\", "\\u0000", "%s%%", "{}", "a/b", "/", "a/b/c", "..", "null", "NaN", "-1", "1e400", "true",
    "refs/heads/", "refs/tags/v1", "Closes #1", "closes octo-org/odd#99999999999999999999", "https://github.com/a/b/pull/1",
    "\u0130\u0131\ufb01", "open", "closed", "deleted", "0" * 40, "g" * 40, "a" * 64, "@everyone",
)

TIMES = (
    "2026-05-04T03:02:01Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "2026-05-04", "2026-05-04T03:02:01.1234567891Z",
    "1969-12-31T23:59:59Z", "+12026-01-01T00:00:00Z", "-0044-03-15T00:00:00Z", "2026-05-04T03:02:01+99:99", "now",
    "infinity", "2026-05-04 03:02:01",
)

NUMBERS = (
    0, -1, 1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 10**300, 0.5,
    -0.0, 1e308, 5e-324, Raw("1e400"), Raw("-1e400"), Raw("1.0"), Raw("7.0e0"), Raw("1E3"), Raw("0x10"), Raw("01"),
    Raw("+1"), Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("9" * 5000), Raw("-" + "9" * 4299),
)

SHAPES = (
    None, True, False, [], [[]], [None], Object(), Object([("id", None)]), Object([("id", 1)]), Object([("", "")]),
    Object([("id", 7), ("login", "mona"), ("type", "User")]), Object([("id", "7"), ("number", "7")]), Raw(""),
    Raw("undefined"), Raw('"\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'), Raw('"\t"'), nested(30), nested(500),
    nested(2000), nested(200, '{"a":', "}"),
)
# fmt: on

ODD = st.one_of(*map(st.sampled_from, (TEXTS, TIMES, NUMBERS, SHAPES)))

# So many that what looks at each of all is slow; rarely, for each of these is megabytes.
MANY = st.builds(
    repeated,
    st.sampled_from(("0", "null", "{}", '""', "[]", '{"id":1}', "NaN", '{"id":"x"}')),
    st.sampled_from((*[101] * 10, *[5000] * 4, MILLION)),
)


@st.composite
def mutated(draw: st.DrawFn, sample: Sample) -> bytes:
    """The payload, of which one to four things are odd."""
    tree = _read(sample.text)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(tree))
        if not places:
            break
        holder, at = places[draw(st.integers(0, len(places) - 1))]
        draw(st.sampled_from(MUTATIONS))(draw, holder, at, places)
    return draw(st.sampled_from(WRITTEN))(write(tree))


def _read(text: str) -> Object:
    tree: Object = json.loads(text, object_pairs_hook=Object)
    return tree


def _places(tree: Any) -> Iterator[tuple[list[Any], int]]:
    """Every place where something stands, but for addresses, of which there are more than of all else."""
    holders: list[Any] = [tree]
    while holders:
        holder = holders.pop()
        for at, item in enumerate(holder):
            key, value = item if isinstance(holder, Object) else ("", item)
            if key == "_links" or (key.endswith("url") and key != "html_url"):
                continue
            yield holder, at
            if isinstance(value, list):
                holders.append(value)


def _put(holder: list[Any], at: int, value: Any) -> None:
    holder[at] = (holder[at][0], value) if isinstance(holder, Object) else value


def _get(holder: list[Any], at: int) -> Any:
    return holder[at][1] if isinstance(holder, Object) else holder[at]


Places = list[tuple[list[Any], int]]


def replace(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """Something odd in its place."""
    _put(holder, at, draw(ODD))


def swap(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """What stands elsewhere, as text, so that nothing holds itself."""
    other, there = places[draw(st.integers(0, len(places) - 1))]
    _put(holder, at, Raw(write(_get(other, there)).decode()))


def leave_out(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """Nothing."""
    del holder[at]


def say_twice(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """Two of a key, or of an item; the second one odd or not."""
    again = holder[at] if draw(st.booleans()) else None
    holder.insert(
        at + 1, again if again is not None else (holder[at][0], draw(ODD)) if isinstance(holder, Object) else draw(ODD)
    )


def wrap(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """A list or an object of what it was."""
    value = _get(holder, at)
    _put(holder, at, [value] if draw(st.booleans()) else Object([("id", value)]))


def as_text(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """As text what it was."""
    _put(holder, at, write(_get(holder, at)).decode())


def multiply(draw: st.DrawFn, holder: list[Any], at: int, places: Places) -> None:
    """More than anybody sends."""
    _put(holder, at, draw(MANY))


Mutation = Callable[[st.DrawFn, list[Any], int, Places], None]

MUTATIONS: tuple[Mutation, ...] = (
    replace, replace, replace, replace, swap, swap, leave_out, leave_out, say_twice, say_twice, wrap, as_text, multiply,
)  # fmt: skip


def _unchanged(body: bytes) -> bytes:
    return body


WRITTEN: tuple[Callable[[bytes], bytes], ...] = (
    *[_unchanged] * 40,
    lambda body: body[:-1],
    lambda body: body[: len(body) // 2],
    lambda body: body + b"\n\t ",
    lambda body: body + b"{}",
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: b"[" + body + b"]",
    lambda body: body.replace(b"e", b"\xff", 3),
    lambda body: body.replace(b'"', b'"\xc3', 40),
    lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda body: body.replace(b":", b": \0"),
    lambda body: b"",
)


def write(tree: Any) -> bytes:
    """JSON in UTF-8, with halves of surrogate pairs escaped."""
    return "".join(_written(tree)).encode()


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, Raw):
        yield value
    elif isinstance(value, Object):
        for place, (key, item) in enumerate(value):
            yield f"{',' if place else '{'}{json.dumps(key)}:"
            yield from _written(item)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield "," if place else "["
            yield from _written(item)
        yield "]" if value else "[]"
    else:
        yield json.dumps(value)
