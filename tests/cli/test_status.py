import psycopg
import pytest

from tests.cli.conftest import FIRST_STORY, Ghsync

NAME = "tarnfield/stationd"


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
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_large_tables_are_estimated_and_said_to_be(
    told: Ghsync, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("UPDATE webhook_deliveries SET status = 'ignored' WHERE event = 'label'")
    monkeypatch.setattr("ghsync.cli.status.COUNTED_PAGES", 0)
    unknown = told("status", "--json").json
    connection.execute("ANALYZE")

    known = told("status", "--json").json
    assert unknown["deliveries"]["ignored"]["count"] is None
    assert known["deliveries"]["done"] == {"count": 24, "about": True}
    assert known["deliveries"]["ignored"] == {"count": 2, "about": True}
    assert known["rows"]["github_issues"] == {"count": 1, "about": True}
    assert "about 24, of these about 2 ignored" in told("status").text


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


def test_the_report_fits_into_80_columns(told: Ghsync) -> None:
    assert max(map(len, told("status").stdout.splitlines())) <= 80
