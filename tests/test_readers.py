"""Who reads sees what is theirs, in every table, view and function, and what GitHub would not show, nobody sees."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import scalar_row
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, readers, schema
from ghsync.actor import Actor
from ghsync.administration import readers as acts
from ghsync.database import create_engine, transaction
from ghsync.errors import NotFound, Permanent
from tests import postgres, roles
from tests.verification.mirrors import tell

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

# Each story is of an organization of its own: half of them go to one, and half to another, each with a member; a guest
# is in one project alone. Each project has a task, a workflow and what comes of these.
DIVIDE = """
INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme'), ('Rival', 'rival');
INSERT INTO users (email, name, github_login) VALUES
  ('mona@acme.example', 'Mona', 'mona'), ('rob@rival.example', 'Rob', 'rob'), ('guest@else.example', 'Guest', 'guest');
CREATE TEMPORARY TABLE moves ON COMMIT DROP AS
SELECT o.id AS before, n.id AS after, o.github_account_id
FROM (SELECT *, row_number() OVER (ORDER BY github_account_id) AS place FROM organizations
      WHERE github_account_id IS NOT NULL) o
JOIN organizations n ON n.slug = CASE WHEN o.place % 2 = 0 THEN 'acme' ELSE 'rival' END;
UPDATE projects p SET organization_id = m.after, followed_organization_id = m.after, slug = slug || github_repo_id
FROM moves m WHERE p.organization_id = m.before;
UPDATE github_installations i SET organization_id = m.after FROM moves m WHERE i.organization_id = m.before;
INSERT INTO organization_members (organization_id, user_id, role, source)
SELECT o.id, u.id, 'admin', 'local' FROM organizations o, users u
WHERE (o.slug, u.github_login) IN (('acme', 'mona'), ('rival', 'rob'));
CREATE TEMPORARY TABLE theirs ON COMMIT DROP AS
SELECT r.id FROM github_repositories r JOIN projects p ON p.id = r.project_id
JOIN organizations o ON o.id = p.organization_id WHERE o.slug = 'rival';
INSERT INTO project_members (project_id, user_id, role, source)
SELECT p.id, u.id, 'developer', 'local' FROM projects p, users u WHERE u.github_login = 'guest' AND p.id = (
  SELECT r.project_id FROM github_repositories r JOIN github_pull_requests q ON q.repository_id = r.id
  WHERE r.id IN (SELECT id FROM theirs) GROUP BY r.project_id ORDER BY count(*) DESC, r.project_id LIMIT 1);
INSERT INTO workflows (project_id, name) SELECT id, 'Workflow of ' || slug FROM projects;
INSERT INTO workflow_executions (workflow_id) SELECT id FROM workflows;
INSERT INTO agents (project_id, name, agent_type, instance_id, version)
SELECT id, 'Agent of ' || slug, 'coder', id, '1' FROM projects;
INSERT INTO agent_sessions (session_id, agent_name, workflow_id, expires_at)
SELECT id, name, id, now() + interval '1 day' FROM workflows;
INSERT INTO tasks (project_id, title) SELECT id, 'Task ' || n || ' of ' || slug FROM projects, generate_series(1, 2) n;
INSERT INTO task_dependencies (task_id, depends_on_task_id)
SELECT a.id, b.id FROM tasks a JOIN tasks b USING (project_id) WHERE a.title LIKE 'Task 1%' AND b.title LIKE 'Task 2%';
INSERT INTO task_executions (task_id, agent_type) SELECT id, 'coder' FROM tasks;
INSERT INTO task_moves (task_id, stage, status) SELECT id, 'merged', 'completed' FROM tasks;
INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence)
SELECT t.id, i.repository_id, 'issue', i.number, 'manual', 1, 'a person' FROM github_issues i
JOIN github_repositories r ON r.id = i.repository_id
JOIN tasks t ON t.project_id = r.project_id AND t.title LIKE 'Task 1%';
INSERT INTO task_creations (issue_id, task_id)
SELECT i.id, t.id FROM github_issues i
JOIN github_repositories r ON r.id = i.repository_id
JOIN tasks t ON t.project_id = r.project_id AND t.title LIKE 'Task 2%';
INSERT INTO github_releases (repository_id, github_id, tag_name, name, draft, prerelease, published_at, observed_at,
                             observed_by, sync_source)
