"""How much room the mirror takes once its rows have been updated again and again, with autovacuum as it is by default.

Issues and pull requests are told anew through the gate, in batches of such as lie far apart, as those do that people
are at. Of each update an old row stays until room is made of it, by vacuum, or by the next update on its page where no
index knows of either.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import uvloop

from ghsync import worker
from ghsync.database import transaction
from ghsync.mirror import issue, pull_request, repository
from ghsync.mirror.noun import Origin
from ghsync.mirror.repository import Owner
from ghsync.mirror.user import User
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.benchmarks.figures import Figure

TABLES = ("github_issues", "github_pull_requests", "pr_tracking")
THERE = 100_000
AT_ONCE = 500
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

SIZE = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(%s::text[]) AS t(name)"
UPDATES = """
SELECT sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint FROM pg_stat_user_tables WHERE relname = ANY(%s)
"""


def batches(round_: int) -> Iterator[Batch]:
    """All of them, as they were so many minutes later; of ten three are pull requests."""
    told_at = SINCE + timedelta(minutes=round_)
    origin, author = Origin(told_at, "guid", "webhook"), User("octocat", 1)
    home = repository.Payload(
        id=1, name="app", full_name="acme/app", owner=Owner(id=10, login="acme", type="Organization"), updated_at=SINCE
    )
    for first in range(1, THERE // AT_ONCE + 1):
        batch = Batch()
        batch.see(home, origin)
        for number in range(first, THERE + 1, THERE // AT_ONCE):
            told = {"title": f"The lamp goes out {number}", "body": "It drifts. " * 30, "state": "open", "user": author}
            if number % 10 < 3:
                pull = pull_request.Payload(number, number, comments=round_, updated_at=told_at, **told)
                batch.add(pull_request.noun, 1, pull_request.row(pull, origin))
            else:
                one = issue.Payload(number, number, comments=round_, updated_at=told_at, **told)
                batch.add(issue.noun, 1, issue.row(one, origin))
        yield batch


async def write(url: str, rounds: range) -> None:
    """Tell all of them so often."""
    engine = worker.create_engine(url)
    try:
        for round_ in rounds:
            for batch in batches(round_):
                async with transaction(engine) as conn:
                    await project.write(conn, batch)
    finally:
        await engine.dispose()


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of a million updates, or of a tenth in short."""
    rounds = 1 if short else 1_000_000 // THERE
    with psycopg.connect(url, autocommit=True) as connection:
        uvloop.run(write(url, range(1)))
        connection.execute("VACUUM ANALYZE")
        before = connection.execute(SIZE, [list(TABLES)]).fetchall()[0][0]
        uvloop.run(write(url, range(1, rounds + 1)))
        after = connection.execute(SIZE, [list(TABLES)]).fetchall()[0][0]
        connection.execute("SELECT pg_stat_force_next_flush()")
        ((updated, hot),) = connection.execute(UPDATES, [list(TABLES)]).fetchall()
    assert updated >= rounds * THERE
    return [
        Figure("bloat", f"room after {rounds * THERE:,} updates, of before", after / before, "x"),
        Figure("hot updates", "updates that left all indexes as they were", 100 * hot / updated, "%"),
    ]
