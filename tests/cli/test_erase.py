"""`erase-person`: counted first, asked for, done, and told."""

import psycopg
import pytest

from tests.cli.conftest import Ghsync
from tests.test_erasure import STORY, busiest
from tests.verification import mirrors


@pytest.fixture
def login(database_url: str, connection: psycopg.Connection) -> str:
    """Somebody who is named in many places."""
    mirrors.at_work(database_url, lambda engine: mirrors.tell(engine, STORY))
    return busiest(connection)[1]


def authors(connection: psycopg.Connection) -> set[str]:
    return {author for (author,) in connection.execute("SELECT DISTINCT author FROM github_comments").fetchall()}


def test_it_counts_asks_and_erases(ghsync: Ghsync, login: str, connection: psycopg.Connection) -> None:
    counted = ghsync("erase-person", login, "--dry-run", "--json").json
    assert counted["pseudonym"] is None
    assert counted["rows"]["github_comments"] > 0
    assert counted["payloads"] > 0
    refused = ghsync("erase-person", login, stdin="n\n")
    assert (refused.exit_code, "for good. Erase " in refused.stderr) == (1, True)
    assert login in authors(connection)
    done = ghsync("erase-person", login, "--yes")
    assert done.exit_code == 0
    assert "payloads of deliveries" in done.stdout
    assert f"{login} is erased-" in done.stdout
    assert login not in authors(connection)
    again = ghsync("erase-person", login, "--yes")
    assert (again.exit_code, again.stderr) == (1, f"Nothing here names {login}.\n")


def test_what_still_names_them_is_told(ghsync: Ghsync, login: str, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE webhook_deliveries SET status = 'parked', last_error = 'x' WHERE id = "
                       "(SELECT id FROM webhook_deliveries WHERE position(convert_to(%s, 'UTF8') IN body) > 0 LIMIT 1)",
                       [f'"{login}"'])  # fmt: skip
    told = ghsync("erase-person", login, "--yes").stderr
    assert told.startswith("They are still named in 1 delivery, waiting or parked: ")
