"""A pooler before the database, such as PgBouncer: whether it leads to where the sessions of our own do."""

import psycopg

from ghsync import sessions
from ghsync.database import first_line, unavailable
from ghsync.errors import DatabaseRefused, NotConfigured
from ghsync.settings import Settings

_IDENTITY = "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"


def check(settings: Settings, own_url: str) -> None:
    """Raises `NotConfigured` where the pooler, if there is one, does not lead to the database of ``own_url``.

    `DatabaseUnavailable` where either cannot be asked.
    """
    if settings.pooler_url is None:
        return
    url = sessions.watched(settings.pooler_url, settings)
    try:
        with psycopg.connect(url, prepare_threshold=None, **sessions.pooled_arguments()) as one:
            found = one.execute(_IDENTITY).fetchone()
    except psycopg.OperationalError as error:
        raise DatabaseRefused(
            f"The pooler in GHSYNC_DATABASE_URL does not answer ({first_line(error)}): check that it runs."
        ) from error
    try:
        with psycopg.connect(own_url, **sessions.connection_arguments(own_url)) as other:
            expected = other.execute(_IDENTITY).fetchone()
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    if found != expected:
        raise NotConfigured(
            "GHSYNC_DATABASE_URL and GHSYNC_DIRECT_DATABASE_URL lead to two databases: both have to name the same "
            "one, the first through the pooler."
        )
