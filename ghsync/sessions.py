"""Sessions of PostgreSQL, and their limits: nobody who is stopped, or cut off, keeps others waiting for long."""

import os
import platform
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from ghsync.settings import Settings

CONNECT_TIMEOUT_SECONDS = 3
LONGEST_NAME = 63  # of what PostgreSQL keeps of an application's

TIME_OUT_WHEN_SILENT = (
    "SELECT set_config('idle_session_timeout', current_setting('idle_in_transaction_session_timeout'), false)"
)
"""Makes a session that itself holds a lock prove that it lives: asked nothing for as long, PostgreSQL ends it."""

OWN = "SELECT current_setting('ghsync.session', true) = 'own'"
"""Whether a session is as it was asked for: a pooler lends those that others have asked for."""


OURS = "ghsync "


def name() -> str:
    """What `pg_stat_activity` calls this process, so that whoever holds a lock can be named."""
    return f"{OURS}{platform.node()}:{os.getpid()}"[:LONGEST_NAME]


def is_ours(name: str) -> bool:
    """Whether a session is called as those of ghsync are."""
    return name.startswith(OURS)


def limits(settings: Settings) -> dict[str, str]:
    """What a statement may wait, and a transaction be idle, by PostgreSQL's names.

    https://www.postgresql.org/docs/current/runtime-config-client.html#RUNTIME-CONFIG-CLIENT-STATEMENT
    """
    return {
        "idle_in_transaction_session_timeout": _milliseconds(settings.idle_seconds),
        "lock_timeout": _milliseconds(settings.lock_seconds),
        "statement_timeout": _milliseconds(settings.statement_seconds),
    }


def bounded(url: str, settings: Settings) -> str:
    """A libpq URL with these limits, and with those of the network, for both ends; what it says itself stays.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
    https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS
    """
    network = _network(settings.network_seconds)
    return _with(watched(url, settings), {"options": f"{_options(limits(settings) | network)} {_said(url)}".strip()})


def watched(url: str, settings: Settings) -> str:
    """A libpq URL with the limits of the network at this end alone: all that a pooler can be asked for."""
    said, network = conninfo_to_dict(url), _network(settings.network_seconds)
    here = {name.removeprefix("tcp_") if "keep" in name else name: value for name, value in network.items()}
    return _with(url, {name: value for name, value in here.items() if name not in said})


def _with(url: str, added: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(added, quote_via=quote)}" if added else url


def connection_arguments(url: str, **settings: str) -> dict[str, Any]:
    """What every connection is opened with, whichever door opens it; ``settings`` are those of its session."""
    own = _options({"timezone": "UTC", "ghsync.session": "own"} | settings)
    return pooled_arguments() | {"options": f"{_said(url)} {own}".strip()}


def pooled_arguments() -> dict[str, Any]:
    """The same for a session that is a pooler's, which lets nobody choose its settings."""
    return {"application_name": name(), "connect_timeout": CONNECT_TIMEOUT_SECONDS}


def _network(seconds: float) -> dict[str, str]:
    """Half of the time nothing is asked, then twice, until a silent peer counts as gone."""
    whole = max(2, round(seconds))
    return {
        "tcp_keepalives_idle": str(whole // 2),
        "tcp_keepalives_interval": str(max(1, whole // 4)),
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": _milliseconds(seconds),
    }


def _said(url: str) -> str:
    """The session's settings in the URL itself."""
    return str(conninfo_to_dict(url).get("options") or "")


def _options(settings: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
