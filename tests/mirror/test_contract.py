"""What holds for every noun of the mirror (I4, I5): older never overwrites newer, in whatever order they come."""

import importlib
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import mirror
from ghsync.mirror.noun import Origin
from ghsync.projector import project
from tests.mirror import reports
from tests.mirror.reports import Report, Subject, api, arrival, at, hook, iso, write

pytestmark = pytest.mark.anyio

every_noun = pytest.mark.parametrize("subject", reports.SUBJECTS, ids=str)
every_dated_noun = pytest.mark.parametrize("subject", reports.DATED, ids=str)
every_mortal_noun = pytest.mark.parametrize("subject", reports.MORTAL, ids=str)

ONE, TWO, THREE = (
    Report(text, at(minute), hook(minute + 0.5)) for minute, text in enumerate(("one", "two", "three"), 1)
)


def test_every_noun_is_held_to_this() -> None:
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(mirror.__path__, "ghsync.mirror.")]
    nouns = {module.noun for module in modules if hasattr(module, "noun")}
    assert {subject.noun for subject in reports.SUBJECTS} == nouns


@every_noun
async def test_an_older_payload_never_overwrites_a_newer_row(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(TWO), subject.batch(ONE))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, subject.narrow, "observed_at")
    assert row == {subject.shown: "two", subject.narrow: "two", "observed_at": TWO.origin.observed_at}


@every_dated_noun
async def test_githubs_clock_decides_before_ours_does(engine: AsyncEngine, subject: Subject) -> None:
    late = Report("late", at(1), hook(60))
    await write(engine, subject.batch(TWO), subject.batch(late))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "two"}


@pytest.mark.parametrize("subject", reports.UNDATED_IS_OLD, ids=str)
async def test_a_payload_without_a_time_is_older_than_any(engine: AsyncEngine, subject: Subject) -> None:
    undated = Report("undated", None, hook(60))  # type: ignore[arg-type]
    await write(engine, subject.batch(ONE), subject.batch(undated))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "one"}


@pytest.mark.parametrize("subject", reports.UNDATED_IS_NEW, ids=str)
async def test_a_payload_of_a_noun_that_some_answers_do_not_date_is_as_new_as_it_was_observed(
    engine: AsyncEngine, subject: Subject
) -> None:
    undated = Report("undated", None, api(2.75))  # type: ignore[arg-type]
    for order in permutations((TWO, undated, THREE)):
        async with engine.connect() as conn:
            for report in order[:2]:
                await project.write(conn, subject.batch(report))
            newest = max(order[:2], key=(TWO, undated, THREE).index)
            assert await subject.row(conn, subject.shown) == {subject.shown: newest.text}
            await project.write(conn, subject.batch(order[2]))
            assert await subject.row(conn, subject.shown) == {subject.shown: "three"}
            await conn.rollback()


@pytest.mark.parametrize("subject", reports.UNDATED_IS_NEW, ids=str)
async def test_an_answer_that_dates_a_thing_is_newer_than_an_earlier_one_that_does_not(
    engine: AsyncEngine, subject: Subject
) -> None:
    undated = Report("undated", None, api(100))  # type: ignore[arg-type]
    await write(engine, subject.batch(undated), subject.batch(Report("before", at(50), api(90))))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "undated"}
    await write(engine, subject.batch(Report("after", at(50), api(110))))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown, "updated_at") == {subject.shown: "after", "updated_at": at(50)}


@every_noun
async def test_a_version_that_comes_again_changes_nothing(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(ONE))
    async with engine.connect() as conn:
        before = await subject.row(conn)
    told = await subject.news(engine)
    await write(engine, subject.batch(ONE), subject.batch(ONE, ONE))
    async with engine.connect() as conn:
        assert await subject.row(conn) == before
    assert await subject.news(engine) == told


