"""The one writer: what a write answers, and how values travel."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import label, milestone, pull_request, registry
from ghsync.mirror.noun import Noun, Origin, Row
from ghsync.mirror.upsert import Change, amend, parameter, record, upsert
from tests.mirror.reports import api, arrival, at, hook, in_app, rows

pytestmark = pytest.mark.anyio


async def app(conn: AsyncConnection) -> str:
    """The id of the repository acme/app, which is written."""
    batch = in_app()
    written = await registry.write(conn, batch)
    return written.ids["1"]


def bug(repository_id: str, name: str, origin: Origin, *, deleted: bool = False) -> Row:
    """A row of the label 7."""
    return {"repository_id": repository_id} | label.row(label.Payload(7, name, color="f00"), origin, deleted=deleted)


async def one(conn: AsyncConnection, noun: Noun, written: Sequence[Row]) -> Change:
    """What writing rows tells, when it tells of one."""
    (change,) = await upsert(conn, noun, written)
    return change


async def test_a_new_row_is_told_with_every_value_it_has(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        change = await one(conn, label.noun, [bug(repository_id, "bug", hook(1))])
        ((stored,),) = await rows(conn, "SELECT id::text FROM github_labels")
    assert change == Change(
        noun=label.noun,
        key=(repository_id, "7"),
        id=stored,
        created=True,
        fields=frozenset({"github_id", "name", "color", "is_default"}),
        old=None,
        new='{"name": "bug", "color": "f00", "github_id": "7", "is_default": false}',
        observed_at=at(1),
        sync_source="webhook",
        deleted=False,
    )


async def test_a_changed_row_is_told_with_old_and_new_values(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        created = await one(conn, label.noun, [bug(repository_id, "bug", hook(1))])
        changed = await one(conn, label.noun, [bug(repository_id, "flaw", api(2))])
    assert changed == Change(
        noun=label.noun,
        key=(repository_id, "7"),
        id=created.id,
        created=False,
        fields=frozenset({"name"}),
        old='{"name": "bug"}',
        new='{"name": "flaw"}',
        observed_at=at(2),
        sync_source="reconcile",
        deleted=False,
    )


async def test_a_row_whose_bookkeeping_alone_moved_has_no_fields(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        await upsert(conn, label.noun, [bug(repository_id, "bug", hook(1))])
        change = await one(conn, label.noun, [bug(repository_id, "bug", hook(2))])
    assert (change.fields, change.old, change.new, change.observed_at) == (frozenset(), None, None, at(2))


async def test_an_older_row_is_not_told(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        await upsert(conn, label.noun, [bug(repository_id, "bug", hook(2))])
        assert await upsert(conn, label.noun, [bug(repository_id, "flaw", hook(1))]) == []


async def test_an_older_deletion_is_told_although_nothing_else_is_written(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        await upsert(conn, label.noun, [bug(repository_id, "bug", hook(2))])
        change = await one(conn, label.noun, [bug(repository_id, "flaw", hook(1), deleted=True)])
    assert (change.fields, change.deleted, change.observed_at) == ({"deleted_at"}, True, at(2))


async def test_an_older_row_that_no_guid_orders_is_told_but_not_written(engine: AsyncEngine) -> None:
    def due(title: str, origin: Origin) -> Row:
        payload = milestone.Payload(7, 7, title, updated_at=at(0))
        return {"repository_id": repository_id} | milestone.row(payload, origin)

    async with transaction(engine) as conn:
        repository_id = await app(conn)
        await upsert(conn, milestone.noun, [due("spring", arrival(2))])
        change = await one(conn, milestone.noun, [due("autumn", arrival(1))])
        stored = await rows(conn, "SELECT title FROM github_milestones")
    assert (change.unordered, change.fields) == (True, frozenset())
    assert stored == [("spring",)]


async def test_no_rows_are_no_statement(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        assert await upsert(conn, label.noun, []) == []
        assert await amend(conn, pull_request.noun, pull_request.COMMENTS, []) == []


async def test_an_amendment_leaves_out_what_is_not_there(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        repository_id = await app(conn)
        report = {
            "repository_id": repository_id, "number": 404, "comments_count": 1,
            "comments_updated_at": at(1), "comments_observed_at": at(1),
        }  # fmt: skip
        assert await amend(conn, pull_request.noun, pull_request.COMMENTS, [report]) == []
        assert await rows(conn, "SELECT FROM github_pull_requests") == []


def test_rows_travel_as_one_json_text() -> None:
    assert parameter([{"at": at(0), "text": "é\N{SNOWMAN}", "list": [1, None]}]) == (
        '[{"at":"2026-03-02T12:00:00Z","text":"é\N{SNOWMAN}","list":[1,null]}]'
    )


def test_nul_is_replaced_at_any_depth_and_an_escaped_backslash_is_left_alone() -> None:
    assert parameter([{"a": "\0", "b": [{"\0": "x\0y"}], "c": "\\u0000"}]) == (
        '[{"a":"\N{REPLACEMENT CHARACTER}","b":[{"\N{REPLACEMENT CHARACTER}":"x\N{REPLACEMENT CHARACTER}y"}],'
        '"c":"\\\\u0000"}]'
    )


def test_bounded_text_is_read_whole_and_cast() -> None:
    assert record(label.table, ("name", "color")) == ("name TEXT, color TEXT", "r.name, r.color::VARCHAR(50) AS color")