SELECT id, github_id || n, 'v' || n, 'Release ' || n, n = 2, false, now(), now(), 'api', 'backfill'
FROM github_repositories, generate_series(1, 2) n;
UPDATE github_issues SET title = 'CLASSIFIED ' || title WHERE repository_id IN (SELECT id FROM theirs);
UPDATE github_pull_requests SET title = 'CLASSIFIED ' || title WHERE repository_id IN (SELECT id FROM theirs);
UPDATE github_comments SET body = 'CLASSIFIED ' || body WHERE repository_id IN (SELECT id FROM theirs);
UPDATE change_events SET new_values = new_values || '{"title": "CLASSIFIED"}'
WHERE repository_id IN (SELECT id FROM theirs);
"""


def ask(connection: Connection, statement: str, *values: object) -> list[Any]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement.encode(), values or None).fetchall()


@pytest.fixture
async def divided(engine: AsyncEngine, connection: Connection) -> Connection:
    """A mirror of two organizations."""
    await tell(engine)
    with connection.transaction():
        connection.execute(DIVIDE)
    connection.execute("REFRESH MATERIALIZED VIEW project_task_stats")
    return connection


@pytest.fixture
def login(connection: Connection, database_url: str) -> Iterator[str]:
    """A role that logs in, and may do nothing."""
    role = roles.named("reader")
    connection.execute(f'CREATE ROLE "{role}" LOGIN'.encode())
    yield role
    roles.forget(database_url, role)


@pytest.fixture
async def engine_of() -> AsyncIterator[Callable[[str], AsyncEngine]]:
    """Makes engines that end with the test."""
    made: list[AsyncEngine] = []

    def make(url: str) -> AsyncEngine:
        made.append(create_engine(url))
        return made[-1]

    yield make
    for engine in made:
        await engine.dispose()


async def read_as(engine: AsyncEngine, role: str, user: str | None) -> None:
    async with transaction(engine) as conn:
        await acts.admit(conn, role, user, actor=Actor("a test"))


def behalf(connection: Connection, login: str) -> None:
    """Read on somebody's behalf, as a door does, to the end of the session."""
    (user,) = ask(connection, "SELECT id FROM users WHERE github_login = %s", login)
    connection.execute("SET ROLE ghsync_read")
    connection.execute("SELECT set_config('app.current_user_id', %s, false)", [str(user)])


def shown(connection: Connection) -> dict[str, str]:
    """The columns that readers see, by table."""
    found = connection.execute("SELECT name, columns FROM row_policies() WHERE condition IS NOT NULL").fetchall()
    return dict(found)


def content(connection: Connection, table: str, columns: str, where: str = "true") -> set[str]:
    """Its rows, as texts."""
    selected = f"SELECT {columns} FROM {table} t WHERE {where}"
    return set(ask(connection, f"SELECT to_jsonb(x)::text FROM ({selected}) x"))


CHILDREN = """
SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_class r ON r.oid = c.conrelid
WHERE c.contype = 'f' AND r.relnamespace = 'public'::regnamespace AND NOT r.relispartition AND cardinality(c.conkey) = 1
UNION ALL SELECT 'change_events', 'repository_id', 'github_repositories'
"""


TOKENS_OF_MODELS = ["agent_sessions.tokens_used", "workflow_dashboard.tokens_used"]
UNTOLD: set[str] = set()  # what is in no story
PLACE = "t.tableoid::regclass || t.ctid::text"
HIDDEN = """
id IN (SELECT r.id FROM github_repositories r LEFT JOIN github_installations i ON i.id = r.installation_id
       WHERE coalesce(r.removed_at, r.deleted_at, i.deleted_at, i.suspended_at) IS NOT NULL)"""