@every_noun
async def test_three_versions_in_any_order_give_the_same_row(engine: AsyncEngine, subject: Subject) -> None:
    found = []
    await write(engine, reports.in_app())
    async with engine.connect() as conn:
        for order in permutations((ONE, TWO, THREE)):
            for report in order:
                await project.write(conn, subject.batch(report))
            found.append(await subject.row(conn))
            await conn.rollback()
            await project.write(conn, subject.batch(*order))
            found.append(await subject.row(conn))
            await conn.rollback()
    assert found[0][subject.shown] == "three"
    assert all(_comparable(row) == _comparable(found[0]) for row in found)


def _comparable(row: dict[str, object]) -> dict[str, object]:
    """Projects and organizations are made anew after each rollback."""
    return {name: value for name, value in row.items() if name not in ("project_id", "organization_id")}


@every_mortal_noun
async def test_a_tombstone_survives_later_hooks(engine: AsyncEngine, subject: Subject) -> None:
    gone = Report("gone", at(2), hook(2), deleted=True)
    await write(engine, subject.batch(ONE), subject.batch(gone), subject.batch(THREE))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, "deleted_at")
    assert row == {subject.shown: "three", "deleted_at": at(2)}


@every_mortal_noun
async def test_a_tombstone_is_lifted_by_the_api_alone(engine: AsyncEngine, subject: Subject) -> None:
    gone = Report("gone", at(2), hook(2), deleted=True)
    alive = Report("alive", at(2), api(3))
    await write(engine, subject.batch(gone), subject.batch(alive))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, "deleted_at", "verified_at")
    assert row == {subject.shown: "alive", "deleted_at": None, "verified_at": at(3)}
    assert [operation for operation, _, _ in await subject.news(engine)] == ["insert", "restore"]


@every_mortal_noun
async def test_an_api_response_from_before_the_deletion_lifts_no_tombstone(
    engine: AsyncEngine, subject: Subject
) -> None:
    gone = Report("gone", at(2), hook(3), deleted=True)
    earlier = Report("earlier", at(2), api(2))
    at_once = Report("at once", at(2), api(3))
    await write(engine, subject.batch(gone), subject.batch(earlier), subject.batch(at_once))
    async with engine.connect() as conn:
        assert await subject.row(conn, "deleted_at") == {"deleted_at": at(3)}


@every_mortal_noun
async def test_a_deletion_from_before_an_api_response_leaves_no_tombstone(
    engine: AsyncEngine, subject: Subject
) -> None:
    alive = Report("alive", at(2), api(3))
    gone = Report("gone", at(2), hook(2), deleted=True)
    await write(engine, subject.batch(alive), subject.batch(gone))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, "deleted_at")
    assert row == {subject.shown: "alive", "deleted_at": None}


@every_mortal_noun
async def test_a_deletion_and_an_api_response_after_it_leave_no_tombstone_in_one_batch(
    engine: AsyncEngine, subject: Subject
) -> None:
    gone = Report("gone", at(2), hook(2), deleted=True)
    alive = Report("alive", at(2), api(3))
    await write(engine, subject.batch(gone, alive))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, "deleted_at")
    assert row == {subject.shown: "alive", "deleted_at": None}


@every_mortal_noun
async def test_what_the_api_finds_gone_is_a_tombstone(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(ONE), subject.batch(Report("gone", at(2), api(3), deleted=True)))
    async with engine.connect() as conn:
        assert await subject.row(conn, "deleted_at") == {"deleted_at": at(3)}


@every_mortal_noun
async def test_deletions_and_confirmations_in_any_order_give_the_same_row(
    engine: AsyncEngine, subject: Subject
) -> None:
    story = (
        Report("gone", at(1), hook(1), deleted=True),
        Report("alive", at(1), api(2)),
        Report("gone again", at(3), hook(3), deleted=True),
    )
    found = []
    await write(engine, reports.in_app())
    async with engine.connect() as conn:
        for order in permutations(story):
            for report in order:
                await project.write(conn, subject.batch(report))
            found.append(await subject.row(conn, subject.shown, "deleted_at", "verified_at", "observed_at"))
            await conn.rollback()
    assert found == [{subject.shown: "gone again", "deleted_at": at(3), "verified_at": at(2), "observed_at": at(3)}] * 6


