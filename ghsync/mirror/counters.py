"""The comment counter of a pull request, which issue objects report more often than pull request objects do."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import pull_request
from ghsync.mirror.noun import Row
from ghsync.mirror.upsert import Change, amend

_NEVER = datetime.min.replace(tzinfo=UTC)

# Comments may have been mirrored before their pull request was.
_REPORTED_EARLIER = sa.text("""
SELECT DISTINCT ON (c.repository_id, c.number) c.repository_id::text AS repository_id, c.number,
       c.comments_count, c.comments_updated_at, c.comments_observed_at
FROM unnest(CAST(:repositories AS uuid[]), CAST(:numbers AS int[])) AS asked(repository_id, number)
JOIN github_comments c USING (repository_id, number)
WHERE c.comments_observed_at IS NOT NULL
ORDER BY c.repository_id, c.number, coalesce(c.comments_updated_at, '-infinity') DESC, c.comments_observed_at DESC
""")


async def write(conn: AsyncConnection, rows: Iterable[Row], changes: Sequence[Change]) -> list[Change]:
    """Write counters of known pull requests; ``changes`` tell which were created just now."""
    created = [change.key for change in changes if change.noun is pull_request.noun and change.created]
    reports = list(rows)
    if created:
        asked = {"repositories": [key[0] for key in created], "numbers": [key[1] for key in created]}
        reports += [row._asdict() for row in await fetch(conn, _REPORTED_EARLIER, asked)]
    newest: dict[tuple[str, int], Row] = {}
    for report in sorted(reports, key=_version):
        newest[report["repository_id"], report["number"]] = report
    return await amend(conn, pull_request.noun, pull_request.COMMENTS, [newest[key] for key in sorted(newest)])


def _version(report: Row) -> tuple[datetime, datetime]:
    return (report["comments_updated_at"] or _NEVER, report["comments_observed_at"])
