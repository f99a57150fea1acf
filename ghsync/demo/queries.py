"""SQL to try: three questions, and what the mirror answers now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the SQL that answers it; it may be pasted into psql."""

    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Its rows, under the names of their columns."""

    query: Query
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


QUERIES = (
    Query(
        "What do open pull requests wait for?",
        "SELECT repository_name, pr_number, merge_status, review_status, ci_status FROM pr_tracking "
        "WHERE status = 'open' ORDER BY updated_at DESC LIMIT 3",
    ),
    Query(
        "Which task belongs to which pull request, and how do we know?",
        "SELECT t.title, t.status, l.kind, l.number, l.evidence FROM tasks t "
        "JOIN task_github_links l ON l.task_id = t.id LIMIT 3",
    ),
    Query(
        "What changed last?",
        "SELECT seq, entity_type, number, operation, left(new_values::text, 60) AS new_values FROM change_events "
        "ORDER BY seq DESC LIMIT 3",
    ),
)


async def answers(conn: AsyncConnection) -> list[Answer]:
    """What the mirror answers now."""
    return [await _answer(conn, query) for query in QUERIES]


async def _answer(conn: AsyncConnection, query: Query) -> Answer:
    found = await conn.execute(sa.text(query.sql))
    return Answer(query, tuple(found.keys()), [tuple(row) for row in found])
