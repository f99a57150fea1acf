"""What GraphQL answers, in every shape that GitHub's schema of it allows, becomes rows that say the same."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.errors import GraphQLUnavailable, TooHeavy
from ghsync.github import node_ids
from ghsync.mirror import check_suite, commit_status, milestone, repository, workflow_run
from ghsync.mirror.noun import Origin, Row
from ghsync.projector.batch import Batch
from ghsync.reconciler.gate import Mirror
from ghsync.reconciler.page import Page
from ghsync.reconciler.progress import Position, Progress
from tests.conformance import published
from tests.generated import comparison, making, queries, reading, told_by_graphql
from tests.generated.answering import REPOSITORY, Answering
from tests.generated.making import Choose
from tests.generated.reading import Asked, Read, Reading
from tests.generated.test_webhooks import RANDOM
from tests.generated.told import Json, same
from tests.generated.told_by_graphql import NOW, Rows

pytestmark = published.needed

# How single items are read, and the rows that each has to become.
ITEMS: dict[str, tuple[Callable[[Reading], Awaitable[Read]], Callable[[Json], Rows]]] = {
    "heads": (reading.read_heads, told_by_graphql.head),
    "refetch": (reading.read_refetch, told_by_graphql.conversation),
}
OTHERS = {"bulk", "conversations", "newest", "releases", "threads"}

SEEN = list(queries.subsets(("checks", "statuses", "actions"), range(4)))

# The pages of conversations in it are shown as those of one repository are.
WITHIN_PAGES = re.compile(r"nodes\.\d+\.(issues|pullRequests|heads)\b")

# All that a page shows of an item but its place is what a refetch shows of it.
WITHIN_AN_ITEM = re.compile(r"node\.\w+\.nodes\.\d+\.(?!fullDatabaseId)")


def plainly(_: str, __: int) -> int:
    """The first of all options."""
    return 0


def each(name: str, apart_from: re.Pattern[str] | None = None, absent: str = " ") -> Iterator[Reading]:
    """Sessions in which the answer to a document has one thing that is otherwise than in the plainest.

    In that, fields whose paths end with what is ``absent`` are null.
    """
    serials = count(1)

    def answered(choose: Choose) -> Reading:
        def chosen(path: str, options: int) -> int:
            if path.endswith(f"{absent}?"):
                return 1 - choose(path, options)
            return 0 if apart_from and apart_from.match(path) else choose(path, options)

        return reading.session(**{name: Answering(chosen, next(serials))})

    return making.variants(answered, set())


async def check(name: str, session: Reading) -> list[tuple[Batch, Json]]:
    """Each item becomes the rows that say what the answer says of it, or REST is asked; answers what was read."""
    read, rows = ITEMS[name]
    batches = await read(session)
    whole = []
    for shown, batch in zip(session.answered[0]["nodes"], batches, strict=True):
        if shown and told_by_graphql.is_whole(shown):
            assert batch is not None, shown
            assert comparison.said(batch) == comparison.wanted(rows(shown))
            whole.append((batch, shown))
        else:
            assert batch is None or (not batch.rows and not list(rows(shown))), shown
    return whole


def test_every_document_has_its_reader_here() -> None:
    assert {*ITEMS, *OTHERS} == set(queries.NAMES)


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("name", ITEMS)
async def test_every_single_choice_of_the_schema_becomes_rows_that_say_the_same(engine: AsyncEngine, name: str) -> None:
    together, wanted = Batch(), {}
    together.see(repository.Payload(REPOSITORY, "acme/parts"), Origin(NOW, "api", "backfill"))
    for session in each(name):
        for batch, shown in await check(name, session):
            for noun, rows in batch.rows.items():
                together.rows.setdefault(noun, {}).update(rows)
            wanted |= comparison.stored(ITEMS[name][1](shown))
    await Mirror(engine).write(together)
    assert await comparison.held(engine, together.rows) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("name", ITEMS)
def test_choices_in_any_combination_become_rows_that_say_the_same(name: str) -> None:
    @RANDOM
    @given(st.dictionaries(st.integers(0, 250), st.integers(1, 12), max_size=12))
    def run(otherwise: dict[int, int]) -> None:
        choices = count()

        def choose(_: str, options: int) -> int:
            return otherwise.get(next(choices), 0) % options

        asyncio.run(check(name, reading.session(**{name: Answering(choose)})))

    run()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ITEMS)
async def test_what_is_left_out_is_not_told_and_all_else_is(name: str) -> None:
    for left_out in queries.variants(name):
        await check(name, reading.session(left_out, **{name: Answering(plainly)}))


@pytest.mark.anyio
@pytest.mark.parametrize("permissions", SEEN, ids=lambda some: "+".join(sorted(some)))
async def test_what_an_app_may_not_see_of_a_head_is_not_told_and_all_else_is(permissions: frozenset[str]) -> None:
    session = reading.session(heads=Answering(plainly))
    (batch,) = await reading.read_heads(session, reading.known(permissions))
    (shown,) = session.answered[0]["nodes"]
    assert batch is not None
    assert comparison.said(batch) == comparison.wanted(told_by_graphql.head(shown))
    assert (check_suite.noun in batch.rows, commit_status.noun in batch.rows) == (
        "checks" in permissions,
        "statuses" in permissions,
    )
    assert (workflow_run.noun in batch.rows) == ({"checks", "actions"} <= permissions)


def going_on(path: str, _: int) -> int:
    """A pull request of which there are more threads than it shows."""
    return int(path.endswith("reviewThreads.pageInfo.hasNextPage"))


@pytest.mark.slow
@pytest.mark.anyio
async def test_threads_that_a_pull_request_does_not_show_are_read_on() -> None:
    for session in each("threads"):
        going = replace(session, answering={**session.answering, "refetch": Answering(going_on, 0)})
        batch = (await reading.read_refetch(going))[1]
        pull, more = going.answered[0]["nodes"][1], going.answered[1]["node"]
        rest = more.get("reviewThreads") if more else None
        whole = pull | {"reviewThreads": rest}
        if rest and told_by_graphql.is_whole(whole):
            rest["nodes"] = [*pull["reviewThreads"]["nodes"], *rest["nodes"]]
            assert batch is not None, more
            assert comparison.said(batch) == comparison.wanted(told_by_graphql.conversation(whole))
        else:
            assert batch is None, more


@pytest.mark.anyio
async def test_a_repository_has_news_where_the_answer_is_later_or_does_not_tell() -> None:
    for serial, session in enumerate(each("newest"), start=1):
        found = await reading.read_newest(session, reading.place(serial * 1000 + 1, read_at=NOW))
        (shown,) = session.answered[0]["nodes"]
        tells = bool(shown) and told_by_graphql.tells_news(shown)
        assert found.moved == (not tells or told_by_graphql.is_later(shown, NOW)), shown
        sizes = [shown[one]["totalCount"] for one in ("issues", "pullRequests")] if tells else [None, None]
        assert [found.place.issues, found.place.pull_requests] == sizes, shown


@pytest.mark.anyio
async def test_releases_are_shown_in_rest_s_words_or_rest_is_asked() -> None:
    for session in each("releases"):
        (batch,) = await reading.read_releases(session)
        page = ((session.answered[0]["node"] or {}).get("things") or {}).get("nodes")
        if page is not None and all(one and one["id"] and one["author"] and one["author"]["id"] for one in page):
            assert batch is not None, page
            assert comparison.said(batch) == comparison.wanted(told_by_graphql.releases(page))
        else:
            assert batch is None, page


@pytest.mark.anyio
async def test_a_page_says_what_it_shows_and_where_it_goes_on() -> None:
    for session in each("conversations", apart_from=WITHIN_AN_ITEM):
        page, problem = None, None
        try:
            page = await reading.read_page(session, Progress(NOW))
        except (Asked, GraphQLUnavailable, TooHeavy) as error:
            problem = error
        shown = session.answered[-1]["node"]
        assert (page is not None) == told_by_graphql.is_page(shown), (shown, problem)
        if page is not None:
            assert numbers(page) == [
                [item["number"] for item in shown[each]["nodes"] if item and item["fullDatabaseId"]]
                for each in ("issues", "pullRequests", "heads")
            ]
            assert [position(each) for each in (page.progress.issues, page.progress.pull_requests)] == [
                {name: column.of(shown[each]) for name, column in told_by_graphql.PAGE.items()}
                for each in ("issues", "pullRequests")
            ]


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_a_small_repository_lists_is_told_whole_and_as_it_is_or_not_at_all() -> None:
    told = 0
    for session in each("bulk", apart_from=WITHIN_PAGES, absent="dueOn"):
        for listed, shown in zip(await reading.read_bulk(session), session.answered[-1]["nodes"], strict=True):
            connection = shown and shown["milestones"]
            wanted = connection and [a_milestone(one) for one in connection["nodes"] or ()]
            page = (listed or {}).get(milestone.noun)
            if page is not None:
                told += 1
                texts = [(same(one.title), same(one.description)) for one in page.items]
                assert [
                    (one.id, one.number, *text, one.state) for one, text in zip(page.items, texts, strict=True)
                ] == wanted
            elif listed is not None:
                assert not connection or connection["pageInfo"]["hasNextPage"] or None in wanted
    assert told > 9


def a_milestone(one: Json | None) -> tuple[Any, ...] | None:
    """A milestone, if its number can be told, and all that REST tells of it."""
    number = one and node_ids.number(one["id"], REPOSITORY)
    if one is None or number is None or one["dueOn"] or one["creator"] is None:
        return None
    return number, one["number"], same(one["title"]), same(one["description"]), one["state"].lower()


def numbers(page: Page) -> list[list[int]]:
    """The numbers of the issues, the pull requests and the heads that a page shows."""
    kinds: list[list[Any]] = [[one.payload for one in page.shown[kind]] for kind in ("issues", "pull_requests")]
    return [[one.number for one in kind] for kind in (*kinds, page.heads)]


def position(listing: Position) -> Row:
    """Where a listing goes on."""
    return {name: getattr(listing, name) for name in told_by_graphql.PAGE}
