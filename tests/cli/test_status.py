"""`status`: a mirror that is behind never looks fresh."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync import locks
from ghsync.cli import terminal
from ghsync.simulator.actions import installations, issues
from ghsync.simulator.keys import new_private_key, public_key
from tests import service
from tests.cli.conftest import FIRST_STORY, Ghsync
from tests.cli.hub import Hub

LOOK_SECONDS = 0.4  # each look is a process
NAME = "tarnfield/stationd"
NO_APP = {"GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": ""}


def test_an_empty_mirror_says_that_nothing_has_arrived(ghsync: Ghsync) -> None:
    assert ghsync("status").stdout.startswith("Nothing has arrived yet.\n")


def test_a_fresh_mirror_says_so(told: Ghsync) -> None:
    report = told("status", "--json").json

    assert told("status").stdout.startswith("Fresh: all that arrived is mirrored.\n")
    assert report["stale"] is False
    assert report["newest_processed"]["lag_seconds"] < 60
    assert report["deliveries"] == {
        "pending": 0,
        "oldest_pending_seconds": None,
        "parked": 0,
        "done": {"count": 24, "about": False},
        "ignored": {"count": 0, "about": False},
    }
    assert report["rows"]["github_issues"] == {"count": 1, "about": False}


def test_a_mirror_is_stale_when_a_delivery_waits_for_more_than_a_minute(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    ghsync("replay", FIRST_STORY)
    before = ghsync("status", "--json").json
    connection.execute("UPDATE webhook_deliveries SET received_at = received_at - interval '3 min'")

    after = ghsync("status")
    assert before["stale"] is False
    assert after.exit_code == 0
    assert after.stdout.startswith("Stale: 24 deliveries wait, for 3 min")
    assert "does `ghsync serve` or `ghsync work` run?" in after.text


def test_a_mirror_is_stale_when_a_delivery_is_parked(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute(
        "UPDATE webhook_deliveries SET status = 'parked', last_error = E'It broke.\\nHere.' WHERE id = 5"
    )

    shown, report = told("status"), told("status", "--json").json
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Stale: 1 delivery is parked: see `ghsync deliveries list --status parked`.")
    assert [(error["id"], error["error"]) for error in report["errors"]] == [(5, "It broke.")]
    assert "It broke." in shown.text


def test_work_that_is_due_is_counted_by_kind(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO sync_jobs (kind, key, due_at, attempts)
        VALUES ('refetch_issue', 'a', now() - interval '1 min', 2), ('refetch_issue', 'b', now() + interval '1 min', 0)
    """)

    (job,) = told("status", "--json").json["jobs"]
    assert (job["kind"], job["waiting"], job["due"], job["failing"]) == ("refetch_issue", 2, 1, 1)


def test_what_cannot_be_read_is_told_with_its_sentence(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO sync_jobs (kind, key, due_at, attempts, last_error)
        VALUES ('heal', '1 a', now() + interval '1 hour', 3, 'Delivery a could not be read: it is empty.'),
               ('refetch_pull_request', 'b', now(), 3, 'GitHub has not computed mergeable yet')
    """)

    report, shown = told("status", "--json").json, told("status")
    assert [(one["error"], one["attempts"]) for one in report["unread"]] == [
        ("Delivery a could not be read: it is empty.", 3)
    ]
    assert "Not read: Delivery a could not be read: it is empty. Next try: " in shown.text


def test_what_should_have_been_asked_for_again_is_told(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO sync_jobs (kind, key, due_at, attempts, last_error)
        VALUES ('heal', '1 a', '2026-11-01 10:00:00Z', 3, 'Delivery a could not be read: it is empty.')
    """)

    again = "It should have been asked for again at 11-01 10:00:00Z: does `ghsync serve` run?"
    assert f"Not read: Delivery a could not be read: it is empty. {again}" in told("status").text


