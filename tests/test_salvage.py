"""Salvage: what cannot be read is left out as closely as the type allows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest

from ghsync import payload
from ghsync.errors import MalformedPayload
from ghsync.salvage import MOST, Salvage, UnreadableValue


class Person(msgspec.Struct, frozen=True):
    id: int
    login: Annotated[str, msgspec.Meta(max_length=5)] = "ghost"


class Issue(msgspec.Struct, frozen=True, tag="Issue", tag_field="__typename"):
    number: int
    user: Person | None = None
    people: list[Person | None] | None = None
    comments: Annotated[int, msgspec.Meta(le=100)] | None = None
    closed_at: datetime | None = None


class Pull(msgspec.Struct, frozen=True, tag="Pull", tag_field="__typename", rename="camel"):
    head_ref: str


class Answer(msgspec.Struct, frozen=True):
    issue: Issue | None = None
    nodes: Sequence[Issue | Pull | None] = ()


def about(**fields: Any) -> dict[str, Any]:
    return {"__typename": "Issue", "number": 1, **fields}


def salvaged(value: Any, kind: Any) -> tuple[Any, list[str]]:
    """What was read, and the paths of what was not."""
    salvage = Salvage()
    return salvage.read(value, kind), [part.path for part in salvage.lost]


@pytest.mark.parametrize(("value", "read", "lost"), [
    (about(), Issue(1), []),
    (about(user={"id": 1, "login": "uma"}), Issue(1, Person(1, "uma")), []),
    (about(user={"id": 1, "login": 7}), Issue(1, Person(1)), ["$.user.login"]),
    (about(user={"id": 1, "login": "too long"}), Issue(1, Person(1)), ["$.user.login"]),
    (about(user={"login": "uma"}), Issue(1), ["$.user"]),
    (about(user="uma"), Issue(1), ["$.user"]),
    (about(people=[{"id": 1}, {"slug": "core"}, None, 7]), Issue(1, people=[Person(1), None]), ["$.people[...]"] * 2),
    (about(people={}), Issue(1), ["$.people"]),
    (about(comments=1e2), Issue(1, comments=100), []),
    (about(comments=101), Issue(1), ["$.comments"]),
    (about(comments=101.0), Issue(1), ["$.comments"]),
    (about(comments=1.5), Issue(1), ["$.comments"]),
    (about(comments="12"), Issue(1), ["$.comments"]),
    (about(closed_at="2016-12-31T23:59:60Z"), Issue(1, closed_at=datetime(2017, 1, 1, tzinfo=UTC)), []),
    (about(closed_at="9999-12-31T23:59:60Z"), Issue(1), ["$.closed_at"]),
    (about(closed_at="20222-01-01T00:00:00Z"), Issue(1), ["$.closed_at"]),
], ids=str)  # fmt: skip
def test_a_part_that_cannot_be_read_is_left_out(value: Any, read: Issue, lost: list[str]) -> None:
    assert salvaged(value, Issue) == (read, lost)


def test_what_is_required_takes_along_what_holds_it() -> None:
    nodes = [about(), about(number="one"), {"__typename": "Pull", "headRef": "x"}, {"__typename": "Pull"}, None]
    read, lost = salvaged({"issue": about(number=None), "nodes": nodes}, Answer)
    assert read == Answer(None, [Issue(1), Pull("x"), None])
    assert lost == ["$.issue", "$.nodes[...]", "$.nodes[...]"]


def test_a_reason_has_the_path_of_the_innermost_part() -> None:
    salvage = Salvage()
    salvage.read({"nodes": [about(people=[{"login": "uma"}])]}, Answer)
    reason = "Object missing required field `id` - at `$.nodes[...].people[...]`"
    assert salvage.lost == [UnreadableValue("$.nodes[...].people[...]", reason)]


@pytest.mark.parametrize("body", [b"{}", b"null", b"7", b'{"message": "Not Found"}'])
def test_an_answer_that_is_no_list_where_one_is_wanted_says_so(body: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"Expected `array`, got `\w+` - at `\$`"):
        payload.read(msgspec.json.Decoder(list[Person]), body)


def test_a_page_is_read_without_what_cannot_be() -> None:
    page, lost = payload.read(msgspec.json.Decoder(list[Person]), b'[{"id": 1}, null, {"login": "uma"}, {"id": 2}]')
    assert page == [Person(1), Person(2)]
    assert [part.path for part in lost] == ["$[...]", "$[...]"]


def test_many_odd_elements_are_left_out_in_one_walk() -> None:
    people = [{"slug": "core"}] * 4_000
    read, lost = salvaged(about(people=[*people, {"id": 1}]), Issue)
    assert (read.people, len(lost)) == ([Person(1)], len(people))


def test_of_more_odd_elements_than_anybody_sends_the_rest_is_not_looked_at() -> None:
    salvage = Salvage()
    read = salvage.read(about(people=[[]] * 1_000_000), Issue)
    assert (read.people, len(salvage.lost)) == ([], MOST + 1)
    rest = f"{1_000_000 - MOST:,} more, not looked at - at `$.people[...]`"
    assert salvage.lost[-1] == UnreadableValue("$.people[...]", rest)
