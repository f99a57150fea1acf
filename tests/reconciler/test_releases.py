"""Releases are read through GraphQL or REST, whichever tells all; drafts are hidden from whoever may not push."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from ghsync.mirror import release as releases_of
from ghsync.mirror.noun import Origin
from ghsync.projector.batch import Batch
from ghsync.reconciler.resync import resync
from ghsync.reconciler.sweep import sweep
from ghsync.simulator.account import Account
from ghsync.simulator.actions import releases
from ghsync.simulator.release import Release
from tests.mirror.reports import write
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio


def ada(lab: Lab) -> Account:
    """Somebody of the organization."""
    return next(iter(lab.world.members[lab.repository.owner]))


def publish(lab: Lab, tag: str, **told: object) -> Release:
    """Publish a release, of which no hook tells."""
    return releases.create(lab.world, lab.repository, tag, by=ada(lab), **told)


def stored(lab: Lab, release: Release, columns: str) -> tuple[object, ...] | None:
    """Columns of its row."""
    statement = f"SELECT {columns} FROM github_releases WHERE github_id = %s"
    return lab.connection.execute(statement.encode(), [str(release.id)]).fetchone()


async def test_a_release_of_which_no_hook_told_is_there_after_the_next_sweep(mirrored: Lab) -> None:
    release = publish(mirrored, "v7", name="Seventh", body="It shines.")
    await mirrored.resync()
    assert stored(mirrored, release, "tag_name, name, body, draft, created_by") == (
        "v7", "Seventh", "It shines.", False, ada(mirrored).login,
    )  # fmt: skip
    assert mirrored.differences() == []


async def test_more_than_a_page_is_read_whole_and_only_the_newest_of_it_by_a_sweep(mirrored: Lab) -> None:
    oldest = publish(mirrored, "v0")
    mirrored.world.clock.advance(60)
    for number in range(120):
        publish(mirrored, f"v1.{number}")
    await mirrored.resync()
    assert stored(mirrored, oldest, "tag_name") is None
    await mirrored.resync(full=True)
    assert stored(mirrored, oldest, "tag_name") == ("v0",)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_a_release_that_is_gone_becomes_a_tombstone_and_one_that_is_not_listed_does_not(mirrored: Lab) -> None:
    gone, there = publish(mirrored, "v1"), publish(mirrored, "v2")
    await mirrored.resync(full=True)
    releases.delete(mirrored.world, gone, by=ada(mirrored))
    mirrored.site.faults.plan("failure", "graphql", times=100)
    mirrored.site.faults.plan("short_listing", "/releases", times=1)
    mirrored.passes(minutes=2)
    await mirrored.resync(full=True)
    assert stored(mirrored, gone, "deleted_at IS NOT NULL") == (True,)
    assert stored(mirrored, there, "deleted_at IS NOT NULL") == (False,)


async def test_a_draft_that_no_reading_shows_is_not_gone_and_is_known_again_when_it_is_published(
    mirrored: Lab,
) -> None:
    release = publish(mirrored, "v1")
    await mirrored.resync(full=True)
    mirrored.connection.execute("UPDATE github_releases SET draft = true, published_at = NULL")
    releases.unpublish(mirrored.world, release, by=ada(mirrored))
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "draft, deleted_at") == (True, None)
    releases.publish(mirrored.world, release, by=ada(mirrored))
    mirrored.passes(minutes=2)
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "draft, deleted_at") == (False, None)


async def test_what_a_bot_published_is_read_through_rest_which_names_it(mirrored: Lab) -> None:
    bot = next(each for each in mirrored.world.accounts.values() if each.type == "Bot")
    release = releases.create(mirrored.world, mirrored.repository, "v1", by=bot)
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "created_by, created_by_id") == (bot.login, str(bot.id))


async def test_without_the_permission_no_release_is_asked_for_and_with_it_all_are_read(mirrored: Lab) -> None:
    release = publish(mirrored, "v1")
    (installation,) = mirrored.world.installations.values()
    permission = installation.permissions.pop("contents")
    mirrored.connection.execute("UPDATE github_installations SET permissions = permissions - 'contents'")
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "tag_name") is None
    assert mirrored.due() == {}
    before = len(mirrored.site.journal)
    await sweep(mirrored.reconciler, complete_every=timedelta(days=1), discover=False)
    again = len(mirrored.site.journal)
    await sweep(mirrored.reconciler, complete_every=timedelta(days=1), discover=False)
    assert len(mirrored.site.journal) - again == 1 < again - before  # what it may not see, it no longer asks for
    installation.permissions["contents"] = permission
    mirrored.connection.execute(
        """UPDATE github_installations SET permissions = permissions || '{"contents": "read"}'"""
    )
    mirrored.world.clock.advance(timedelta(minutes=1).total_seconds())
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "tag_name") == ("v1",)


async def test_who_is_not_known_to_lack_the_permission_learns_nothing_and_that_is_no_failure(mirrored: Lab) -> None:
    release = publish(mirrored, "v1")
    place = replace(await mirrored.place(), permissions=None)
    (installation,) = mirrored.world.installations.values()
    del installation.permissions["contents"]
    run = await resync(mirrored.reconciler, place, kind="resync", full=True, priority="interactive")
    assert (run.unread, mirrored.due(), stored(mirrored, release, "tag_name")) == (None, {}, None)


async def test_a_release_that_is_published_again_is_no_tombstone_any_more(mirrored: Lab) -> None:
    release = publish(mirrored, "v1")
    await mirrored.resync(full=True)
    releases.unpublish(mirrored.world, release, by=ada(mirrored))
    mirrored.passes(minutes=2)
    await mirrored.resync(full=True)
    assert stored(mirrored, release, "deleted_at IS NULL") == (False,)
    mirrored.world.clock.advance(60)
    releases.publish(mirrored.world, release, by=ada(mirrored))
    batch, origin = Batch(), mirrored.reconciler.github.now() + timedelta(minutes=1)
    batch.mention(mirrored.repository.id)
    told = msgspec.convert(release.as_json(), releases_of.Payload, strict=False)
    batch.add(releases_of.noun, mirrored.repository.id, releases_of.row(told, Origin(origin, "guid", "webhook")))
    await write(mirrored.engine, batch)
    assert mirrored.due() == {"refetch_repository": 1}
    mirrored.passes(minutes=2)
    await mirrored.settle()
    assert stored(mirrored, release, "deleted_at, draft") == (None, False)


async def test_who_sees_drafts_finds_out_that_one_is_gone(lab: Lab) -> None:
    (installation,) = lab.world.installations.values()
    installation.permissions["contents"] = "write"
    await lab.discover()
    gone, there = publish(lab, "v1", draft=True), publish(lab, "v2", draft=True)
    await lab.resync(full=True)
    assert stored(lab, gone, "draft, deleted_at") == (True, None)
    releases.delete(lab.world, gone, by=ada(lab))
    lab.passes(minutes=2)
    await lab.resync(full=True)
    assert stored(lab, gone, "deleted_at IS NOT NULL") == (True,)
    assert stored(lab, there, "deleted_at") == (None,)
