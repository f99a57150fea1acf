"""The one gate: whatever hooks, reconciler and replay learned is written here and nowhere else (I6).

One call is one transaction's work: repositories first (their rows are the locks), then what others are overlaid with,
then issues and pull requests, then what is derived from them, and last the change feed, whose lock is held briefest.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, metrics, payload
from ghsync.changes import feed
from ghsync.errors import Permanent
from ghsync.inbox.delivery import UNTOLD
from ghsync.inbox.queue import ClaimedDelivery, Verdict
from ghsync.jobs import Job
from ghsync.mirror import (
    conversion,
    counters,
    issue,
    locking,
    member,
    overlay,
    pull_request,
    registry,
    repository,
)
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.mirror.noun import Row
from ghsync.mirror.nouns import IN_REPOSITORIES, SHOWN
from ghsync.mirror.overlay import LaterFacts, OverlayChanges
from ghsync.mirror.upsert import Change, bury, upsert
from ghsync.projector import concerned, events, origin, refetches
from ghsync.projector.batch import Batch
from ghsync.projector.resolved import ResolvedBatch, resolve
from ghsync.salvage import UnreadableValue
from ghsync.tasks import creation, lifecycle, links, mentions
from ghsync.tasks.item import Item
from ghsync.tasks.mentions import Text
from ghsync.tracking import project as tracking

TRACK = "track_pull_request"
TOLD = 3  # of the parts of one payload that cannot be read

_INSTANT = timedelta(microseconds=1)
_KINDS = {issue.noun: "issue", pull_request.noun: "pull_request"}

_OTHERS = tuple(noun for noun in IN_REPOSITORIES if not noun.shown)


def read(delivery: ClaimedDelivery, batch: Batch) -> Verdict:
    """Decode one delivery into the batch; what cannot be read parks it only where its noun is not known without."""
    if delivery.event in UNTOLD:
        return Verdict("ignored")
    event = events.EVENTS.get(delivery.event)
    lost: Sequence[UnreadableValue] = ()
    try:
        text = payload.json_bytes(delivery.content_type, delivery.body)
        decoded, lost = payload.read((event or events.OTHER).decoder, text)
        seen_at = origin.of_delivery(delivery.guid, delivery.received_at, delivery.sync_source)
        batch.partial = events.lacks(lost)
        events.project(event or events.OTHER, decoded, seen_at, batch)
    except Permanent as error:
        status, said = ("parked", str(error)) if event else ("ignored", None)
    else:
        status, said = "processed" if event else "ignored", None
    batch.partial = False
    paths = tuple(dict.fromkeys(part.path for part in lost))
    return Verdict(status, "\n".join(filter(None, (said, _left_out(lost)))) or None, paths)


def _left_out(lost: Sequence[UnreadableValue]) -> str | None:
    """What could not be read of a payload, as one sentence."""
    reasons = list(dict.fromkeys(part.reason for part in lost))
    more = f"; and {len(reasons) - TOLD:,} more" if len(reasons) > TOLD else ""
    return f"Left out, for it cannot be read: {'; '.join(reasons[:TOLD])}{more}." if reasons else None


async def write(conn: AsyncConnection, batch: Batch) -> list[feed.ChangeEvent]:
    """Write a batch of nouns and everything that follows from them; answers what the change feed tells of it."""
    told = await store(conn, batch)
    await feed.append(conn, told)
    return told


async def store(conn: AsyncConnection, batch: Batch) -> list[feed.ChangeEvent]:
    """Write all of it but the feed, whose lock is to be the last thing taken; answers what it is to tell."""
    written = await registry.write(conn, batch)
    resolved = resolve(batch, written.ids)
    renamed = await tracking.rename(conn, written.renamed)
    await member.write(conn, batch.members)
    overlaid = await _write_nouns(conn, resolved)
    changes = [*written.changes, *overlaid.changes]

    linked = await _link(conn, resolved, written.named, changes)
    linked |= set(await creation.create(conn, _asking(changes)))
    unordered = refetches.unordered(resolved, changes)
    reached = await concerned.find(conn, resolved, changes, unordered | resolved.incomplete)
    pulls = {PullRequestKey(*change.key) for change in changes if change.noun is pull_request.noun}
    pulls |= reached.tracked(changes)
    if batch.insists:  # what is derived is to be right too, however it came to be wrong
        pulls |= {PullRequestKey(key[0], key[1]) for key in resolved.of(pull_request.noun)}
    # What nobody here has locked may be changing at this moment: it is tracked under its own lock.
    locked = set(written.ids.values())
    elsewhere = {pull for pull in linked if pull[0] not in locked}
    tracked = await tracking.refresh(conn, pulls | linked - elsewhere)
    await lifecycle.move(conn, _led(changes), _tasks(tracked))
    undecided = [PullRequestKey(row.repository_id, row.number) for row in tracked if row.undecided]
    risen = refetches.restored(batch, changes)
    contested = refetches.contested(batch.contested | written.contested)
    metrics.ties.inc(len(contested))
    unsettled = refetches.due(resolved, unordered, reached, overlaid.outdated, undecided, changes)
    await jobs.schedule(conn, [*risen, *contested, *unsettled])
    if elsewhere:
        await jobs.call(conn, tracking_jobs(elsewhere))
    return [*_events(changes), *_tracking_events([*renamed, *tracked])]


async def track(conn: AsyncConnection, pulls: Iterable[PullRequestKey]) -> list[tracking.TrackingChange]:
    """Derive pull requests (repository id, number) anew because something other than their payload changed.

    Answers those whose tracking is another now.
    """
    wanted = list(pulls)
    await locking.lock(conn, {repository_id for repository_id, _ in wanted})
    tracked = await tracking.refresh(conn, wanted)
    await lifecycle.move(conn, wanted, _tasks(tracked))
    await feed.append(conn, _tracking_events(tracked))
    return tracked


def tracking_jobs(pulls: Iterable[PullRequestKey]) -> list[Job]:
    """The jobs that track these pull requests (repository id, number), for `linking.track`."""
    return [
        Job(TRACK, f"{repository_id}#{number}", repository_id, "its links changed") for repository_id, number in pulls
    ]


async def _write_nouns(conn: AsyncConnection, resolved: ResolvedBatch) -> OverlayChanges:
    """Write what lives in repositories.

    What others show comes first, so that these are overlaid with what this very batch brought; counters follow the
    pull requests and comments that they are read from; and a tombstone is laid on the newest row.
    """
    insists = resolved.insists
    changes: list[Change] = []
    for noun in SHOWN:
        changes += await upsert(conn, noun, resolved.rows_of(noun), insists=insists)
    facts = await _facts(conn, resolved, changes)
    showing = {noun: [overlay.overlaid(row, facts) for row in resolved.rows_of(noun)] for noun in _KINDS}
    spread = await overlay.spread(conn, changes, facts)
    pushed = await overlay.void_reports(conn, changes)
    changes += [*spread, *pushed.changes]
    for noun in _OTHERS:
        changes += await upsert(conn, noun, showing.get(noun, resolved.rows_of(noun)), insists=insists)
    changes += await conversion.bury(conn, showing[pull_request.noun], showing[issue.noun])
    changes += await counters.write(conn, resolved.counters, changes)
    for noun, gone in resolved.gone.items():
        changes += await bury(conn, noun, gone)
    arriving = (row for rows in showing.values() for row in rows)
    behind = [PullRequestKey(row["repository_id"], row["number"]) for row in arriving if overlay.behind(row, facts)]
    return OverlayChanges(changes, [*pushed.outdated, *behind])


async def _facts(conn: AsyncConnection, resolved: ResolvedBatch, changes: Sequence[Change]) -> LaterFacts:
    """What the repositories have learned since the oldest of these rows was observed."""
    rows = [row for noun in (*_KINDS, *SHOWN) for row in resolved.rows_of(noun)]
    if not rows:
        return LaterFacts()
    oldest = min(moment for row in rows for moment in overlay.moments(row))
    return await overlay.later(conn, resolved.repositories, oldest - _INSTANT)


async def _link(
    conn: AsyncConnection, resolved: ResolvedBatch, named: Sequence[str], changes: list[Change]
) -> set[PullRequestKey]:
    """Read what changed texts say of tasks and issues; answers the pull requests whose links changed."""
    texts, moved = [], []
    for noun, kind in _KINDS.items():
        rows = resolved.of(noun)
        for change in changes:
            if change.noun is not noun:
                continue
            if change.created or {"title", "body", "head_ref"} & change.fields:
                texts.append(_text(change, kind, rows[change.key]))
            if {"transferred_to", "base_ref", "merged", "merged_into_default"} & change.fields:
                moved.append(Item(change.key[0], kind, change.key[1]))
    await mentions.remember(conn, texts)
    items = [Item(text.repository_id, text.kind, text.number) for text in texts] + moved
    switched = [change.id for change in changes if _switched(change)]
    items += await mentions.items_closing(conn, switched)
    if named:
        items += await mentions.items_naming(conn, named)
    return set(await links.derive(conn, items))


def _asking(changes: Iterable[Change]) -> list[Item]:
    """The issues that may ask for a task now."""
    return [
        Item(change.key[0], "issue", change.key[1])
        for change in changes
        if change.noun is issue.noun and (change.created or {"labels", "state", "deleted_at"} & change.fields)
    ]


def _led(changes: Iterable[Change]) -> set[PullRequestKey]:
    """The pull requests whose tasks may have to follow although their tracking is the same."""
    fields = {"deleted_at", "author_association", "head_repository_id"}
    return {
        PullRequestKey(*change.key) for change in changes if change.noun is pull_request.noun and fields & change.fields
    }


def _tasks(tracked: Iterable[tracking.TrackingChange]) -> set[str]:
    """The tasks that may have to follow: their pull requests are at another stage, or are another task's by now."""
    followed = {"status", "merged_at", "closed_at", "task_id"}
    led = [row for row in tracked if row.created or followed & row.fields]
    return {task for row in led for task in (row.task_id, row.task_before) if task}


