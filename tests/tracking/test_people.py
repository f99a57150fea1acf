"""Who says something of a pull request is known by id, and may say it only who may write; logins are labels."""

from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import pull_request, review
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.mirror.user import GHOST, User
from ghsync.projector.batch import Batch
from tests.mirror.reports import APP, api, at, hook, in_app, query, write

pytestmark = pytest.mark.anyio

UMA, OTTO, OTTO_K, BOT = User(63, "uma"), User(62, "otto"), User(62, "otto-k"), User(64, "tidy[bot]", "Bot")
OPEN = Payload(
    id=70, number=7, title="Dry run", user=UMA, created_at=at(-60), updated_at=at(0),
    head=Branch("topic", "a" * 40), base=Branch("main", "b" * 40),
)  # fmt: skip

WRITER, STRANGER, HIDDEN = "MEMBER", "NONE", "CONTRIBUTOR"


def pull(origin: Origin | None = None, **fields: Any) -> Batch:
    """A batch with the pull request."""
    batch = in_app()
    batch.add(pull_request.noun, APP.id, pull_request.row(msgspec.structs.replace(OPEN, **fields), origin or hook(1)))
    return batch


def said(
    number: int,
    by: User | None,
    state: str,
    association: str | None = WRITER,
    origin: Origin | None = None,
    **fields: Any,
) -> Batch:
    """A batch with a review, the later the greater its number."""
    payload = review.Payload(
        id=number, state=state, user=by, author_association=association, submitted_at=at(number),
        updated_at=at(number), **fields,
    )  # fmt: skip
    batch = in_app()
    batch.add(review.noun, APP.id, review.row(payload, 7, origin or hook(number)))
    return batch


async def people(engine: AsyncEngine) -> tuple[str, list[tuple[str, str]]]:
    """What all come to, and what everybody says."""
    ((word, found),) = await query(engine, "SELECT review_status, reviewers FROM pr_tracking")
    return word, [(each["login"], each["state"]) for each in found]


async def forget_ids(engine: AsyncEngine) -> None:
    """Let the rows be as they were before ids were kept."""
    await query(engine, "UPDATE github_reviews SET author_id = NULL")
    await query(engine, "UPDATE github_pull_requests SET created_by_id = NULL")


async def test_who_was_renamed_is_the_same_person_and_shown_as_called_last(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, OTTO, "changes_requested"), said(3, OTTO_K, "approved"))
    assert await people(engine) == ("approved", [("otto-k", "approved")])


async def test_who_has_anothers_old_name_is_another_person(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, OTTO, "changes_requested"), said(3, User(65, "Otto"), "approved"))
    assert await people(engine) == ("changes_requested", [("otto", "changes_requested"), ("Otto", "approved")])


async def test_an_author_who_was_renamed_judges_nothing_of_their_own(engine: AsyncEngine) -> None:
    await write(engine, said(2, User(63, "uma-old"), "commented"), pull())
    assert await people(engine) == ("pending", [])


async def test_who_has_the_authors_old_name_is_not_the_author(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, User(66, "uma"), "approved"))
    assert await people(engine) == ("approved", [("uma", "approved")])


async def test_who_is_asked_again_under_a_new_name_has_to_look_again(engine: AsyncEngine) -> None:
    await write(engine, pull(requested_reviewers=[OTTO_K]), said(2, OTTO, "approved"))
    assert await people(engine) == ("review_requested", [("otto-k", "review_requested")])


async def test_a_bot_is_one_under_both_of_its_logins(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, BOT, "changes_requested"), said(3, User(64, "tidy"), "approved"))
    assert await people(engine) == ("approved", [("tidy", "approved")])


@pytest.mark.parametrize("nobody", [None, GHOST, User(0, "ghost")], ids=str)
async def test_two_people_without_an_account_are_two(engine: AsyncEngine, nobody: User | None) -> None:
    await write(engine, pull(), said(2, nobody, "changes_requested"), said(3, nobody, "approved"))
    assert await people(engine) == ("changes_requested", [("ghost", "changes_requested"), ("ghost", "approved")])


