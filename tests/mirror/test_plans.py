"""The hot statements stay cheap however much is mirrored: no large table is read from end to end."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import database, jobs
from ghsync.inbox import queue
from ghsync.mirror import guard, heads, issue, label, locking, overlay, pull_request, upsert
from ghsync.mirror.noun import Noun, Row
from ghsync.mirror.upsert import parameter
from ghsync.projector import project
from ghsync.tasks import alignment
from ghsync.tracking import project as tracking
from tests import postgres
from tests.mirror.reports import at, hook, rows

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LARGE = {
    "github_issues",
    "github_pull_requests",
    "pr_tracking",
    "github_labels",
    "github_milestones",
    "github_branches",
    "github_check_runs",
    "webhook_deliveries",
    "sync_jobs",
}

# 50,000 issues, pull requests and tracked pull requests, and as many labels, milestones and branches. 100,000 check
# runs, a tenth of them at one head; 100,000 deliveries, of which few wait; and as many refetches that wait.
FILL = (
    "INSERT INTO organizations (name, slug) VALUES ('acme', 'acme')",
    "INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM organizations",
    """INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                        observed_at, observed_by, sync_source)
       SELECT id, '1', 'acme', 'app', 'acme/app', 'acme/app', now(), 'api', 'backfill' FROM projects""",
    """INSERT INTO github_issues (repository_id, github_id, number, title, state, observed_at, observed_by, sync_source)
       SELECT id, n::text, n, 'An issue', 'open', now(), 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 50000) n""",
    """INSERT INTO github_pull_requests (repository_id, github_id, number, title, state, head_ref, base_ref,
                                         head_sha, observed_at, observed_by, sync_source)
       SELECT id, n::text, n, 'A pull request', CASE WHEN n % 50 = 0 THEN 'open' ELSE 'closed' END,
              'topic-' || n, 'release-' || n % 100, md5(n::text), now(), 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 50000) n""",
    """INSERT INTO pr_tracking (repository_id, pull_request_id, pr_number, pr_url, repository_name, title, branch_name)
       SELECT p.repository_id, p.id, p.number, '', r.tracked_name, p.title, p.head_ref
       FROM github_pull_requests p JOIN github_repositories r ON r.id = p.repository_id""",
    """INSERT INTO github_labels (repository_id, github_id, name, observed_at, observed_by, sync_source)
       SELECT id, n::text, 'label', now() - interval '1 minute' * n, 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 50000) n""",
    """INSERT INTO github_milestones (repository_id, github_id, number, title, state,
                                      observed_at, observed_by, sync_source)
       SELECT id, n::text, n, 'milestone', 'open', now() - interval '1 minute' * n, 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 50000) n""",
    """INSERT INTO github_branches (repository_id, name, observed_at, observed_by, sync_source)
       SELECT id, 'release-' || n, now() - interval '1 minute' * n, 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 50000) n""",
    """INSERT INTO github_check_runs (repository_id, github_id, name, head_sha, status, conclusion,
                                      observed_at, observed_by, sync_source)
       SELECT id, n::text, 'check-' || n % 7, md5((CASE WHEN n % 10 = 0 THEN 7 ELSE n / 2 END)::text), 'completed',
              'success', now(), 'guid', 'webhook'
       FROM github_repositories, generate_series(1, 100000) n""",
    """INSERT INTO webhook_deliveries (hook_target, guid, event, status, processed_at, headers, body)
       SELECT 'integration:1', n::text, 'issues', CASE WHEN n % 10000 = 0 THEN 'pending' ELSE 'processed' END,
              CASE WHEN n % 10000 > 0 THEN now() END, '{}', '' FROM generate_series(1, 100000) n""",
    """INSERT INTO sync_jobs (kind, key) SELECT 'refetch_pull_request', 'r#' || n FROM generate_series(1, 100000) n""",
    "VACUUM ANALYZE",
)


@pytest.fixture(scope="module")
def crowded_url(server_url: str, template: str) -> Iterator[str]:
    """A database with one large repository, for all tests here: they only ask for plans."""
    with postgres.database(server_url, template=template) as url:
        postgres.execute(url, *FILL)
        yield url


@pytest.fixture
async def crowded(crowded_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection to that database."""
    engine = database.create_engine(crowded_url)
    async with engine.connect() as conn:
        yield conn
    await engine.dispose()


