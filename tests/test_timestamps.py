"""Timestamps that PostgreSQL can hold and Python cannot."""

from datetime import UTC, datetime

import psycopg
import pytest

from ghsync.timestamps import EARLIEST, LATEST


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("infinity", LATEST),
        ("-infinity", EARLIEST),
        ("20222-01-01", LATEST),
        ("0044-03-15 BC", EARLIEST),
        ("2026-11-28 12:00+00", datetime(2026, 11, 28, 12, tzinfo=UTC)),
    ],
)
def test_a_time_so_far_off_is_read_as_the_nearest_there_is(
    connection: psycopg.Connection, written: str, read: datetime, binary: bool
) -> None:
    with connection.cursor(binary=binary) as cursor:
        assert cursor.execute("SELECT %s::timestamptz", [written]).fetchone() == (read,)
