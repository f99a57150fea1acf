"""Issues that were made pull requests: they keep their number, and are issues no more.

GitHub tells of the pull request alone, and of the issue's comments as of a pull request's from then on.
https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import issue
from ghsync.mirror.noun import Group, Row
from ghsync.mirror.upsert import Change, amend

_GONE = Group("gone", ("deleted_at",))

# The time follows from the rows, whatever came first (I5), and is not before anybody saw the issue. Both are looked up
# one by one: a plan that knows no sizes yet would compare each pull request there is with all that are asked for.
_CONVERTED = sa.text("""
SELECT i.repository_id::text AS repository_id, i.number, gone.deleted_at
FROM unnest(CAST(:repositories AS uuid[]), CAST(:numbers AS int[])) AS asked(repository_id, number)
CROSS JOIN LATERAL (
  SELECT repository_id, number, deleted_at, observed_at, verified_at FROM github_issues
  WHERE repository_id = asked.repository_id AND number = asked.number OFFSET 0) i
CROSS JOIN LATERAL (
  SELECT created_at FROM github_pull_requests
  WHERE repository_id = asked.repository_id AND number = asked.number AND deleted_at IS NULL OFFSET 0) p
CROSS JOIN LATERAL (SELECT greatest(p.created_at, i.observed_at, i.verified_at) AS deleted_at) gone
WHERE coalesce(i.deleted_at, '-infinity') < gone.deleted_at
ORDER BY 1, 2
""")


async def bury(conn: AsyncConnection, pulls: Iterable[Row], issues: Iterable[Row]) -> list[Change]:
    """Bury the issues under the numbers of these rows that are a pull request's now.

    Which of two is right, the API knows: issues that it shows are left to whoever reads it.
    """
    told = list(issues)
    numbers = {(row["repository_id"], row["number"]) for row in (*pulls, *told)}
    numbers -= {(row["repository_id"], row["number"]) for row in told if row["observed_by"] == "api"}
    if not numbers:
        return []
    repositories, ordered = zip(*sorted(numbers), strict=True)
    found = await fetch(conn, _CONVERTED, {"repositories": list(repositories), "numbers": list(ordered)})
    return await amend(conn, issue.noun, _GONE, [row._asdict() for row in found])
