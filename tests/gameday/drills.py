"""The faults of a game day, and how each is mended: as the alert's runbook says."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from ghsync import locks
from ghsync.inbox.recording import RecordedDelivery
from ghsync.simulator.actions import installations
from ghsync.simulator.viewer import InstallationViewer
from tests import postgres, service
from tests.failover.pair import DATABASE
from tests.gameday.arena import BUDGET, Arena, Drill

WRONG_SECRET = "another one than ghsync has"
POISON = b'{"action": "opened", "repository": {"id": 1, "full_name": "acme/app", "owner": {"id": 2, "login": "acme"}}}'
HEADERS = {
    "Content-Type": "application/json",
    "X-GitHub-Hook-Installation-Target-Type": "integration",
    "X-GitHub-Hook-Installation-Target-ID": "1",
}

NEXT_PARTITION = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'change_events'::regclass AND c.relname ~ '_y[0-9]+m[0-9]+$' ORDER BY 1 DESC LIMIT 1
"""
OLDER = """
UPDATE github_issues SET title = 'Not what GitHub shows', updated_at = updated_at - interval '1 hour',
                         observed_at = observed_at - interval '1 hour', verified_at = verified_at - interval '1 hour'
"""
TASK = """
INSERT INTO tasks (project_id, title, github_issue_number)
SELECT r.project_id, 'What the issue asks for', i.number
FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id
WHERE i.deleted_at IS NULL AND i.state = 'closed' ORDER BY i.updated_at LIMIT 1
"""
END_LONGEST = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY xact_start LIMIT 1
"""
ASK = "SELECT pg_advisory_lock(%s)"
LEADER = """
SELECT pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = %s
"""


# Processes


async def serve_dies(arena: Arena) -> None:
    await arena.receiver.kill()


async def serve_is_started(arena: Arena) -> None:
    await arena.receiver.start()


async def worker_dies(arena: Arena) -> None:
    await arena.workers[0].kill()


async def worker_is_started(arena: Arena) -> None:
    await arena.workers[0].start()


# PostgreSQL


async def postgresql_is_killed(arena: Arena) -> None:
    assert arena.servers
    await asyncio.to_thread(arena.servers.primary.kill)


async def postgresql_is_started(arena: Arena) -> None:
    assert arena.servers
    await asyncio.to_thread(arena.servers.primary.start)


async def query_on_the_standby_takes_long(arena: Arena) -> None:
    """Somebody reads there for hours, and replay waits for them; on the primary a table is changed."""
    assert arena.servers
    standby = arena.servers.standby
    postgres.execute(standby.url(), "ALTER SYSTEM SET max_standby_streaming_delay = -1", "SELECT pg_reload_conf()")
    reader = arena.stranger(standby.url(DATABASE))
    reader.execute("BEGIN")
    reader.execute("SELECT FROM github_milestones")
    with arena.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE github_milestones")


async def that_query_is_ended(arena: Arena) -> None:
    """The one that has run for longest there."""
    assert arena.servers
    postgres.execute(arena.servers.standby.url(), END_LONGEST)


async def inbox_is_locked(arena: Arena) -> None:
    """By somebody who looks at it with a psql that they forget."""
    stranger = arena.stranger()
    stranger.execute("SET idle_in_transaction_session_timeout = 0")
    stranger.execute("BEGIN")
    stranger.execute("LOCK TABLE webhook_deliveries")


async def session_is_ended(arena: Arena) -> None:
    """The one that `ghsync doctor` warns of, which also fails where GitHub was answered 503."""
    said = " ".join((await arena.ghsync("doctor", statuses=(0, 1))).split())
    (pid,) = set(re.findall(r"pg_terminate_backend\((\d+)\)", said))
    with arena.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [int(pid)])


async def partition_is_in_the_way(arena: Arena) -> None:
    """Somebody has taken a month's partition away, and made a table of that name."""
    with arena.connect() as connection:
        ((name,),) = connection.execute(NEXT_PARTITION).fetchall()
        connection.execute(f"DROP TABLE {name}".encode())
        connection.execute(f"CREATE TABLE {name} (theirs text)".encode())
    arena.found["partition"] = name


