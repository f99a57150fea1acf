"""The audit: a random sample is read again and compared field by field. What differs is a finding, and is healed.

A finding means that neither a hook nor a sweep told of something: a mirror that is right has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import metrics
from ghsync.changes.feed import ChangeEvent
from ghsync.database import document, metadata, moment, reference, transaction, uuid_key
from ghsync.mirror import issue, pull_request
from ghsync.reconciler import catalog, places, refetch, runs, unread
from ghsync.reconciler.absentees import NOUNS, Absentee
from ghsync.reconciler.progress import Progress
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.refetch import RefetchTarget
from ghsync.reconciler.runs import Run

log = structlog.get_logger()

findings = sa.Table(
    "sync_findings",
    metadata,
    uuid_key(),
    reference("run_id", "sync_runs.id", "The audit that found it", nullable=False, ondelete="CASCADE"),
    reference("repository_id", "github_repositories.id", "Repository it is in", ondelete="CASCADE"),
    sa.Column("entity_type", sa.String(50), nullable=False, comment="Table of the row that was wrong"),
    sa.Column("number", sa.Integer, nullable=False, comment="Its issue or pull request number"),
    document("mirrored", "The fields that were wrong, as they were here"),
    document("actual", "The same fields as GitHub had them"),
    moment("found_at", "When it was found", default=True, nullable=False),
    comment="What audits found to be wrong; it was put right at once",
)
sa.Index("idx_sync_findings_found_at", findings.c.found_at)

SETTLED = timedelta(minutes=10)
"""What changed later than this may still be on its way."""

AUDITED = frozenset({issue.noun.name, pull_request.noun.name})

COMPUTED = frozenset({"mergeable", "mergeable_state", "updated_at"})
"""GitHub computes mergeability when it is asked for; updated_at moves with what is not mirrored."""


def _around(what: str, table: str) -> str:
    """The rows of a table that follow the random point, and after the last of them the first."""
    columns = f"'{what}' AS what, t.id::text, t.repository_id::text, t.number, t.node_id"
    parts = (
        f"(SELECT {columns} FROM {table} t WHERE t.id {side} (SELECT id FROM point) "
        "AND t.deleted_at IS NULL AND t.observed_at < :before ORDER BY t.id LIMIT :size)"
        for side in (">", "<=")
    )
    return f"(SELECT * FROM ({' UNION ALL '.join(parts)}) around LIMIT :size)"


# Keys are random, so the rows that follow a random key are a random sample, found without a look at all of them.
_SAMPLE = sa.text(f"""
WITH point AS (SELECT gen_random_uuid() AS id)
{_around("issues", "github_issues")}
UNION ALL
{_around("pull_requests", "github_pull_requests")}
""")

_FIND = sa.text("""
INSERT INTO sync_findings (run_id, repository_id, entity_type, number, mirrored, actual)
SELECT :run_id, f.repository_id, f.entity_type, f.number, f.mirrored, f.actual
FROM json_to_recordset(:findings)
  AS f(repository_id uuid, entity_type text, number int, mirrored jsonb, actual jsonb)
""")


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A row that was wrong: the fields that differed, as they were here and as GitHub has them."""

    repository_id: str
    entity_type: str
    number: int
    mirrored: dict[str, Any]
    actual: dict[str, Any]


async def audit(reconciler: Reconciler, *, size: int = 20) -> tuple[Run, list[AuditFinding]]:
    """Compare up to ``size`` issues and as many pull requests with GitHub."""
    now = reconciler.github.now()
    async with transaction(reconciler.engine) as conn:
        run = await runs.start(conn, "audit", Progress(now))
        sample = await _sample(conn, size, now - SETTLED)
        seen = reconciler.readable(await places.these(conn, [one.repository_id for one in sample]))
        known = {place.id: await catalog.stored(conn, place) for part in seen.values() for place in part}
    found: list[AuditFinding] = []
    async with runs.recorded(reconciler.engine, run):
        for installation, part in seen.items():
            ids = {place.id for place in part}
            mine = [one for one in sample if one.repository_id in ids]
            session = await reconciler.session(installation, "reconcile", "sweep", meter=run.meter)
            batch, failed = await refetch.read(reconciler, session, mine, known)
            session.unread.sentences |= {
                unread.conversation(
                    one.repository_id, one.absentee.number, pull=one.absentee.what == "pull_requests"
                ): said
                for one, said in failed.items()
            }
            told = await session.gate.write(batch, session.unread.keep)
            run.unread = session.unread.sentence or run.unread
            found += differences(told, now - SETTLED)
            run.rows_seen, run.rows_written = run.rows_seen + len(mine), len(found)
        async with transaction(reconciler.engine) as conn:
            await _keep(conn, run, found)
    for finding in found:
        metrics.findings.labels(finding.entity_type).inc()
        log.warning("finding", table=finding.entity_type, number=finding.number, fields=sorted(finding.actual))
    return run, found


def differences(told: Iterable[ChangeEvent], settled_at: datetime) -> list[AuditFinding]:
    """Which changes the mirror should have known before it was told."""
    found = []
    for event in told:
        if event.entity_type not in AUDITED or event.number is None or event.repository_id is None:
            continue
        actual = msgspec.json.decode(event.new or "{}")
        changed_at = actual.get("updated_at")
        if changed_at and datetime.fromisoformat(changed_at) > settled_at:
            continue
        mirrored = msgspec.json.decode(event.old or "{}")
        fields = actual.keys() - COMPUTED
        if fields:
            found.append(
                AuditFinding(
                    event.repository_id,
                    event.entity_type,
                    event.number,
                    {name: mirrored.get(name) for name in sorted(fields)},
                    {name: actual[name] for name in sorted(fields)},
                )
            )
    return found


async def _sample(conn: AsyncConnection, size: int, before: datetime) -> list[RefetchTarget]:
    rows = await conn.execute(_SAMPLE, {"size": size, "before": before})
    return [
        RefetchTarget(row.id, row.repository_id, Absentee(NOUNS[row.what], row.number), row.node_id) for row in rows
    ]


async def _keep(conn: AsyncConnection, run: Run, found: list[AuditFinding]) -> None:
    if found:
        await conn.execute(_FIND, {"run_id": run.id, "findings": msgspec.json.encode(found).decode()})