@pytest.mark.parametrize("nobody", [None, GHOST], ids=str)
async def test_nobody_can_tell_that_a_ghost_is_the_author(engine: AsyncEngine, nobody: User | None) -> None:
    await write(engine, pull(user=nobody), said(2, nobody, "approved"))
    assert await people(engine) == ("approved", [("ghost", "approved")])


async def test_rows_of_which_no_id_is_known_go_by_login_in_any_letters(engine: AsyncEngine) -> None:
    await write(engine, said(2, OTTO, "changes_requested"), said(3, UMA, "commented"), said(4, OTTO, "commented"))
    await write(engine, pull())
    await forget_ids(engine)
    await write(engine, said(5, User(62, "OTTO"), "approved"))
    assert await people(engine) == ("approved", [("OTTO", "approved")])


async def test_the_api_gives_rows_their_ids(engine: AsyncEngine) -> None:
    reading = said(2, OTTO, "changes_requested", origin=api(60))
    await write(engine, pull(), reading)
    await forget_ids(engine)
    await write(engine, pull(api(90)), said(2, OTTO, "changes_requested", origin=api(90)), said(3, OTTO_K, "approved"))
    assert await people(engine) == ("approved", [("otto-k", "approved")])
    assert await query(engine, "SELECT created_by, created_by_id FROM github_pull_requests") == [("uma", "63")]


@pytest.mark.parametrize(
    ("association", "can_push", "state", "word"),
    [
        (WRITER, None, "approved", "approved"),
        ("OWNER", None, "approved", "approved"),
        ("COLLABORATOR", None, "changes_requested", "changes_requested"),
        (None, None, "approved", "approved"),
        (STRANGER, None, "approved", "commented"),
        (STRANGER, None, "changes_requested", "commented"),
        ("FIRST_TIME_CONTRIBUTOR", None, "approved", "commented"),
        (HIDDEN, None, "approved", "approved"),
        (HIDDEN, False, "approved", "commented"),
        (STRANGER, True, "changes_requested", "changes_requested"),
        (WRITER, False, "changes_requested", "commented"),
        (STRANGER, None, "dismissed", "pending"),
    ],
)
async def test_only_who_may_write_judges_and_the_api_decides_who_may(
    engine: AsyncEngine, association: str | None, can_push: bool | None, state: str, word: str
) -> None:
    await write(engine, pull(), said(2, OTTO, state, association, author_can_push=can_push))
    assert (await people(engine))[0] == word


@pytest.mark.parametrize(("can_push", "word"), [(None, "changes_requested"), (False, "commented")])
async def test_an_app_judges_whatever_its_association_says(
    engine: AsyncEngine, can_push: bool | None, word: str
) -> None:
    """Whatever an App may, it is associated with nothing."""
    await write(engine, pull(), said(2, BOT, "changes_requested", STRANGER, author_can_push=can_push))
    assert (await people(engine))[0] == word


async def test_what_the_api_told_of_somebody_holds_for_what_hooks_tell_later(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, OTTO, "commented", STRANGER, api(60), author_can_push=True))
    await write(engine, said(2, OTTO, "commented", STRANGER, hook(61)), said(3, OTTO_K, "approved", STRANGER))
    assert await people(engine) == ("approved", [("otto-k", "approved")])


async def test_who_may_write_no_longer_is_told_by_the_next_answer(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, OTTO, "approved", WRITER, api(100), author_can_push=True))
    assert (await people(engine))[0] == "approved"
    await write(engine, said(2, OTTO, "approved", WRITER, api(101), author_can_push=False))
    assert (await people(engine))[0] == "commented"


async def test_a_review_that_does_not_count_is_shown_with_what_it_is_and_why(engine: AsyncEngine) -> None:
    await write(engine, pull(), said(2, OTTO, "approved", STRANGER, html_url="https://github.com/acme/app/pull/7#r"))
    found = await query(
        engine, "SELECT name, state, detail, url, evidence FROM pr_blockers('acme/app', 7) WHERE kind = 'review'"
    )
    assert found[0] == (
        "otto",
        "unknown",
        "otto approved it, which does not count: who may not write to the repository neither approves nor blocks.",
        "https://github.com/acme/app/pull/7#r",
        {"github_id": "2", "state": "approved", "author_association": "NONE", "author_can_push": None},
    )
    assert [row[:2] for row in found[1:]] == [(None, "unknown")]