def below(connection: Connection, table: str, where: str) -> dict[str, set[str]]:
    """Rows and all that refers to them, and to these in turn, by table, as the places that they are at."""
    found = {table: set(ask(connection, f"SELECT {PLACE} FROM {table} t WHERE {where}"))}
    references = connection.execute(CHILDREN).fetchall()
    grown = True
    while grown:
        grown = False
        for child, column, parent in references:
            if parent in found and child not in ("users", "audit_logs"):
                parents = f"SELECT id FROM {parent} t WHERE {PLACE} = ANY(%s)"
                rows = f"SELECT {PLACE} FROM {child} t WHERE {column} IN ({parents})"
                new = set(ask(connection, rows, list(found[parent]))) - found.get(child, set())
                found.setdefault(child, set()).update(new)
                grown = grown or bool(new)
    return found


def test_every_table_is_protected_and_its_secrets_are_nobodys(connection: Connection) -> None:
    policies = {name for (name,) in connection.execute("SELECT name FROM row_policies()").fetchall()}
    assert policies == schema.metadata.tables.keys()
    unprotected = "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT relrowsecurity"
    assert ask(connection, unprotected, sorted(schema.metadata.tables)) == []
    secret = re.compile("token|secret|hash|password|email|credential|headers|ip_address")
    readable = """
        SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT a.attisdropped
          AND has_column_privilege('ghsync_read', c.oid, a.attnum, 'SELECT')"""
    assert [name for name in ask(connection, readable) if secret.search(name)] == TOKENS_OF_MODELS


def test_what_others_have_made_beside_it_is_theirs_to_show(connection: Connection) -> None:
    connection.execute("CREATE TABLE github_issues_before AS SELECT * FROM github_issues")
    connection.execute("CREATE TABLE sync_notes (repository_id uuid)")
    connection.execute("CREATE VIEW my_issues WITH (security_invoker = true) AS SELECT * FROM github_issues")
    assert ask(connection, "SELECT name FROM row_policies() WHERE name IN ('github_issues_before', 'sync_notes')") == []
    connection.execute("SELECT grant_views()")
    for theirs in ("github_issues_before", "sync_notes", "my_issues"):
        assert ask(connection, "SELECT has_table_privilege('ghsync_read', %s, 'SELECT')", theirs) == [False]


def told_of_gone(connection: Connection) -> Iterator[tuple[str, set[str]]]:
    """What was said of issues and pull requests that are gone, by table."""
    gone = " UNION ".join(
        f"SELECT repository_id, number FROM {table} WHERE deleted_at IS NOT NULL"
        for table in ("github_issues", "github_pull_requests")
    )
    for table in ("change_events", "github_comments", "github_mentions", "github_reviews", "github_review_threads",
                  "task_github_links", "pr_tracking"):  # fmt: skip
        number = "pr_number" if table == "pr_tracking" else "number"
        places = f"SELECT {PLACE} FROM {table} t WHERE (repository_id, {number}) IN ({gone})"
        yield table, set(ask(connection, places))


