import json
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from ghsync import encrypted, retention, schema
from ghsync.cli import terminal
from tests.cli.conftest import KEY, Ghsync
from tests.fixtures.recorded import FIXTURES

PULL_REQUEST_STORY = FIXTURES / "stories" / "02-a-pull-request-from-draft-to-merge"


@pytest.fixture
def tracked(ghsync: Ghsync) -> Ghsync:
    """Calls a command, after a pull request's story was replayed and projected."""
    assert ghsync("replay", PULL_REQUEST_STORY, "--as-of-now", "--process").exit_code == 0
    return ghsync


def test_materialized_views_are_refreshed_whether_they_can_be_read_meanwhile_or_not(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int)")
    for view in ("plain", "indexed", "empty"):
        data = "WITH NO DATA" if view == "empty" else ""
        connection.execute(f"CREATE MATERIALIZED VIEW {view} AS SELECT id FROM things {data}")
    connection.execute("CREATE UNIQUE INDEX ON indexed (id)")
    connection.execute("INSERT INTO things VALUES (1)")

    result = ghsync("maintain", "--json")

    assert {"empty", "indexed", "plain"} <= set(result.json["refreshed"])
    assert result.json["tracking"] is None
    for view in ("plain", "indexed", "empty"):
        assert connection.execute(f"SELECT id FROM {view}").fetchall() == [(1,)]