def test_work_that_was_given_up_is_told_with_its_error(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO sync_jobs (kind, key, due_at, attempts, last_error, parked_at)
        VALUES ('link_task', '0f8fad5b-d9cb-469f-a165-70867728950e', now(), 5, 'no room for 13', now()),
               ('link_task', '7c9e6679-7425-40de-944b-e07fc1f90ae7', now(), 0, NULL, NULL)
    """)

    report, shown = told("status", "--json").json, told("status")
    (waiting,) = (job for job in report["jobs"] if job["kind"] == "link_task")
    assert (waiting["waiting"], waiting["due"], waiting["failing"]) == (1, 1, 0)
    assert [(job["key"], job["attempts"], job["error"]) for job in report["parked_jobs"]] == [
        ("0f8fad5b-d9cb-469f-a165-70867728950e", 5, "no room for 13")
    ]
    assert "Work given up, 1 in all" in shown.text
    assert "no room for 13" in shown.text


def test_large_tables_are_estimated_and_said_to_be(
    told: Ghsync, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("UPDATE webhook_deliveries SET status = 'ignored' WHERE event = 'label'")
    monkeypatch.setattr("ghsync.reports.status.COUNTED_PAGES", 0)
    unknown = told("status", "--json").json
    connection.execute("ANALYZE")

    known = told("status", "--json").json
    assert unknown["deliveries"]["ignored"]["count"] is None
    assert known["deliveries"]["done"] == {"count": 24, "about": True}
    assert known["deliveries"]["ignored"] == {"count": 2, "about": True}
    assert known["rows"]["github_issues"] == {"count": 1, "about": True}
    assert "about 24, of these about 2 ignored" in told("status").text


def test_how_far_a_first_reading_is_comes_with_what_is_left(told: Ghsync, connection: psycopg.Connection) -> None:
    assert told("status", "--json").json["first_reading"] is None
    connection.execute("INSERT INTO sync_runs (kind, started_at) VALUES ('sweep', now() - interval '100 s')")
    connection.execute(
        "INSERT INTO sync_processes (id, kind, host, pid, version, leading_since)"
        " VALUES (gen_random_uuid(), 'serve', 'here', 1, '0', now() - interval '1 h')"
    )
    connection.execute(
        """INSERT INTO sync_runs (kind, repository_id, rows_seen, cursor, started_at)
           SELECT 'backfill', id, 50, '{"has_paused": true, "issues": {"of": 100}, "pull_requests": {"of": 250}}',
                  now() - interval '50 s' FROM github_repositories ORDER BY github_id LIMIT 1"""
    )
    connection.execute(
        "INSERT INTO sync_marks (repository_id, complete_at)"
        " SELECT id, now() FROM github_repositories ORDER BY github_id OFFSET 1"
    )
    report = told("status", "--json").json["first_reading"]
    assert report | {"seconds_left": 0} == {"repositories": 3, "read": 2, "open_read": 3, "seconds_left": 0}
    assert report["seconds_left"] == pytest.approx(430, rel=0.1)  # 300 rows, of 50 and a repository in 100 s
    assert "First reading" in told("status").text
    assert re.search(
        r"2 of 3 repositories read; of 1 more, all that is open; about (6|7) min( \d+ s)? left", told("status").text
    )
    connection.execute("UPDATE sync_processes SET seen_at = now() - interval '2 min'")  # it was killed
    assert told("status", "--json").json["first_reading"]["seconds_left"] is None
    connection.execute(
        "INSERT INTO sync_marks (repository_id, complete_at) SELECT id, now() FROM github_repositories"
        " ON CONFLICT DO NOTHING"
    )
    assert told("status", "--json").json["first_reading"] is None
    assert "First reading" not in told("status").text


def test_repositories_without_rows_take_their_time_too(told: Ghsync, connection: psycopg.Connection) -> None:
    """Else what is left of a large one would seem to take the longer the more small ones are read."""
    connection.execute("INSERT INTO sync_runs (kind, started_at) VALUES ('sweep', now() - interval '100 s')")
    connection.execute(
        "INSERT INTO sync_processes (id, kind, host, pid, version, leading_since)"
        " VALUES (gen_random_uuid(), 'serve', 'here', 1, '0', now() - interval '1 h')"
    )
    connection.execute(
        """INSERT INTO sync_runs (kind, repository_id, status, rows_seen, cursor, started_at)
           SELECT 'backfill', id, status, seen, cursor::jsonb, now() - interval '50 s'
           FROM (SELECT id, row_number() OVER (ORDER BY github_id) AS n FROM github_repositories) r
           JOIN (VALUES (1, 'running', 20, '{"has_paused": true, "issues": {"of": 100}}'),
                        (2, 'succeeded', 0, '{}'), (3, 'succeeded', 0, '{}')) AS f(n, status, seen, cursor) USING (n)"""
    )
    connection.execute(
        "INSERT INTO sync_marks (repository_id, complete_at)"
        " SELECT id, now() FROM github_repositories ORDER BY github_id OFFSET 1"
    )
    report = told("status", "--json").json["first_reading"]
    assert report["seconds_left"] == pytest.approx(100, rel=0.1)  # 80 rows, of 20 and three repositories in 100 s


def test_a_repository_is_told_of_by_itself(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE webhook_deliveries SET status = 'parked', last_error = 'It broke.' WHERE id = 5")

    report = told("status", "--repo", NAME, "--json").json
    assert (report["repository"], report["state"], report["project"]) == (NAME, "synced", "stationd")
    assert (report["issues"], report["open_issues"], report["comments"]) == (1, 0, 1)
    assert (report["pending"], report["parked"], report["stale"]) == (0, 1, True)
    assert [error["id"] for error in report["errors"]] == [5]
    assert told("status", "--repo", NAME).stdout.startswith("Stale: 1 delivery is parked")
    assert told("status", "--repo", "tarnfield/field-notes").stdout.startswith("tarnfield/field-notes is synced.")


def test_an_unknown_repository_is_told_as_a_sentence(told: Ghsync) -> None:
    result = told("status", "--repo", "tarnfield/unknown")

    assert result.exit_code == 1
    assert "No repository tarnfield/unknown is mirrored" in result.text


def test_the_report_fits_into_a_terminal_of_80_columns(
    told: Ghsync, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("""
        INSERT INTO sync_jobs (kind, key, due_at, attempts, last_error, parked_at)
        VALUES ('link_task', '0f8fad5b-d9cb-469f-a165-70867728950e', now(), 5, 'no room for 13', now())
    """)
    monkeypatch.setattr(terminal.console, "width", 80)
    assert max(map(len, told("status").stdout.splitlines())) <= 80


def test_where_nothing_reads_the_api_it_says_so_and_that_is_no_failure(told: Ghsync) -> None:
    report, shown = told("status", "--json").json, told("status")
    assert (report["hooks_only"], report["stale"], report["runs"], report["budgets"]) == (True, False, [], [])
    assert "GitHub's API not read: a delivery that is lost stays lost, until GHSYNC_APP_ID is set" in shown.text
    assert (
        "and merge_status pending where GitHub had yet to find out whether a pull request can be merged" in shown.text
    )
    assert shown.stdout.startswith("Fresh: ")


def test_a_mirror_that_could_be_read_and_never_was_is_stale(told: Ghsync) -> None:
    report = told("status", "--json", GHSYNC_APP_ID="1").json
    assert (report["hooks_only"], report["stale"]) == (False, True)
    assert [reason[:26] for reason in report["reasons"]] == ["No sweep has succeeded yet", "No heal has succeeded yet:"]


def test_refetches_are_told_by_the_hour(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO sync_runs (kind, status, requests, started_at, finished_at) "
        "SELECT 'refetch', 'succeeded', n, date_trunc('hour', now()) - interval '1 hour' * n, now() "
        "FROM generate_series(1, 3) n"
    )
    (run,) = told("status", "--json").json["runs"]
    assert (run["kind"], run["requests"]) == ("refetch", 1)
    (row,) = (line for line in told("status").stdout.splitlines() if "refetch" in line)
    began = datetime.fromisoformat(run["started_at"])
    assert row.split() == ["refetches", "of", "the", "hour", *f"{began:%m-%d %H:%M:%SZ}".split(), "0", "0", "1", "0"]


def test_a_repository_s_name_is_not_broken_where_there_is_little_room(
    told: Ghsync, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("UPDATE github_repositories SET full_name = 'tarnfield/a-name-that-is-long'")
    connection.execute(
        "INSERT INTO sync_runs (kind, status, repository_id, started_at, finished_at) "
        "SELECT 'backfill', 'succeeded', id, now(), now() + interval '59 s' FROM github_repositories LIMIT 1"
    )
    monkeypatch.setattr(terminal.console, "width", 80)
    lines = told("status").stdout.splitlines()
    begins = next(place for place, line in enumerate(lines) if line.startswith("backfill"))
    assert max(map(len, lines)) <= 80
    assert lines[begins].split()[0] == "backfill"
    assert lines[begins + 1].startswith("tarnfield/a-name")
    assert lines[begins + 1].rstrip().endswith("…")
    assert lines[begins + 2].strip() == ""


def test_locks_that_nobody_waits_for_are_not_told_of(told: Ghsync, database_url: str) -> None:
    with psycopg.connect(database_url) as leader:
        leader.execute("SELECT pg_advisory_lock(%s)", [locks.LEADER])
        report, shown = told("status", "--json").json, told("status")
    assert [(lock["lock"], lock["waiting"]) for lock in report["locks"]] == [("leader", 0)]
    assert "Locks" not in shown.stdout


@asynccontextmanager
async def working(hub: Hub, database_url: str, log: Path) -> AsyncIterator[None]:
    """`ghsync work`, which looks at GitHub often."""
    settings = hub.settings() | {"sweep_seconds": "0.5", "heal_seconds": "0.5", "complete_seconds": "3600"}
    del settings["database_url"]
    async with service.working(database_url, log, **settings):
        yield


async def reasons(hub: Hub, *arguments: str) -> list[str]:
    """Why the mirror is stale."""
    report = (await hub.run("status", *arguments, "--json")).json
    assert report["stale"] is bool(report["reasons"])
    found: list[str] = report["reasons"]
    return found


async def until(hub: Hub, *beginnings: str) -> list[str]:
    """Wait until the reasons are these, and answer them whole."""
    told: list[str] = []

    async def told_so() -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        told[:] = await reasons(hub)
        return len(told) == len(beginnings) and all(map(str.startswith, told, beginnings))

    await service.until(told_so, f"the reasons are {beginnings}, and not {told}")
    return told


@pytest.mark.slow
@pytest.mark.anyio
async def test_runs_are_told_with_their_cost_and_limits_with_what_is_left(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    async def swept() -> bool:
        runs = (await hub.run("status", "--json")).json["runs"]
        return any(run["kind"] == "sweep" and run["status"] == "succeeded" for run in runs)

    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
        await service.until(swept, "the sweep is done")
    await hub.run("resync", hub.repository.full_name)
    await hub.run("heal")  # the last of those above may have been interrupted
    report, shown = (await hub.run("status", "--json")).json, await hub.run("status")
    assert (report["stale"], report["hooks_only"]) == (False, False)
    runs = {(run["kind"], run["repository"]): run for run in report["runs"]}
    assert runs["resync", hub.repository.full_name]["status"] == "succeeded"
    assert runs["resync", hub.repository.full_name]["read"] == len(hub.repository.issues)
    assert runs["resync", hub.repository.full_name]["points"] > 0
    assert runs["heal", None]["requests"] == 3
    assert ("sweep", None) in runs  # one succeeded; the last of them may have been broken off with its worker
    limits = {(limit["account"], limit["resource"]): limit for limit in report["budgets"]}
    (installation,) = hub.world.installations.values()
    graphql = limits[installation.account.login, "graphql"]
    assert 0 < graphql["remaining"] < graphql["limit"] == 5000
    assert (None, "core") in limits  # the App's own
    assert shown.stdout.startswith("Fresh: GitHub was read; no delivery has arrived yet.\n")
    assert "Last runs" in shown.stdout
    assert f"{graphql['remaining']:,} of 5,000" in shown.stdout
    alone = (await hub.run("status", "--repo", hub.repository.full_name, "--json")).json
    assert {run["repository"] for run in alone["runs"]} == {hub.repository.full_name}
    assert "Last runs" in (await hub.run("status", "--repo", hub.repository.full_name)).stdout


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_revoked_key_is_told_until_github_knows_the_key_again(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
        good = hub.site.keys
        hub.site.tokens.keys = replace(good, public_key=public_key(new_private_key()))
        (reason,) = await until(hub, "The last heal failed: GitHub does not accept the App's key (")
        assert (await reasons(hub, "--repo", hub.repository.full_name)) == [reason]
        shown = await hub.run("status")
        assert shown.stdout.startswith(f"Stale: {reason}\n")
        assert shown.exit_code == 0
        hub.site.tokens.keys = good
        await until(hub)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_github_that_does_not_answer_is_told_until_it_does(hub: Hub, database_url: str, tmp_path: Path) -> None:
    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
        async with hub.away():
            await until(hub, "The last sweep and the last heal failed: GitHub cannot be reached at 127.0.0.1 (")
        await until(hub)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_suspended_installation_is_told_of_its_own_repositories(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    (installation,) = hub.world.installations.values()
    said = (
        f"The App is suspended on {installation.account.login}: "
        "the account's owner can lift that in GitHub's settings."
    )  # fmt: skip
    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
        installations.suspend(hub.world, installation, by=hub.owner)
        await until(hub, said)
        assert await reasons(hub, "--repo", hub.repository.full_name) == [said]


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_worker_that_is_gone_makes_the_mirror_stale_after_a_while(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
    hub.connection.execute("UPDATE sync_runs SET finished_at = finished_at - interval '1 hour'")
    for settings in ({}, NO_APP):  # also where only the other process had credentials
        report: dict[str, Any] = (await hub.run("status", "--json", **settings)).json
        assert [reason.partition(" since ")[0] for reason in report["reasons"]] == [
            "No sweep has succeeded", "No heal has succeeded"
        ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_repository_that_github_has_blocked_is_told_of_by_itself(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    name = hub.repository.full_name
    said = f"GitHub has blocked {name} for everybody, for legal reasons: what is mirrored of it stays as it was."
    async with working(hub, database_url, tmp_path / "log"):
        await until(hub)
        hub.site.faults.blocked.add(hub.repository.id)
        assert (await hub.run("resync", name)).exit_code == 1
        assert await reasons(hub, "--repo", name) == [said]
        hub.world.clock.advance(5)
        issues.open_issue(hub.world, hub.repository, "Seen by nobody", by=hub.owner)
        swept = "SELECT FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL AND status = 'succeeded'"
        before = len(hub.rows(swept))
        while len(hub.rows(swept)) < before + 2:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
        assert await reasons(hub) == []
    listed = await hub.run("repos", "list")
    assert listed.stderr == f"{said}\n"
    rows = (await hub.run("repos", "list", "--json")).json
    assert {row["repository"]: (row["state"], row["problem"]) for row in rows} == {
        each: ("blocked", said) if each == name else ("synced", None) for each in hub.names()
    }
    assert (await hub.run("resync", name, "--dry-run")).exit_code == 1
    (reading,) = (each for each in (await hub.run("doctor", "--json")).json if each["check"] == "readings")
    assert (reading["state"], reading["said"]) == ("warning", said)

    hub.site.faults.blocked.clear()
    assert (await hub.run("resync", name)).exit_code == 0
    assert await reasons(hub, "--repo", name) == []
