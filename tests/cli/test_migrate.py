import pytest

from tests.cli.conftest import Ghsync


def test_check_tells_what_is_due_and_changes_nothing(ghsync: Ghsync, empty_database_url: str) -> None:
    first = ghsync("migrate", "--check", GHSYNC_DATABASE_URL=empty_database_url)
    again = ghsync("migrate", "--check", GHSYNC_DATABASE_URL=empty_database_url)

    assert first.exit_code == again.exit_code == 1
    assert "The database is empty; due: 0024, 0025" in first.text
    assert first.text == again.text


@pytest.mark.slow
def test_an_empty_database_gets_the_newest_schema(ghsync: Ghsync, empty_database_url: str) -> None:
    migrated = ghsync("migrate", GHSYNC_DATABASE_URL=empty_database_url)
    checked = ghsync("migrate", "--check", GHSYNC_DATABASE_URL=empty_database_url)

    assert migrated.exit_code == checked.exit_code == 0
    assert "Applied 0024, 0025" in migrated.text
    assert "the newest revision" in checked.text


def test_a_migration_stops_where_it_is_told_to(ghsync: Ghsync, empty_database_url: str) -> None:
    result = ghsync("migrate", "--to", "0024", GHSYNC_DATABASE_URL=empty_database_url)

    assert result.text.startswith("Applied 0024. Still due: 0025")


def test_an_unknown_revision_is_told_as_a_sentence(ghsync: Ghsync) -> None:
    result = ghsync("migrate", "--to", "9999")

    assert result.exit_code == 1
    assert "There is no migration 9999: they are numbered from 0024 to " in result.text


def test_the_sql_is_printed_without_a_database(ghsync: Ghsync) -> None:
    result = ghsync("migrate", "--sql", GHSYNC_DATABASE_URL="postgresql://127.0.0.1:1/nowhere")

    assert result.exit_code == 0
    assert "CREATE TABLE webhook_deliveries" in result.stdout