async def plan(conn: AsyncConnection, statement: sa.TextClause, values: Mapping[str, object]) -> list[dict[str, Any]]:
    """The steps of a statement's plan."""
    found = (await conn.execute(sa.text(f"EXPLAIN (FORMAT JSON) {statement.text}"), values)).scalar_one()
    return _steps(found[0]["Plan"])


async def generic_plan(conn: AsyncConnection, statement: sa.TextClause) -> list[dict[str, Any]]:
    """The steps of the plan that is made once, whatever the values are."""
    compiled = statement.compile(dialect=postgresql.dialect(paramstyle="numeric_dollar"))
    unknown = ", ".join(["NULL"] * len(compiled.params))
    driver = (await conn.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    await driver.execute("SET plan_cache_mode = force_generic_plan")
    await driver.execute(f"PREPARE asked AS {compiled}".encode())
    ((found,),) = await (await driver.execute(f"EXPLAIN (FORMAT JSON) EXECUTE asked({unknown})".encode())).fetchall()
    return _steps(found[0]["Plan"])


def _steps(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [step, *(inner for child in step.get("Plans", ()) for inner in _steps(child))]


async def read_whole(conn: AsyncConnection, statement: sa.TextClause, values: Mapping[str, object]) -> set[str]:
    """The large tables that a statement reads from end to end."""
    steps = await plan(conn, statement, values)
    return {step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"} & LARGE


async def app(conn: AsyncConnection) -> str:
    """The repository's id."""
    ((repository_id,),) = await rows(conn, "SELECT id::text FROM github_repositories")
    return str(repository_id)


def batch(noun: Noun, repository_id: str) -> str:
    """A batch of 200 rows as they travel."""
    payloads: dict[Noun, list[Row]] = {
        issue.noun: [issue.row(issue.Payload(n, n, updated_at=at(n)), hook(n)) for n in range(1, 201)],
        pull_request.noun: [
            pull_request.row(pull_request.Payload(n, n, updated_at=at(n)), hook(n)) for n in range(1, 201)
        ],
        label.noun: [label.row(label.Payload(n, "bug"), hook(n)) for n in range(1, 201)],
    }
    return parameter([{"repository_id": repository_id} | row for row in payloads[noun]])


async def test_the_statements_of_a_batch_read_no_large_table_whole(crowded: AsyncConnection) -> None:
    repository_id = await app(crowded)
    for noun in (issue.noun, pull_request.noun, label.noun):
        values = {"rows": batch(noun, repository_id)}
        assert await read_whole(crowded, upsert._upsert_statement(noun, False), values) == set()
        steps = await plan(crowded, upsert._upsert_statement(noun, False), values)
        arbiters = [step["Conflict Arbiter Indexes"] for step in steps if "Conflict Arbiter Indexes" in step]
        assert arbiters == [[f"{noun.name}_{'_'.join(noun.key)}_key"]]

    report = [{"repository_id": repository_id, "number": n, "comments_count": 1, "comments_updated_at": at(n),
               "comments_observed_at": at(n)} for n in range(1, 201)]  # fmt: skip
    columns = (*pull_request.COMMENTS.columns, "comments_updated_at", "comments_observed_at")
    amendment = upsert._amend_statement(
        pull_request.noun, columns, guard.newer(pull_request.COMMENTS, incoming="i", stored="t")
    )
    assert await read_whole(crowded, amendment, {"rows": parameter(report)}) == set()

    asked = {"repositories": [repository_id] * 200, "numbers": list(range(1, 201))}
    assert await read_whole(crowded, tracking._REFRESH, asked) == set()


HOT = {
    "deriving": tracking._REFRESH,
    "claiming": queue._CLAIM,
    "claiming these": queue._CLAIM_THESE,
    "finishing": queue._FINISH,
    "heads": heads._AT_HEAD,
    "repositories": locking._LOCK,
    "any jobs": jobs._ANY,
    "jobs": jobs._DUE,
    "making jobs due": jobs._SCHEDULE,
    "outdated": overlay._OUTDATED,
    "later": overlay._LATER,
    **{f"carriers of {noun.name}": statement for noun, statement in overlay._CARRIERS},
    **{noun.name: upsert._upsert_statement(noun, False) for noun in project.SHOWN + project._OTHERS},
}


@pytest.mark.parametrize("name", HOT)
async def test_a_plan_that_is_made_once_reads_no_large_table_whole(crowded: AsyncConnection, name: str) -> None:
    steps = await generic_plan(crowded, HOT[name])
    assert {step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"} & LARGE == set()


FEW = (
    *FILL[:3],
    FILL[4].replace("50000", "300"),
    """INSERT INTO github_mentions (repository_id, kind, number, source, target_number, observed_at)
       SELECT id, 'pull_request', n, 'closing_keyword', n, now() FROM github_repositories, generate_series(1, 300) n""",
)


@pytest.mark.parametrize("statement", [tracking._REFRESH, alignment._ALIGN["pull_request"]], ids=["state", "links"])
def test_a_plan_that_was_made_for_an_empty_mirror_looks_at_nothing_but_what_is_asked(
    connection: psycopg.Connection, statement: sa.TextClause
) -> None:
    compiled = statement.compile(dialect=postgresql.dialect(paramstyle="numeric_dollar"))
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute(f"PREPARE asked AS {compiled}".encode())
    connection.execute(f"EXPLAIN EXECUTE asked({', '.join(['NULL'] * len(compiled.params))})".encode())
    for fill in FEW:
        connection.execute(fill.encode())
    (repository_id,) = connection.execute("SELECT id::text FROM github_repositories").fetchone() or ("",)
    asked = {
        "repositories": f"ARRAY['{repository_id}'::uuid]",
        "numbers": "ARRAY[7]",
        "items": f"""'[{{"repository_id": "{repository_id}", "number": 7}}]'""",
    }
    values = ", ".join(asked[name] for name in compiled.positiontup or ())
    found = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked({values})".encode()).fetchone()
    assert found is not None
    steps = _steps(found[0][0]["Plan"])
    assert max(step["Actual Loops"] for step in steps) < 20


async def test_what_came_later_is_read_from_the_newest_backwards(crowded: AsyncConnection) -> None:
    ((since,),) = await rows(crowded, "SELECT now() - interval '1 hour'")
    steps = await plan(crowded, overlay._LATER, {"repositories": [await app(crowded)], "since": since})
    found = {step["Index Name"] for step in steps if "Index Name" in step}
    assert found == {
        "idx_github_labels_observed_at", "idx_github_milestones_observed_at", "idx_github_branches_observed_at",
    }  # fmt: skip


async def test_a_push_reads_the_pull_requests_of_its_branch(crowded: AsyncConnection) -> None:
    ((branch_id,),) = await rows(crowded, "SELECT id::text FROM github_branches WHERE name = 'release-7'")
    assert await read_whole(crowded, overlay._OUTDATED, {"branches": [branch_id]}) == set()


@pytest.mark.parametrize(("noun", "prefix"), [(issue.noun, "idx_github_issues"), (pull_request.noun, "idx_github_prs")])
async def test_a_label_or_a_milestone_reads_only_what_carries_it(
    crowded: AsyncConnection, noun: Noun, prefix: str
) -> None:
    """The key begins with the repository: by that, all that the repository has would be read."""
    steps = await generic_plan(crowded, dict(overlay._CARRIERS)[noun])
    assert {step["Index Name"] for step in steps if "Index Name" in step} == {f"{prefix}_labels", f"{prefix}_milestone"}