@every_noun
async def test_text_is_cut_to_its_column(engine: AsyncEngine, subject: Subject) -> None:
    long = Report("\N{SNOWMAN}" * 300, at(1), hook(1))
    longer = Report("\N{UMBRELLA}" * 300, at(2), hook(2))
    await write(engine, subject.batch(long))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.narrow) == {subject.narrow: "\N{SNOWMAN}" * subject.room}
    await write(engine, subject.batch(longer))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.narrow) == {subject.narrow: "\N{UMBRELLA}" * subject.room}


@every_noun
async def test_nul_becomes_the_replacement_character(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(Report(r"a\u0000 and " + "\0", at(1), hook(1))))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown)
    assert row == {subject.shown: r"a\u0000 and " + "\N{REPLACEMENT CHARACTER}"}


@every_noun
async def test_of_two_arrivals_in_one_second_the_later_is_written_and_refetched(
    engine: AsyncEngine, subject: Subject
) -> None:
    first, second = Report("first", at(1), arrival(2)), Report("second", at(1), arrival(3))
    for batches in ((second, first), (first, second)):
        await reports.empty(engine, "organizations", "sync_jobs")
        await write(engine, *(subject.batch(report) for report in batches))
        async with engine.connect() as conn:
            assert await subject.row(conn, subject.shown) == {subject.shown: "second"}
        assert await reports.jobs(engine) == list(subject.refetch)


@every_noun
async def test_of_two_arrivals_in_one_second_and_batch_the_later_is_written_and_refetched(
    engine: AsyncEngine, subject: Subject
) -> None:
    await write(engine, subject.batch(Report("second", at(1), arrival(3)), Report("first", at(1), arrival(2))))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "second"}
    assert await reports.jobs(engine) == list(subject.refetch)


@every_dated_noun
async def test_one_second_needs_no_refetch_where_guids_or_the_api_order_it(
    engine: AsyncEngine, subject: Subject
) -> None:
    await write(
        engine,
        subject.batch(Report("first", at(1), hook(2))),
        subject.batch(Report("second", at(1), hook(3))),
        subject.batch(Report("third", at(1), api(4))),
        subject.batch(Report("fourth", at(1), arrival(5))),
    )
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "fourth"}
    assert await reports.jobs(engine) == []


@every_dated_noun
@pytest.mark.parametrize("origin", [hook, arrival, api])
async def test_a_time_of_change_that_cannot_be_yet_orders_nothing(
    engine: AsyncEngine, subject: Subject, origin: Callable[[float], Origin]
) -> None:
    story = [
        Report("before", at(1), hook(2)),
        Report("absurd", datetime(2999, 1, 1, tzinfo=UTC), origin(3)),
        Report("after", at(4), hook(5)),
    ]
    async with engine.connect() as conn:
        for told in permutations(story):
            for report in told:
                await project.write(conn, subject.batch(report))
            assert await subject.row(conn, subject.shown, "updated_at") == {subject.shown: "after", "updated_at": at(4)}
            await conn.rollback()
            await project.write(conn, subject.batch(*told))
            assert await subject.row(conn, subject.shown, "updated_at") == {subject.shown: "after", "updated_at": at(4)}
            await conn.rollback()


@every_dated_noun
async def test_a_row_with_a_time_that_cannot_be_takes_the_next_hook(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(ONE))
    await reports.query(engine, f"UPDATE {subject.noun.name} SET updated_at = '2999-01-01'")
    await write(engine, subject.batch(TWO))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "two"}


ABSURD = {
    "changed in the future": "updated_at = '2999-01-01'",
    "observed in the future": "observed_at = '2999-01-01'",
    "confirmed in the future": "verified_at = '2999-01-01', observed_by = 'api', observed_at = '2999-01-01'",
    "deleted in the future": "deleted_at = '2999-01-01', updated_at = '2999-01-01', observed_at = '2999-01-01'",
    "changed later than it was": "updated_at = updated_at + interval '1 day'",
    "confirmed to be something else": "observed_by = 'api', verified_at = observed_at",
}


