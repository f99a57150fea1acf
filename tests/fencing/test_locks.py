"""Who holds what others wait for is named, even where `status` itself would have to wait."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests import service
from tests.cli.conftest import Ghsync

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def waiting(database_url: str, connection: psycopg.Connection, statement: str) -> Iterator[None]:
    """Somebody waits to run a statement; in the end they are told to stop."""
    already = connection.execute(WAITING).fetchone()
    with service.connect(database_url) as other:
        thread = threading.Thread(target=_run, args=(other, statement))
        thread.start()
        while connection.execute(WAITING).fetchone() == already:
            time.sleep(0.01)
        yield
        other.cancel()
        thread.join()


def _run(connection: psycopg.Connection, statement: str) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.QueryCanceled:
        return


@pytest.mark.slow
@pytest.mark.parametrize("table", ["webhook_deliveries", "sync_processes"])
def test_status_names_who_has_locked_a_table_that_it_would_read(ghsync: Ghsync, database_url: str, table: str) -> None:
    with psycopg.connect(database_url, application_name="a stranger") as stranger:
        stranger.execute(f"LOCK TABLE {table}".encode())
        result = ghsync("status", GHSYNC_LOCK_SECONDS="3")
        machine = ghsync("status", "--json", GHSYNC_LOCK_SECONDS="0.05")
    assert (machine.exit_code, machine.stdout) == (result.exit_code, "")
    assert result.exit_code != 0
    assert "`ghsync doctor` tells who" in result.stderr
    assert f"rows of {table}" in result.stdout
    assert "a stranger" in result.stdout


def test_doctor_names_who_holds_it_and_not_who_waits_in_turn(
    ghsync: Ghsync, connection: psycopg.Connection, database_url: str
) -> None:
    taken = "UPDATE change_feed SET last_seq = last_seq"
    with psycopg.connect(database_url, application_name="a stranger") as stranger:
        stranger.execute(taken)
        pid = stranger.info.backend_pid
        with waiting(database_url, connection, taken), waiting(database_url, connection, taken):
            findings = ghsync("doctor", "--json").json
    (said,) = (one["said"] for one in findings if one["check"] == "locks")
    assert "rows of change_feed, by a stranger for" in said
    assert f"pg_terminate_backend({pid})" in said