@pytest.mark.parametrize(("login", "own", "other"), [("mona", "acme", "rival"), ("rob", "rival", "acme")])
async def test_a_person_sees_all_of_theirs_and_nothing_of_others_in_every_table(
    divided: Connection, login: str, own: str, other: str
) -> None:
    ours = below(divided, "organizations", f"slug = '{own}'")
    theirs = below(divided, "organizations", f"slug = '{other}'")
    gone = below(divided, "github_repositories", HIDDEN)
    for table, places in (*below(divided, "github_issues", "deleted_at IS NOT NULL").items(), *told_of_gone(divided)):
        gone.setdefault(table, set()).update(places)
    tables, expected, foreign = shown(divided), {}, {}
    for table, columns in tables.items():
        alive = "deleted_at IS NULL" if {"deleted_at", "observed_at"} <= set(columns_of(divided, table)) else "true"
        places = ours.get(table, set()) - gone.get(table, set()) - theirs.get(table, set())
        expected[table] = content(divided, table, columns, f"{PLACE} = ANY({literal(places)}) AND {alive}")
        foreign[table] = content(divided, table, columns, f"{PLACE} = ANY({literal(theirs.get(table, ()))})")
    behalf(divided, login)
    seen = {table: content(divided, table, columns) for table, columns in tables.items()}
    assert {table for table in tables if seen[table] & foreign[table]} == set()
    checked = tables.keys() - {"users", "change_feed"}
    assert {table: seen[table] for table in checked} == {table: expected[table] for table in checked}
    assert {table for table in checked if not seen[table] and not foreign[table]} == UNTOLD


async def test_nothing_of_others_shows_in_any_view(divided: Connection) -> None:
    of_kind = "relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
    views = ask(divided, f"SELECT relname FROM pg_class WHERE {of_kind} ORDER BY 1")
    theirs = identities(divided, "rival")
    shown_by_owner = {view: " ".join(content(divided, view, "*")) for view in views}
    behalf(divided, "mona")
    readable = [view for view in views if may_read(divided, view)]
    invoked = "SELECT relname FROM pg_class WHERE reloptions @> '{security_invoker=true}' ORDER BY 1"
    assert readable == ask(divided, invoked)
    assert readable == [
        "active_tasks", "latest_releases", "pr_quality_dashboard", "pr_validation_status", "workflow_dashboard",
    ]  # fmt: skip
    for view in readable:
        text = " ".join(content(divided, view, "*"))
        assert [each for each in theirs if each in text] == [], view
        assert "CLASSIFIED" not in text, view
        assert view == "latest_releases" or text, view
    with_theirs = {view for view in readable if any(each in shown_by_owner[view] for each in theirs)}
    assert with_theirs >= set(readable) - {"latest_releases"}
    for view in set(views) - set(readable):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            divided.execute(f"SELECT * FROM {view}".encode())


ARGUMENTS = {
    "uuid": "{repository}",
    "text": "webhook_deliveries",
    "date": "2026-01-01",
    "timestamp with time zone": "infinity",
    "boolean": "true",
    "jsonb": "[]",
    "uuid[]": "{{{repository}}}",
    "text[]": "{{webhook_deliveries}}",
    "character varying": "x",
}


async def test_no_function_tells_anything_of_others(divided: Connection) -> None:
    theirs = identities(divided, "rival")
    (repository,) = ask(divided, """
        SELECT q.repository_id FROM github_pull_requests q JOIN github_repositories r ON r.id = q.repository_id
        JOIN projects p ON p.id = r.project_id JOIN organizations o ON o.id = p.organization_id
        WHERE o.slug = 'rival' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1""")  # fmt: skip
    functions = divided.execute("""
        SELECT p.proname, array(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t)
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
        ORDER BY 1""").fetchall()
    numbers = ask(divided, "SELECT DISTINCT number FROM github_pull_requests WHERE repository_id = %s", repository)
    behalf(divided, "mona")
    answered = set()
    for name, types in functions:
        for number in numbers:
            given = [ARGUMENTS.get(each, "1").format(repository=repository) for each in types]
            given = [str(number) if each == "integer" else value for each, value in zip(types, given, strict=True)]
            arguments = ", ".join(
                f"{psycopg.sql.Literal(v).as_string()}::{t}" for v, t in zip(given, types, strict=True)
            )
            try:
                text = " ".join(map(str, ask(divided, f"SELECT to_jsonb(x)::text FROM {name}({arguments}) x")))
            except psycopg.Error:
                continue
            answered.add(name)
            assert "CLASSIFIED" not in text, name
            assert [each for each in theirs - {str(repository)} if each in text] == [], name
    assert answered >= {"github_issues_as_of", "github_pull_requests_as_of", "visible_repositories", "pr_blockers"}


