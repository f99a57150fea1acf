"""The database that a test gets is as if nobody had used it before."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.copies import Copies

WRITE = "INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme')"
COUNT = "SELECT (SELECT count(*) FROM organizations), (SELECT count(*) FROM change_feed)"


@pytest.fixture
def copies(server_url: str, template: str) -> Iterator[Copies]:
    made = Copies(server_url, template)
    yield made
    made.close()


def used(copies: Copies, *statements: str) -> str:
    """The URL of a copy in which a test has run statements."""
    with copies.lent() as url, psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return url


def test_what_a_test_wrote_is_gone_for_the_next_one(copies: Copies) -> None:
    count = "SELECT nextval(oid) FROM pg_class WHERE relkind = 'S'"
    first = used(copies, WRITE, "DELETE FROM change_feed", count)
    with copies.lent() as url, psycopg.connect(url) as connection:
        assert url == first
        assert connection.execute(COUNT).fetchone() == (0, 1)
        assert connection.execute("SELECT count(last_value) FROM pg_sequences").fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE tasks ADD extra int",
        "CREATE FUNCTION extra() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE TABLE extra ()",
        "ANALYZE organizations",
        "CREATE SCHEMA extra",
        "COMMENT ON TABLE tasks IS 'extra'",
    ],
)
def test_what_was_changed_otherwise_is_not_used_again(copies: Copies, change: str) -> None:
    assert used(copies, WRITE, change) != used(copies)


@pytest.mark.parametrize("idle", [True, False])
def test_what_somebody_uses_still_is_not_used_again(copies: Copies, idle: bool) -> None:
    with copies.lent() as first:
        left = psycopg.connect(first, autocommit=idle)
        left.execute(WRITE)
    assert used(copies) != first
    left.close()


def test_who_goes_with_it_to_the_next_test_is_no_stranger(copies: Copies) -> None:
    with copies.lent() as first:
        kept = psycopg.connect(first, autocommit=True)
        copies.kept.add(kept.info.backend_pid)
        kept.execute(WRITE)
    assert used(copies) == first
    assert kept.execute("SELECT count(*) FROM organizations").fetchone() == (0,)
    kept.close()