async def table_is_renamed(arena: Arena) -> None:
    with arena.connect() as connection:
        connection.execute(f"ALTER TABLE {arena.found['partition']} RENAME TO theirs".encode())
    await arena.ghsync("maintain")


async def links_are_refused(arena: Arena) -> None:
    """Somebody forbids them for the time being, and a program writes a task for an issue meanwhile."""
    with arena.connect() as connection:
        connection.execute("ALTER TABLE task_github_links ADD CONSTRAINT not_now CHECK (false) NOT VALID")
        connection.execute(TASK)


async def links_are_allowed(arena: Arena) -> None:
    with arena.connect() as connection:
        connection.execute("ALTER TABLE task_github_links DROP CONSTRAINT not_now")
    await arena.ghsync("maintain", "--retry-jobs")


async def somebody_writes_into_the_mirror(arena: Arena) -> None:
    """What it was an hour ago, they think."""
    with arena.connect() as connection:
        connection.execute(OLDER)


async def all_is_read_anew(arena: Arena) -> None:
    await arena.ghsync("resync", "--all", "--full")


# Deliveries


async def _deliver(arena: Arena, event: str, body: bytes) -> None:
    headers = HEADERS | {"X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid4())}
    answer = await service.post(arena.receiver.client, RecordedDelivery(headers, body, arena.folder))
    assert answer.status_code == 202, answer.text


async def _deliver_changed(arena: Arena, event: str, change: Callable[[dict[str, Any]], None]) -> None:
    """What GitHub has sent of such an event, changed and sent anew."""
    sent = next(each for each in reversed(arena.site.world.deliveries) if each.headers["X-GitHub-Event"] == event)
    content = json.loads(sent.body)
    change(content)
    await _deliver(arena, event, json.dumps(content).encode())


async def poison_arrives(arena: Arena) -> None:
    await _deliver(arena, "issues", POISON)


async def it_is_dismissed(arena: Arena) -> None:
    parked = json.loads(await arena.ghsync("deliveries", "list", "--status", "parked", "--json"))
    await arena.ghsync("deliveries", "dismiss", *(str(each["id"]) for each in parked), "--reason", "nobody can read it")


async def a_part_cannot_be_read(arena: Arena) -> None:
    await _deliver_changed(arena, "issues", lambda content: content["issue"].update(labels="none"))


async def an_action_is_new(arena: Arena) -> None:
    await _deliver_changed(arena, "issues", lambda content: content.update(action="pondered"))


async def nothing_is_to_be_done(arena: Arena) -> None:
    """It clears by itself."""


# GitHub


async def secret_on_github_is_another(arena: Arena) -> None:
    arena.site.hook.secret = WRONG_SECRET


async def secret_is_rotated(arena: Arena) -> None:
    await arena.ghsync("app", "rotate-secret")


async def url_on_github_is_wrong(arena: Arena) -> None:
    arena.found["url"] = arena.site.hook.url
    arena.site.hook.url = f"http://127.0.0.1:{service.free_port()}{service.WEBHOOK}"


async def url_is_put_right(arena: Arena) -> None:
    arena.site.hook.url = arena.found["url"]


async def api_fails(arena: Arena) -> None:
    arena.site.faults.api = {"failure": 1.0}


async def api_is_well(arena: Arena) -> None:
    arena.site.faults.api = {}


async def the_limit_is_used_up(arena: Arena) -> None:
    """So much in a moment that at this rate it would not last for the hour; then they are done."""
    (installation,) = arena.site.world.installations.values()
    who = InstallationViewer(arena.site.world, installation, installation.permissions)
    arena.site.budgets.pool(who, "graphql").spend(BUDGET // 40)


async def permission_is_lost(arena: Arena) -> None:
    (installation,) = arena.site.world.installations.values()
    arena.found["permissions"] = dict(installation.permissions)
    installations.lose_permissions(arena.site.world, installation, "checks")


async def permission_is_accepted(arena: Arena) -> None:
    (installation,) = arena.site.world.installations.values()
    owner = next(iter(arena.site.world.members[installation.account]))
    installations.accept_permissions(arena.site.world, installation, by=owner, **arena.found["permissions"])


async def somebody_has_the_leaders_lock(arena: Arena) -> None:
    """A stranger asks for it, and the leader's session is ended."""
    stranger = arena.stranger()
    with arena.connect() as connection:
        ((leader,),) = connection.execute(LEADER, [locks.LEADER]).fetchall()
        waiting = asyncio.create_task(asyncio.to_thread(stranger.execute, ASK, [locks.LEADER]))
        await asyncio.sleep(0.5)
        connection.execute("SELECT pg_terminate_backend(%s)", [leader])
    await waiting


DRILLS = (
    Drill("`serve` dies", "GhsyncDown", serve_dies, serve_is_started, "start it"),
    Drill("PostgreSQL is killed", "GhsyncDatabaseUnavailable", postgresql_is_killed, postgresql_is_started,
          "start PostgreSQL", pair=True),
    Drill("a stranger locks the inbox", "GhsyncDeliveriesRefused", inbox_is_locked, session_is_ended,
          "pg_terminate_backend(PID)"),
    Drill("the secret on GitHub is another", "GhsyncSignaturesRefused", secret_on_github_is_another,
          secret_is_rotated, "ghsync app rotate-secret"),
    Drill("the webhook's URL is wrong", "GhsyncHookSilent", url_on_github_is_wrong, url_is_put_right, "the URL"),
    Drill("the only worker dies", "GhsyncDeliveriesWait", worker_dies, worker_is_started, "start `ghsync work`",
          command="serve --no-worker", workers=1, reads=False),
    Drill("a delivery comes that nobody can read", "GhsyncDeliveriesParked", poison_arrives, it_is_dismissed,
          "ghsync deliveries dismiss"),
    Drill("a stranger locks the inbox, with a spool", "GhsyncSpooling", inbox_is_locked, session_is_ended,
          "as in GhsyncDeliveriesRefused", settings={"spool_dir": "spool"}),
    Drill("a stranger holds the leader's lock", "GhsyncNoLeader", somebody_has_the_leaders_lock, session_is_ended,
          "pg_terminate_backend(PID)"),
    Drill("GitHub's API fails", "GhsyncReadingFails", api_fails, api_is_well, "GitHub itself"),
    Drill("somebody writes into the mirror", "GhsyncAuditFindings", somebody_writes_into_the_mirror,
          all_is_read_anew, "ghsync resync --all --full"),
    Drill("somebody else uses up the App's limit", "GhsyncBudgetLow", the_limit_is_used_up, nothing_is_to_be_done,
          "when the forecast is above nothing"),
    Drill("an installation loses a permission", "GhsyncPermissionMissing", permission_is_lost,
          permission_is_accepted, "accepts that"),
    Drill("a table has the name of next month's partition", "GhsyncPartitionsMissing", partition_is_in_the_way,
          table_is_renamed, "rename the table"),
    Drill("a constraint forbids links", "GhsyncJobsParked", links_are_refused, links_are_allowed,
          "ghsync maintain --retry-jobs"),
    Drill("replay on a standby waits for a query", "GhsyncStandbyBehind", query_on_the_standby_takes_long,
          that_query_is_ended, "pg_terminate_backend(PID)", pair=True),
    Drill("a part of a payload is not as documented", "GhsyncUnreadable", a_part_cannot_be_read,
          nothing_is_to_be_done, "nothing, if the API tells it"),
    Drill("GitHub sends an action that is new", "GhsyncUnknownActions", an_action_is_new, nothing_is_to_be_done,
          "nothing"),
)  # fmt: skip