def as_role(url: str, role: str) -> Connection:
    return psycopg.connect(postgres.as_role(url, role), autocommit=True)


TITLES = "SELECT title FROM github_issues"
ALL_TITLES = "SELECT count(*) FROM github_issues WHERE deleted_at IS NULL"


async def test_a_role_is_the_person_it_is_bound_to_whatever_it_says(
    divided: Connection, engine: AsyncEngine, database_url: str, login: str
) -> None:
    (rob,) = ask(divided, "SELECT id FROM users WHERE github_login = 'rob'")
    with as_role(database_url, login) as reader:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(TITLES)
        await read_as(engine, login, "mona")
        hers = ask(reader, TITLES)
        assert hers
        assert not any(title.startswith("CLASSIFIED") for title in hers)
        reader.execute("SELECT set_config('app.current_user_id', %s, false)", [str(rob)])
        assert sorted(ask(reader, TITLES)) == sorted(hers)
        for forbidden in ("SET ROLE ghsync_write", "SET SESSION AUTHORIZATION postgres",
                          "UPDATE github_issues SET title = ''", "DELETE FROM tasks", "SELECT * FROM sync_tokens",
                          "SELECT webhook_secret FROM github_repositories", "SELECT body FROM webhook_deliveries",
                          "INSERT INTO database_readers (role) VALUES (current_user)", "SELECT email FROM users",
                          "SELECT * FROM webhook_deliveries_default", "SELECT * FROM project_task_stats",
                          "SELECT retire_partition('audit_logs', '2020-01-01')"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden.encode())
        reader.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(TITLES)
        reader.execute("RESET row_security")
        async with transaction(engine) as conn:
            await acts.dismiss(conn, login, actor=Actor("a test"))
        assert ask(reader, TITLES) == []


async def test_a_role_may_see_all_that_is_to_be_seen(
    divided: Connection, engine: AsyncEngine, database_url: str, login: str
) -> None:
    await read_as(engine, login, None)
    divided.execute("""UPDATE github_repositories SET removed_at = now() WHERE id = (
        SELECT repository_id FROM github_issues WHERE deleted_at IS NULL LIMIT 1)""")  # fmt: skip
    visible = f"{ALL_TITLES} AND repository_id NOT IN (SELECT id FROM github_repositories WHERE removed_at IS NOT NULL)"
    (count,) = ask(divided, visible)
    with as_role(database_url, login) as reader:
        assert ask(reader, "SELECT count(*) FROM github_issues") == [count]
        assert ask(reader, "SELECT count(*) FROM organizations") == ask(divided, "SELECT count(*) FROM organizations")


PRIVATE = """
UPDATE github_repositories SET private = true;
UPDATE organization_members SET role = 'member';
UPDATE organizations SET settings = '{"members_see": "public"}';
"""


async def test_nobody_in_particular_sees_nothing(divided: Connection) -> None:
    tables = shown(divided).keys() - {"change_feed"}
    divided.execute("SET ROLE ghsync_read")
    for said in ("", "00000000-0000-0000-0000-000000000000"):
        divided.execute("SELECT set_config('app.current_user_id', %s, false)", [said])
        assert [table for table in tables if ask(divided, f"SELECT 1 FROM {table}")] == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE github_repositories SET removed_at = now()",
        "UPDATE github_repositories SET deleted_at = now()",
        "UPDATE github_installations SET suspended_at = now()",
        "UPDATE github_installations SET deleted_at = now()",
        "UPDATE organization_members SET removed_at = now()",
        "UPDATE users SET deleted_at = now()",
        PRIVATE,
    ],
)
async def test_what_github_would_not_show_is_hidden_at_once(
    divided: Connection, engine: AsyncEngine, database_url: str, login: str, change: str
) -> None:
    one = "SELECT id FROM github_installations WHERE deleted_at IS NULL LIMIT 1"
    divided.execute(f"UPDATE github_repositories SET installation_id = ({one}) WHERE installation_id IS NULL".encode())
    await read_as(engine, login, "mona")
    below_repositories = [name for name, condition in divided.execute(
        "SELECT name, condition FROM row_policies()").fetchall() if "repositories()" in (condition or "")]  # fmt: skip
    with as_role(database_url, login) as reader:
        assert ask(reader, TITLES)
        divided.execute(change.encode())
        assert [table for table in below_repositories if ask(reader, f"SELECT 1 FROM {table}")] == []


