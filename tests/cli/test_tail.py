import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import psycopg

from ghsync import schema
from ghsync.cli import tail
from tests.cli.conftest import Ghsync


def test_the_newest_events_are_printed_a_line_each(told: Ghsync) -> None:
    lines = told("tail", "--no-follow").stdout.splitlines()

    assert len(lines) == 10
    assert any(
        "issue        tarnfield/stationd#1 insert Rain gauge counts twice on gusty nights" in line for line in lines
    )


def test_events_have_no_gaps_from_the_first_on(told: Ghsync) -> None:
    lines = told("tail", "--from", 1, "--no-follow", "--json").stdout.splitlines()

    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert told("tail", "--from", 4, "--no-follow", "--json").stdout.splitlines() == lines[3:]


def test_an_empty_feed_ends_at_once(ghsync: Ghsync) -> None:
    result = ghsync("tail", "--no-follow")

    assert (result.exit_code, result.stdout) == (0, "")


def test_an_update_tells_what_was_and_what_is(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO change_events (seq, entity_type, entity_id, number, operation, old_values, new_values, sync_source)
        VALUES (1000, 'github_issues', gen_random_uuid(), 7, 'update',
                '{"state": "open", "closed_at": null, "labels": [{"name": "a"}, {"name": "b"}]}',
                '{"state": "closed", "closed_at": "2026-03-02T10:30:00+00:00",
                  "labels": [{"name": "b"}, {"name": "[c]"}]}',
                'webhook')""")

    (line,) = told("tail", "--from", 1000, "--no-follow").stdout.splitlines()
    assert line.endswith("#7 update closed_at null → 2026-03-02 10:30:00, labels +[c] -a, state open → closed")


def test_there_is_a_word_for_all_that_is_mirrored() -> None:
    assert tail.ENTITIES.keys() == {*schema.MIRRORED, "pr_tracking"}


def test_what_comes_later_is_followed_until_interrupted(told: Ghsync, environment: Mapping[str, str]) -> None:
    first = int(json.loads(told("tail", "--no-follow", "--json").stdout.splitlines()[-1])["seq"]) + 1
    with subprocess.Popen(
        [sys.executable, "-m", "ghsync", "tail", "--json", "--from", str(first)],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        with psycopg.connect(environment["GHSYNC_DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source) "
                "VALUES (%s, 'github_issues', gen_random_uuid(), 'delete', 'webhook')",
                [first],
            )
            connection.execute("NOTIFY ghsync_changes")
        assert json.loads(process.stdout.readline())["seq"] == first
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