def test_partitions_of_months_to_come_are_made(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    ((last,),) = connection.execute("SELECT max(relid::text) FROM pg_partition_tree('audit_logs')").fetchall()
    for make in (lambda: ghsync("maintain").text, lambda: " ".join(ghsync("maintain", "--json").json["partitions"])):
        connection.execute(f"DROP TABLE {last}".encode())
        assert last in make()
    assert ghsync("maintain", "--json").json["partitions"] == []
    up_to = f"{last[-7:-3]}-{last[-2:]}"
    assert ghsync("maintain", "--json").json["partitions_made_up_to"] >= up_to  # or later, where a month has begun
    assert "Partitions are made up to " in ghsync("maintain").text


def test_a_table_in_the_place_of_a_partition_is_told_in_a_sentence_and_the_rest_is_done(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("SELECT make_partitions()")
    ((taken,), (missing,)) = connection.execute(
        "SELECT max(relid::text) FROM unnest(ARRAY['audit_logs', 'change_events']) t, pg_partition_tree(t)"
        " GROUP BY t ORDER BY t"
    ).fetchall()
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION {taken}".encode())
    connection.execute(f"DROP TABLE {missing}".encode())

    result = ghsync("maintain")

    said = f"{taken} is in the place of a partition of audit_logs, and is none: rename it or attach it."
    unwell = "Partitions missing: 1 months. `ghsync doctor` tells what is in their way."
    assert (result.exit_code, result.stderr.splitlines()) == (terminal.FAILED, [unwell, said])
    assert f"Made {missing}." in result.text
    assert "Refreshed project_task_stats." in result.text


def test_tasks_are_counted_anew(tracked: Ghsync, connection: psycopg.Connection) -> None:
    (project,) = connection.execute("SELECT id::text FROM projects LIMIT 1").fetchall()[0]
    tracked("tasks", "create", "Trim the wick", "--project", project)
    counted = "SELECT active_tasks, refreshed_at FROM project_task_stats WHERE project_id = %s"
    assert connection.execute(counted, [project]).fetchall() == []

    assert "project_task_stats" in tracked("maintain", "--json").json["refreshed"]
    ((tasks, first),) = connection.execute(counted, [project]).fetchall()
    assert tasks == 1

    assert "Refreshed project_task_stats." in tracked("maintain").text
    ((tasks, second),) = connection.execute(counted, [project]).fetchall()
    assert (tasks, second > first) == (1, True)


def test_tracking_that_is_right_is_derived_anew_and_told_to_nobody(
    tracked: Ghsync, connection: psycopg.Connection
) -> None:
    position = connection.execute("SELECT last_seq FROM change_feed").fetchone()

    assert tracked("maintain", "--recompute-tracking", "--json").json["tracking"] == {"derived": 2, "changed": 0}
    assert "Derived 2 pull requests anew: none became another." in tracked("maintain", "--recompute-tracking").text
    assert connection.execute("SELECT last_seq FROM change_feed").fetchone() == position


def test_tracking_that_is_wrong_is_put_right_and_told(tracked: Ghsync, connection: psycopg.Connection) -> None:
    row = "SELECT title, merge_status FROM pr_tracking ORDER BY pr_number"
    right = connection.execute(row).fetchall()
    connection.execute(
        "UPDATE pr_tracking SET title = 'by hand' WHERE pr_number = (SELECT min(pr_number) FROM pr_tracking)"
    )

    assert "Derived 2 pull requests anew: 1 became another." in tracked("maintain", "--recompute-tracking").text
    assert connection.execute(row).fetchall() == right
    acts = connection.execute("SELECT action, resource_type FROM audit_logs").fetchall()
    assert acts == [("pr_tracking.recompute_started", "pr_tracking")]
    newest = "SELECT entity_type, old_values FROM change_events ORDER BY seq DESC LIMIT 1"
    assert connection.execute(newest).fetchall() == [("pr_tracking", {"title": "by hand"})]


def test_jobs_that_failed_too_often_are_tried_again(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO sync_jobs (kind, key, attempts, parked_at) VALUES ('link_task', 'none', 5, now())")
    assert ghsync("maintain", "--json").json["retried_jobs"] is None
    assert "Made 1 job due that had failed too often." in ghsync("maintain", "--retry-jobs").text
    assert ghsync("maintain", "--retry-jobs", "--json").json["retried_jobs"] == 0
    assert connection.execute("SELECT attempts, parked_at FROM sync_jobs").fetchall() == [(0, None)]
    told = "SELECT action, new_values FROM audit_logs ORDER BY created_at"
    assert connection.execute(told).fetchall() == [("jobs.retried", {"jobs": number}) for number in (1, 0)]


OLD = """
INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source, created_at)
SELECT -n, 'github_issues', gen_random_uuid(), 'insert', 'backfill', now() - interval '400 days'
FROM generate_series(1, 7) n;
SELECT make_partition('change_events', date_trunc('month', now() - interval '400 days')::date);
ANALYZE;
UPDATE webhook_deliveries SET received_at = now() - interval '40 days';
"""


def test_what_is_past_its_retention_is_told_and_goes(told: Ghsync, connection: psycopg.Connection) -> None:
    assert told("maintain", "--dry-run").stdout == "Nothing is past its retention.\n"
    connection.execute(OLD)

    due = told("maintain", "--dry-run")
    assert "payloads of older deliveries" in due.text
    found = told("maintain", "--dry-run", "--json").json
    (month,) = found["retired"]
    assert month["how"] == "dropped"
    assert month["partition"] in due.text
    assert found["payloads"]["number"] == 24
    assert found["payloads"]["bytes"] > 24 * 1000

    done = told("maintain").text
    assert f"Dropped {month['partition']}: about 7 rows, " in done
    assert "Deleted the payloads of 24 deliveries: " in done
    after = told("maintain", "--json").json
    assert (after["retired"], after["payloads"]) == ([], {"number": 0, "bytes": 0})
    assert connection.execute(
        "SELECT DISTINCT actor_type, actor_name FROM audit_logs WHERE resource_type = 'data_retention_policy'"
    ).fetchall() == [("user", terminal.operator().name)]


def test_a_delivery_without_payload_is_shown_and_neither_replayed_nor_recorded(
    told: Ghsync, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("UPDATE webhook_deliveries SET received_at = now() - interval '40 days' WHERE id = 1")
    told("maintain")

    result = told("deliveries", "replay", "1", "2")
    assert (result.exit_code, result.stdout) == (1, "Queued 1 delivery again.\n")
    assert result.stderr == (
        "1 delivery cannot be replayed: the payload is past its retention. `ghsync resync` reads from GitHub what they "
        "were about.\n"
    )
    shown = told("deliveries", "show", "1", "--body")
    assert (shown.exit_code, shown.stderr) == (0, "The payload is past its retention.\n")
    assert told("deliveries", "show", "1", "--body", "--json").json["body"] is None
    assert told("record", tmp_path / "recorded", "--json").json == {"recorded": 23, "failed": 0}


def test_status_tells_the_room_and_for_how_long_it_is_kept(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM data_retention_policies WHERE table_name = 'change_events'")
    room = {each["what"]: each for each in told("status", "--json").json["room"]}
    assert room.keys() == {*retention.KEPT, None}
    assert (room["webhook_deliveries"]["days"], room["webhook_deliveries"]["then"]) == (90, "deleted")
    assert (room["audit_logs"]["days"], room["audit_logs"]["then"]) == (365, "archived")
    assert (room["change_events"]["days"], room["change_events"]["then"]) == (None, None)
    whole = sum(each["bytes"] or 0 for each in room.values())
    assert connection.execute("""
        SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
        WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace
    """).fetchall() == [(whole,)]
    text = told("status").text
    assert "90 days, then deleted" in text
    assert "365 days, then archived" in text


def test_who_follows_from_before_the_feed_begins_is_told_where(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM change_events WHERE seq < 5")
    result = told("tail", "--from", "3", "--no-follow")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "The change feed begins with event 5 by now, and what came before is past its retention: read the tables as "
        "they are, then follow from 5 on.\n"
    )
    assert json.loads(told("tail", "--from", "0", "--no-follow", "--json").stdout.splitlines()[0])["seq"] == 5


def test_after_all_is_encrypted_anew_the_old_key_can_be_taken_away(
    told: Ghsync, connection: psycopg.Connection
) -> None:
    new = Fernet.generate_key().decode()
    told("repos", "secret", "tarnfield/stationd", stdin="hush hush\n")
    old = Fernet(KEY).encrypt(b"ghs_1").decode()
    connection.execute("INSERT INTO sync_tokens VALUES ('8', %s, now() + interval '1 hour')", [old])
    connection.execute("INSERT INTO sync_tokens VALUES ('9', %s, now() - interval '1 hour')", [old])
    both = {"GHSYNC_ENCRYPTION_KEYS": f"{new},{KEY}"}
    assert "3 of 3 are under an older key: `ghsync maintain --encrypt-anew`" in told("doctor", **both).text

    done = told("maintain", "--encrypt-anew", "--json", **both).json["encrypted_anew"]
    again = told("maintain", "--encrypt-anew", **both)

    assert {column: counts["renewed"] for column, counts in done.items()} == {
        "github_repositories.webhook_secret": 1, "sync_tokens.token": 1,
    }  # fmt: skip
    assert "Encrypted 0 of 2 secrets with the first key." in again.text
    assert "2, all under the first key." in told("doctor", GHSYNC_ENCRYPTION_KEYS=new).text
    kept = connection.execute("SELECT webhook_secret FROM github_repositories WHERE webhook_secret <> ''").fetchall()
    assert [Fernet(new).decrypt(token) for (token,) in kept] == [b"hush hush"]
    acts = connection.execute(
        "SELECT new_values #>> '{github_repositories.webhook_secret,renewed}' FROM audit_logs"
        " WHERE action = 'secrets.encrypted_anew' ORDER BY created_at"
    ).fetchall()
    assert acts == [("1",), ("0",)]


def test_secrets_that_no_key_opens_are_told_and_stay(told: Ghsync, connection: psycopg.Connection) -> None:
    told("repos", "secret", "tarnfield/stationd", stdin="hush hush\n")
    other = {"GHSYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode()}

    result = told("maintain", "--encrypt-anew", **other)

    assert result.exit_code == 1
    assert "1 in github_repositories.webhook_secret is under no key of GHSYNC_ENCRYPTION_KEYS" in result.text
    assert "opens 1 in github_repositories.webhook_secret: put back" in told("doctor", **other).text
    assert "1, all under the first key." in told("doctor").text


def test_without_a_key_nothing_is_encrypted_anew(ghsync: Ghsync) -> None:
    result = ghsync("maintain", "--encrypt-anew", GHSYNC_ENCRYPTION_KEYS="")
    assert result.exit_code == 3
    assert "GHSYNC_ENCRYPTION_KEYS is not set" in result.text


def test_every_column_that_says_so_is_encrypted_anew() -> None:
    said = {
        str(column)
        for table in schema.metadata.tables.values()
        for column in table.columns
        if "encrypted" in (column.comment or "").lower()
    }
    assert {str(column) for column in encrypted.columns()} == said