MENTION = """
INSERT INTO github_mentions (repository_id, kind, number, source, target_number, evidence, observed_at)
VALUES (%s, 'issue', %s, 'closing_keyword', 1, 'Fixes it', now())
"""


async def test_of_what_is_deleted_on_github_nothing_is_shown_that_tells_of_it(divided: Connection) -> None:
    about = "repository_id = %s AND number = %s"
    places = {
        f"{table} WHERE {about}"
        for table in ("github_issues", "github_comments", "github_mentions", "task_github_links", "change_events")
    }
    found = ask(divided, """
        SELECT c.repository_id || ' ' || c.number
        FROM github_comments c JOIN github_issues i USING (repository_id, number)
        JOIN github_repositories r ON r.id = c.repository_id JOIN projects p ON p.id = r.project_id
        JOIN organizations o ON o.id = p.organization_id AND o.slug = 'acme'
        WHERE i.deleted_at IS NULL AND c.deleted_at IS NULL ORDER BY 1 LIMIT 1""")  # fmt: skip
    repository, number = found[0].split()
    divided.execute(MENTION, [repository, number])

    def shown() -> set[str]:
        behalf(divided, "mona")
        seen = {place for place in places if ask(divided, f"SELECT 1 FROM {place}", repository, number)}
        divided.execute("RESET ROLE")
        return seen

    assert shown() == places
    divided.execute(f"UPDATE github_issues SET deleted_at = now() WHERE {about}".encode(), [repository, number])
    assert shown() == set()


async def test_a_pull_request_that_is_gone_is_tracked_for_nobody(divided: Connection) -> None:
    def shown() -> list[int]:
        behalf(divided, "mona")
        views = ("pr_tracking", "pr_quality_dashboard", "pr_validation_status", "github_pull_requests")
        seen = [len(ask(divided, f"SELECT 1 FROM {view}")) for view in views]
        divided.execute("RESET ROLE")
        return seen

    assert min(shown()) > 0
    divided.execute("UPDATE github_pull_requests SET deleted_at = now()")
    assert shown() == [0, 0, 0, 0]


async def test_who_is_in_a_project_alone_sees_that_and_neither_its_alerts_nor_its_drafts(divided: Connection) -> None:
    divided.execute("""
        INSERT INTO github_security_alerts (repository_id, kind, number, state, observed_at, observed_by, sync_source)
        SELECT id, 'secret_scanning', 1000, 'open', now(), 'api', 'backfill' FROM github_repositories""")
    behalf(divided, "guest")
    seen = [f"SELECT count(*) FROM {rows}" for rows in (
        "github_repositories", "projects", "github_security_alerts WHERE number = 1000", "github_releases WHERE draft",
        "github_releases", "change_events WHERE entity_type = 'github_releases'",
    )]  # fmt: skip
    assert [ask(divided, count) for count in seen] == [[1], [1], [0], [0], [1], [0]]
    divided.execute("RESET ROLE")
    divided.execute("UPDATE project_members SET role = 'maintain'")
    divided.execute("SET ROLE ghsync_read")
    assert [ask(divided, count) for count in seen[:5]] == [[1], [1], [1], [1], [2]]


