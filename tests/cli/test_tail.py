import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping

import psycopg
import pytest

from ghsync import schema
from ghsync.cli import tail, terminal
from tests import postgres
from tests.cli.conftest import Ghsync

COLOUR = re.compile(r"\x1b\[[\d;]*m")


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


def test_a_commit_is_called_by_its_first_seven_digits(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO change_events (seq, entity_type, entity_id, number, operation, old_values, new_values, sync_source)
        VALUES (1000, 'github_pull_requests', gen_random_uuid(), 7, 'update',
                jsonb_build_object('head_sha', repeat('0123456789', 4)),
                jsonb_build_object('head_sha', repeat('abcdef0123', 4)), 'webhook')""")

    (line,) = told("tail", "--from", 1000, "--no-follow").stdout.splitlines()
    assert line.endswith("#7 update head_sha 0123456 → abcdef0")


def test_on_a_terminal_a_line_ends_where_that_does(told: Ghsync, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told("tail", "--no-follow").stdout.splitlines()
    assert max(map(len, whole)) > 60
    monkeypatch.setattr(terminal.console, "_force_terminal", True)
    monkeypatch.setattr(terminal.console, "width", 60)
    shown = [COLOUR.sub("", line) for line in told("tail", "--no-follow").stdout.splitlines()]

    assert [line.rstrip() for line in shown] == [
        line if len(line) <= 60 else f"{line[:59].rstrip()}…" for line in whole
    ]


def test_a_line_begins_with_its_number_and_the_date(told: Ghsync) -> None:
    events = [json.loads(line) for line in told("tail", "--no-follow", "--json").stdout.splitlines()]
    lines = told("tail", "--no-follow").stdout.splitlines()

    assert [line.split()[:3] for line in lines] == [
        [str(event["seq"]), event["created_at"][:10], event["created_at"][11:19] + "Z"] for event in events
    ]


def test_events_are_chosen_by_repository_kind_number_and_time(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO change_events (seq, entity_type, entity_id, number, operation, sync_source, created_at)
        SELECT n, 'github_labels', gen_random_uuid(), 1, 'delete', 'webhook', now() + interval '1 hour'
        FROM generate_series(1001, 1030) n""")
    connection.execute("UPDATE change_feed SET last_seq = 1030")

    def seqs(*arguments: object) -> list[int]:
        return [
            json.loads(line)["seq"] for line in told("tail", *arguments, "--no-follow", "--json").stdout.splitlines()
        ]

    of_issues = seqs("--repo", "tarnfield/stationd", "--kind", "issue", "--number", 1)
    assert of_issues
    assert max(of_issues) <= 1000
    assert seqs("--from", 1, "--kind", "issue", "--number", 1) == of_issues
    assert seqs("--since", "2999-01-01") == []
    assert (
        seqs("--from", 1)[-30:] == list(range(1001, 1031)) == seqs("--from", 1, "--kind", "label", "--number", 1)[-30:]
    )
    assert seqs("--since", "1d") == seqs("--from", 1)


def test_what_there_is_not_cannot_be_chosen(told: Ghsync) -> None:
    assert told("tail", "--repo", "nobody/nothing", "--no-follow").exit_code == 1
    assert told("tail", "--kind", "star", "--no-follow").exit_code == 2


def test_a_start_beyond_the_end_is_refused_for_the_feed_went_back(told: Ghsync, connection: psycopg.Connection) -> None:
    (last,) = connection.execute("SELECT last_seq FROM change_feed").fetchone() or ()
    beyond, next_one = told("tail", "--from", last + 2), told("tail", "--from", last + 1, "--no-follow")

    assert beyond.exit_code == 1
    assert f"The change feed ends with event {last}, and event {last + 1} is not in it" in beyond.stderr
    assert f"then follow from {last + 1} on." in " ".join(beyond.stderr.split())
    assert (next_one.stdout, next_one.stderr) == ("", "")


@pytest.mark.slow
def test_a_connection_that_the_server_closes_is_made_again(
    told: Ghsync, environment: Mapping[str, str], server_url: str
) -> None:
    url = environment["GHSYNC_DATABASE_URL"]
    name = postgres.name_of(url)
    inserted = (
        "INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source) "
        "VALUES ({}, 'github_issues', gen_random_uuid(), 'delete', 'webhook')"
    )
    postgres.execute(url, inserted.format(999), "UPDATE change_feed SET last_seq = 999")
    with subprocess.Popen(
        [sys.executable, "-m", "ghsync", "tail", "--json", "--from", "999"],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["seq"] == 999
        postgres.execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.execute(server_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        assert "Going on after 999 when it is there again." in process.stderr.readline()
        postgres.execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        postgres.execute(url, inserted.format(1000))
        assert json.loads(process.stdout.readline())["seq"] == 1000
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_there_is_a_word_for_all_that_is_mirrored() -> None:
    assert tail.ENTITIES.keys() == {*schema.MIRRORED, "pr_tracking"}


@pytest.mark.slow
def test_what_comes_later_is_followed_until_interrupted(told: Ghsync, environment: Mapping[str, str]) -> None:
    first = int(json.loads(told("tail", "--no-follow", "--json").stdout.splitlines()[-1])["seq"]) + 1
    with subprocess.Popen(
        [sys.executable, "-m", "ghsync", "tail", "--json", "--from", str(first)],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": ""},
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