def _switched(change: Change) -> bool:
    """Whether another branch is the default now, so that others' closing keywords count."""
    return change.noun is repository.noun and "default_branch" in change.fields and not change.created


def _text(change: Change, kind: str, row: Row) -> Text:
    return Text(
        repository_id=change.key[0],
        kind=kind,
        number=change.key[1],
        title=row["title"],
        body=row["body"],
        branch=row.get("head_ref"),
        observed_at=row["observed_at"],
        page=row["html_url"],
    )


def _events(changes: Iterable[Change]) -> list[feed.ChangeEvent]:
    return [
        feed.ChangeEvent(
            entity_type=change.noun.name,
            entity_id=change.id,
            repository_id=_repository_id(change),
            number=change.number,
            operation=_operation(change),
            old=change.old,
            new=change.new,
            sync_source=change.sync_source,
            observed_at=change.observed_at,
        )
        for change in changes
        if change.fields
    ]


def _repository_id(change: Change) -> RepositoryId | None:
    if change.noun is repository.noun:
        return RepositoryId(change.id)
    return change.key[0] if change.noun.in_repository else None


def _operation(change: Change) -> str:
    if change.created:
        return "insert"
    if "deleted_at" in change.fields:
        return "delete" if change.deleted else "restore"
    return "update"


def _tracking_events(tracked: Iterable[tracking.TrackingChange]) -> list[feed.ChangeEvent]:
    return [
        feed.ChangeEvent(
            entity_type="pr_tracking",
            entity_id=row.id,
            repository_id=row.repository_id,
            number=row.number,
            operation="insert" if row.created else "update",
            old=row.old,
            new=row.new,
            sync_source=row.sync_source,
            observed_at=row.observed_at,
        )
        for row in tracked
        if row.fields
    ]
