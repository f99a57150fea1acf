"""How much room the mirror and the inbox take once rows have been updated again and again, with autovacuum as it is by
default.

Issues and pull requests are told anew through the gate, in batches of such as lie far apart, as those do that people
are at; each is told by a delivery, which is claimed and finished with it. Of each update an old row stays until room is
made of it, by vacuum, or by the next update on its page where no index knows of either. So what changes counts: it is
mixed as in the traffic of the other benchmarks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid1

import psycopg
import sqlalchemy as sa
import uvloop

from ghsync import worker
from ghsync.database import fetch, transaction
from ghsync.inbox import queue
from ghsync.inbox.queue import Verdict
from ghsync.mirror import issue, label, pull_request, repository
from ghsync.mirror.noun import Noun, Origin, Row
from ghsync.mirror.pull_request import Branch
from ghsync.mirror.repository import Owner
from ghsync.mirror.user import User
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.benchmarks.figures import Figure

MIRROR = ("github_issues", "github_pull_requests", "pr_tracking")
INBOX = "webhook_deliveries"
THERE = 100_000
AT_ONCE = 500
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

# What happens to twenty of them. Of issues that is what tests/traffic.py comes to.
ISSUES = ("comment",) * 8 + ("title",) * 4 + ("label",) * 4 + ("state",) * 4
PULL_REQUESTS = ("comment",) * 6 + ("push",) * 6 + ("title",) * 2 + ("label",) * 3 + ("state",) * 3
MIX = (
    "of issues 8 in 20 a comment, 4 each a title, a label, and open or closed; "
    "of pull requests 6 each a comment and a push, 3 each a label, and open or closed, 2 a title"
)

LABELS = [label.Payload(number, f"label {number}", color="d73a4a") for number in range(1, 9)]

PARTS = "SELECT relid::text FROM pg_partition_tree(%s) WHERE isleaf"
SIZE = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(%s::text[]) AS t(name)"
UPDATES = """
SELECT sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint FROM pg_stat_user_tables WHERE relname = ANY(%s)
"""
ARRIVED = """
INSERT INTO webhook_deliveries (hook_target, guid, month, event, action, repository, headers, body)
SELECT 'integration:1', guid, delivery_month(guid), 'issues', 'edited', 'acme/app',
       jsonb_build_object('content-type', 'application/json', 'user-agent', 'GitHub-Hookshot/044aadd',
                          'x-github-delivery', guid, 'x-github-event', 'issues'), '{}'
FROM unnest(CAST(:guids AS text[])) AS guid
"""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Room:
    """How many bytes the mirror takes, and the inbox."""

    mirror: int
    inbox: int


def batches(round_: int) -> Iterator[Batch]:
    """All of them, as they were so many minutes later; of ten three are pull requests."""
    origin = Origin(SINCE + timedelta(minutes=round_), "guid", "webhook")
    home = repository.Payload(
        id=1, name="app", full_name="acme/app", owner=Owner(id=10, login="acme", type="Organization"), updated_at=SINCE
    )
    for first in range(1, THERE // AT_ONCE + 1):
        batch = Batch()
        batch.see(home, origin)
        for number in range(first, THERE + 1, THERE // AT_ONCE):
            batch.add(*told(number, round_, origin))
        yield batch


def told(number: int, round_: int, origin: Origin) -> tuple[Noun, int, Row]:
    """One of them, after all that has happened to it in so many rounds."""
    pull = number % 10 < 3
    mix = PULL_REQUESTS if pull else ISSUES
    # Twenty neighbours of a batch are as far apart as those of the mix.
    place = number // (THERE // AT_ONCE)
    happened = Counter(mix[(place + 7 * each) % len(mix)] for each in range(1, round_ + 1))
    values: dict[str, Any] = {
        "title": f"The lamp goes out {number}, {happened['title']}",
        "body": "It drifts. " * 30,
        "state": "closed" if happened["state"] % 2 else "open",
        "labels": LABELS[: happened["label"] % len(LABELS)],
        "comments": happened["comment"],
        "user": User("octocat", 1),
        "updated_at": origin.observed_at,
    }
    if pull:
        head = Branch(ref=f"change-{number}", sha=f"{number:020x}{happened['push']:020x}")
        return pull_request.noun, 1, pull_request.row(pull_request.Payload(number, number, head=head, **values), origin)
    return issue.noun, 1, issue.row(issue.Payload(number, number, **values), origin)


async def write(url: str, rounds: range) -> None:
    """Tell all of them so often."""
    engine = worker.create_engine(url)
    try:
        for round_ in rounds:
            for batch in batches(round_):
                async with transaction(engine) as conn:
                    await fetch(conn, sa.text(ARRIVED), {"guids": [str(uuid1()) for _ in range(AT_ONCE)]})
                async with transaction(engine) as conn:
                    claimed = await queue.claim(conn, AT_ONCE)
                    await project.write(conn, batch)
                    await queue.finish(conn, [(delivery, Verdict("processed")) for delivery in claimed])
    finally:
        await engine.dispose()


def room(connection: Connection) -> Room:
    """What is taken now."""
    return Room(_bytes(connection, MIRROR), _bytes(connection, _inbox(connection)))


def _inbox(connection: Connection) -> list[str]:
    """The partitions of the inbox."""
    return [name for (name,) in connection.execute(PARTS, [INBOX])]


def _bytes(connection: Connection, tables: Sequence[str]) -> int:
    ((size,),) = connection.execute(SIZE, [list(tables)]).fetchall()
    return int(size)


def hot(connection: Connection, tables: Sequence[str], *, at_least: int) -> float:
    """Of a hundred updates of some tables, of which there were that many, how many left their indexes alone."""
    ((updated, hot),) = connection.execute(UPDATES, [list(tables)]).fetchall()
    assert updated >= at_least, f"{', '.join(tables)}: {updated} updates"
    return 100 * float(hot) / float(updated)


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of a million updates, or of a tenth in short."""
    rounds = 1 if short else 1_000_000 // THERE
    count = rounds * THERE
    with psycopg.connect(url, autocommit=True) as connection:
        uvloop.run(write(url, range(1)))
        connection.execute("TRUNCATE webhook_deliveries")
        connection.execute("VACUUM ANALYZE")
        before = room(connection)
        uvloop.run(write(url, range(1, rounds + 1)))
        after = room(connection)
        connection.execute("SELECT pg_stat_force_next_flush()")
        hot_of_mirror = hot(connection, MIRROR, at_least=count)
        hot_of_inbox = hot(connection, _inbox(connection), at_least=count)
        connection.execute("VACUUM FULL webhook_deliveries")
        anew = room(connection)
    return [
        Figure(
            "bloat", f"room after {count:,} updates as a share of before", after.mirror / before.mirror, "x", note=MIX
        ),
        Figure("hot updates", "updates that left all indexes as they were", hot_of_mirror, "%"),
        Figure("bloat of the inbox", "room of the inbox as a share of the same anew", after.inbox / anew.inbox, "x"),
        Figure("hot updates of the inbox", "updates of the inbox that left its indexes", hot_of_inbox, "%"),
    ]
