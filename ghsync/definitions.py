"""Views, functions and triggers: what ``db/sql/`` defines, applied as a whole once the tables are the newest.

A migration changes tables alone. What is defined over them is as it is said today, whichever migration came first: so
no old migration has to keep an old text. The database remembers, in a comment, which text it got.
"""

import hashlib
import re
from pathlib import Path

import sqlalchemy as sa

ORDER = (
    "tracking_rules",
    "quality_score",
    "counted_checks",
    "counted_reviews",
    "concerning_alerts",
    "pr_blockers",
    "change_feed_at",
    "github_issues_as_of",
    "github_pull_requests_as_of",
    "active_tasks",
    "pr_quality_dashboard",
    "pr_validation_status",
    "readable_duration",
    "blocked_reason",
    "stale_reasons",
    "sync_health",
    "system_health_dashboard",
    "workflow_dashboard",
    "project_task_stats",
    "task_dependencies_refuse_cycle",
    "link_task_due",
    "tasks_due_for_linking",
    "agent_sessions_due_for_linking",
    "workflow_executions_due_for_linking",
    "projects_refuse_tracking_rules",
    "pull_requests_due_for_tracking",
    "projects_refuse_task_settings",
    "apply_task_settings_due",
    "projects_due_for_task_settings",
    "github_repositories_due_for_task_settings",
)
"""The files, each after those that it builds on."""

COMMENT = "The migration this database is at"

_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)")
_CALLED = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\(\s*([^)]+)\)")
_ARGUMENT = re.compile(r"\w+ (double precision|[\w\[\]]+)(?: DEFAULT \w+)?")
_VIEW = re.compile(r"CREATE (?:OR REPLACE VIEW|(MATERIALIZED) VIEW IF NOT EXISTS) (\w+)")

_APPLIED = sa.text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")

_DEFINED = sa.text("""
SELECT format('DROP %s IF EXISTS %s CASCADE', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
              c.oid::regclass)
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm') AND c.relname = ANY(:views)
UNION ALL
SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure)
FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f' AND p.proname = ANY(:functions)
""")


def texts(directory: Path) -> list[str]:
    """What each file says, in order."""
    return [directory.joinpath(f"{name}.sql").read_text() for name in ORDER]


def functions(directory: Path) -> list[str]:
    """The functions that statements call, as `name(types)`; those of triggers have no argument, and need no right."""
    called = [found for text in texts(directory) for found in _CALLED.findall(text)]
    return [f"{name}({', '.join(_ARGUMENT.findall(arguments))})" for name, arguments in called]


def views(directory: Path) -> dict[str, bool]:
    """The views, and whether each is materialized."""
    return {name: bool(kind) for text in texts(directory) for kind, name in _VIEW.findall(text)}


def apply(connection: sa.Connection, directory: Path) -> None:
    """Define everything anew, unless the database has these very texts; commits after each file."""
    if not are_applied(connection, directory):
        for text in (*texts(directory), f"COMMENT ON TABLE alembic_version IS '{_version(directory)}'"):
            _execute(connection, text)
            connection.commit()
    connection.rollback()


def are_applied(connection: sa.Connection, directory: Path) -> bool:
    """Whether the database has these very texts."""
    return bool(connection.scalar(_APPLIED) == _version(directory))


def _version(directory: Path) -> str:
    return f"{COMMENT}, with db/sql {hashlib.sha256(''.join(texts(directory)).encode()).hexdigest()[:16]}"


def remove(connection: sa.Connection, directory: Path) -> None:
    """Drop all of it, with what others have built on it, before tables are taken back to what they were."""
    functions = [name for text in texts(directory) for name in _FUNCTION.findall(text)]
    for drop in connection.scalars(_DEFINED, {"views": list(ORDER), "functions": functions}).all():
        _execute(connection, drop)
    _execute(connection, f"COMMENT ON TABLE alembic_version IS '{COMMENT}'")
    connection.commit()


def _execute(connection: sa.Connection, text: str) -> None:
    """Execute statements as they are, percent signs and colons too."""
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})