async def test_a_role_that_would_see_more_is_refused(
    divided: Connection, engine: AsyncEngine, database_url: str, login: str
) -> None:
    for more in ("BYPASSRLS", "SUPERUSER"):
        divided.execute(f'ALTER ROLE "{login}" {more}'.encode())
        with pytest.raises(Permanent, match="would see more than a reader"):
            await read_as(engine, login, "mona")
        divided.execute(f'ALTER ROLE "{login}" NO{more}'.encode())
    divided.execute(f'GRANT {readers.ADMIN} TO "{login}"'.encode())
    with pytest.raises(Permanent, match="would see more than a reader"):
        await read_as(engine, login, "mona")
    divided.execute(f'REVOKE {readers.ADMIN} FROM "{login}"'.encode())
    with pytest.raises(NotFound, match='PostgreSQL has no role "nobody at all"'):
        await read_as(engine, "nobody at all", "mona")
    with pytest.raises(NotFound, match="No user has the login"):
        await read_as(engine, login, "nobody-at-all")
    divided.execute("INSERT INTO users (email, name, github_login) VALUES ('m@rival.example', 'Another', 'Mona')")
    with pytest.raises(Permanent, match="Several users are known as mona: give the id"):
        await read_as(engine, login, "mona")
    (mona,) = ask(divided, "SELECT id FROM users WHERE email = 'mona@acme.example'")
    await read_as(engine, login, str(mona))