@every_noun
@pytest.mark.parametrize("absurd", ABSURD.values(), ids=ABSURD)
async def test_the_apis_later_word_is_taken_whatever_the_row_says_of_itself(
    engine: AsyncEngine, subject: Subject, absurd: str
) -> None:
    await write(engine, subject.batch(ONE))
    await reports.query(engine, f"UPDATE {subject.noun.name} SET {absurd} WHERE {subject.where}")
    await write(engine, subject.batch(Report("seen", at(1), api(120))))
    async with engine.connect() as conn:
        row = await subject.row(conn, subject.shown, "observed_at", "verified_at", "deleted_at")
    assert row == {subject.shown: "seen", "observed_at": at(120), "verified_at": at(120), "deleted_at": None}


@every_dated_noun
async def test_an_answer_that_a_replica_may_have_given_too_late_is_not_taken(
    engine: AsyncEngine, subject: Subject
) -> None:
    await write(engine, subject.batch(TWO), subject.batch(Report("stale", at(1), api(30))))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "two"}
    assert await reports.jobs(engine) == []


@every_dated_noun
async def test_an_answer_that_insists_is_taken_and_asked_for_again_where_a_replica_may_have_given_it_too_late(
    engine: AsyncEngine, subject: Subject
) -> None:
    insisting = subject.batch(Report("insisting", at(1), api(30)))
    insisting.insists = True
    await write(engine, subject.batch(TWO), insisting)
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "insisting"}
    assert await reports.jobs(engine) == list(subject.refetch)


@every_noun
async def test_an_answer_that_insists_leaves_alone_what_was_observed_since(
    engine: AsyncEngine, subject: Subject
) -> None:
    insisting = subject.batch(Report("insisting", at(2), api(2)))
    insisting.insists = True
    await write(engine, subject.batch(THREE), insisting)
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "three"}


@every_noun
async def test_a_change_is_told_with_its_old_and_new_values(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(ONE), subject.batch(TWO))
    columns = {subject.shown, subject.narrow}
    created, changed = await subject.news(engine)
    assert created[:2] == ("insert", None)
    assert dict.fromkeys(columns, "one").items() <= created[2].items()
    assert changed == (
        "update",
        dict.fromkeys(columns, "one") | {name: iso(1) for name in subject.dated},
        dict.fromkeys(columns, "two") | {name: iso(2) for name in subject.dated},
    )


@pytest.mark.parametrize("subject", [one for one in reports.DATED if one.dated == ("updated_at",)], ids=str)
async def test_a_later_time_alone_is_no_news(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, subject.batch(ONE), subject.batch(Report("one", at(9), hook(9))))
    async with engine.connect() as conn:
        assert await subject.row(conn, "updated_at") == {"updated_at": at(9)}
    assert len(await subject.news(engine)) == 1


@every_noun
async def test_what_the_api_confirms_twice_is_written_once(engine: AsyncEngine, subject: Subject) -> None:
    reads = [subject.batch(Report("seen", at(1), api(seconds))) for seconds in (100, 200, 200 + 3600, 300 + 3600)]
    written = []
    for read in reads:
        await write(engine, read)
        async with engine.connect() as conn:
            written.append((await subject.row(conn, "verified_at"))["verified_at"])
    assert written == [at(100), at(100), at(200 + 3600), at(200 + 3600)]


@every_noun
async def test_what_the_api_sees_changed_is_written_at_once(engine: AsyncEngine, subject: Subject) -> None:
    await write(engine, *(subject.batch(Report(text, at(1), api(place))) for text, place in (("a", 100), ("b", 101))))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "b"}


@every_dated_noun
async def test_a_hook_of_the_second_that_the_api_read_is_refused_though_it_was_confirmed_twice(
    engine: AsyncEngine, subject: Subject
) -> None:
    reports = (Report("a", at(50), api(51)), Report("a", at(50), api(52)), Report("b", at(50), hook(51.5)))
    await write(engine, *(subject.batch(report) for report in reports))
    async with engine.connect() as conn:
        assert await subject.row(conn, subject.shown) == {subject.shown: "a"}