async def test_the_service_reads_with_the_eyes_that_it_says_and_that_of_another_mirror_does_not(
    divided: Connection, database_url: str, server_url: str
) -> None:
    """Roles belong to the server: who works in one database has no business in the next."""
    (mona,) = ask(divided, "SELECT id FROM users WHERE github_login = 'mona'")

    def seen_by(service_url: str) -> list[str]:
        role = psycopg.conninfo.conninfo_to_dict(service_url)["user"]
        divided.execute(f'GRANT ghsync_read TO "{role}"'.encode())
        with as_role(database_url, str(role)) as service:
            service.execute("SET ROLE ghsync_read")
            service.execute("SELECT set_config('app.current_user_id', %s, false)", [str(mona)])
            return ask(service, TITLES)

    with roles.service(database_url) as ours:
        titles = seen_by(ours)
    assert titles
    assert not any(title.startswith("CLASSIFIED") for title in titles)
    with postgres.database(server_url) as elsewhere:
        migrate.upgrade(elsewhere)
        with roles.service(elsewhere) as theirs:
            with as_role(database_url, str(psycopg.conninfo.conninfo_to_dict(theirs)["user"])) as stranger:
                for table in ("github_issues", "sync_tokens", "webhook_deliveries"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        stranger.execute(f"SELECT * FROM {table}".encode())
            assert seen_by(theirs) == []


def test_the_service_s_plans_are_those_of_the_owner(connection: Connection, database_url: str) -> None:
    """Behind a policy that is not plainly true no index is used for @>, which might tell of a row that is hidden."""
    carriers = "EXPLAIN (COSTS OFF) SELECT id FROM github_issues WHERE labels @> '[{\"id\": 1}]' AND repository_id = %s"
    by_index = "SET enable_seqscan = off"
    connection.execute(by_index)
    plan = ask(connection, carriers, "00000000-0000-0000-0000-000000000000")
    with roles.service(database_url) as service_url, psycopg.connect(service_url) as service:
        service.execute(by_index)
        assert ask(service, carriers, "00000000-0000-0000-0000-000000000000") == plan
    assert not any("SubPlan" in line for line in plan)


async def test_an_owner_who_is_no_superuser_migrates_and_lets_readers_in(
    empty_database_url: str, login: str, engine_of: Callable[[str], AsyncEngine]
) -> None:
    owner, service = roles.named("owner"), roles.named("service")
    roles.grant(empty_database_url, owner, service)
    try:
        as_owner = postgres.as_role(empty_database_url, owner)
        migrate.upgrade(as_owner)
        with psycopg.connect(empty_database_url) as administrator:
            assert ask(administrator, "SELECT row_policies_due()") == []
        engine = engine_of(as_owner)
        await read_as(engine, login, None)
        with as_role(empty_database_url, login) as reader, as_role(empty_database_url, service) as serving:
            assert ask(reader, "SELECT count(*) FROM github_issues") == [0]
            assert ask(reader, "SELECT count(*) FROM pr_quality_dashboard") == [0]
            serving.execute("INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme')")
            assert ask(serving, "SELECT slug FROM organizations") == ["acme"]
            assert ask(reader, "SELECT slug FROM organizations") == ["acme"]
    finally:
        roles.forget(empty_database_url, service, owner)


async def test_a_service_that_is_let_in_by_hand_sees_all_after_the_next_migration(
    divided: Connection, database_url: str, login: str
) -> None:
    divided.execute("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY")
    assert ask(divided, "SELECT row_policies_due()") == ["tasks"]
    for table in ("webhook_deliveries", "github_issues"):
        divided.execute(f'GRANT SELECT, INSERT ON {table} TO "{login}"'.encode())
    with as_role(database_url, login) as service:
        assert ask(service, TITLES) == []
        migrate.upgrade(database_url)
        assert len(ask(service, TITLES)) == len(ask(divided, TITLES))
    assert ask(divided, "SELECT row_policies_due()") == []


async def test_a_writer_writes_tasks_where_it_sees_and_nowhere_else(
    divided: Connection, engine: AsyncEngine, database_url: str, login: str
) -> None:
    async with transaction(engine) as conn:
        await acts.admit(conn, login, "mona", writes=True, actor=Actor("a test"))
    of = "SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id WHERE o.slug = %s ORDER BY 1"
    ours, theirs = ask(divided, of, "acme")[0], ask(divided, of, "rival")[0]
    new = "INSERT INTO tasks (project_id, title) VALUES (%s, 'A new one') RETURNING id"
    due = "SELECT count(*) FROM sync_jobs WHERE kind = 'link_task' AND key = %s"
    with as_role(database_url, login) as writer:
        (task,) = ask(writer, new, ours)
        assert ask(divided, due, str(task)) == [1]
        (other,) = ask(
            writer,
            "SELECT id FROM tasks WHERE title LIKE 'Task 1%%' LIMIT 1",
        )
        writer.execute("INSERT INTO task_dependencies (task_id, depends_on_task_id) VALUES (%s, %s)", [task, other])
        with pytest.raises(psycopg.errors.CheckViolation, match="close a cycle"):
            writer.execute("INSERT INTO task_dependencies (task_id, depends_on_task_id) VALUES (%s, %s)", [other, task])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            writer.execute(new.encode(), [theirs])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            writer.execute("UPDATE tasks SET project_id = %s WHERE id = %s", [theirs, task])
        assert writer.execute("UPDATE tasks SET title = 'x' WHERE project_id = %s", [theirs]).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writer.execute("UPDATE github_issues SET title = ''")
    await read_as(engine, login, "mona")
    with as_role(database_url, login) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(new.encode(), [ours])


def identities(connection: Connection, organization: str) -> set[str]:
    """The ids of all rows of an organization."""
    found: set[str] = set()
    for table, places in below(connection, "organizations", f"slug = '{organization}'").items():
        if "id" in columns_of(connection, table):
            ids = f"SELECT id::text FROM {table} t WHERE {PLACE} = ANY(%s) AND pg_typeof(id) = 'uuid'::regtype"
            found |= set(ask(connection, ids, list(places)))
    return found


def may_read(connection: Connection, relation: str) -> bool:
    (may,) = ask(connection, "SELECT has_any_column_privilege(%s, 'SELECT')", relation)
    return bool(may)


def columns_of(connection: Connection, table: str) -> list[str]:
    found = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    return ask(connection, found, table)


def literal(values: Any) -> str:
    return psycopg.sql.Literal(sorted(values)).as_string() + "::text[]"
