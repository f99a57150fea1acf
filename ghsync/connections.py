"""The connections of this process to PostgreSQL, so that those to a server that hangs can be hung up.

A host that is gone ends them by itself, by what the network tells (`sessions.bounded`). Of a server that hangs on a
host that lives nothing is told: its kernel goes on to acknowledge what is sent.
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import sessions

ANSWER_SECONDS = 1.0
LONGEST_SECONDS = 4.0

Server = tuple[str, int]
"""Its host, as the URL has it, and its port."""

_opened: WeakKeyDictionary[psycopg.AsyncConnection[Any], float] = WeakKeyDictionary()


async def connect(
    url: str, settings: Mapping[str, str] | None = None, *, autocommit: bool = False
) -> psycopg.AsyncConnection[Any]:
    """Open one to any libpq URL; ``settings`` are those of its session."""
    arguments = sessions.connection_arguments(url, **(settings or {}))
    return keep(await psycopg.AsyncConnection.connect(url, autocommit=autocommit, **arguments))


def keep(connection: psycopg.AsyncConnection[Any]) -> psycopg.AsyncConnection[Any]:
    """Let one be among those that can be hung up."""
    _opened[connection] = time.monotonic()
    return connection


async def answering(url: str, within_seconds: float) -> Server | None:
    """Which server answers at a URL now, on a connection of its own; None where none does."""
    with suppress(psycopg.Error, OSError, TimeoutError):
        async with (
            asyncio.timeout(within_seconds),
            await psycopg.AsyncConnection.connect(url, autocommit=True, **sessions.pooled_arguments()) as conn,
        ):
            await conn.execute("SELECT")
            return _server(conn)
    return None


def hang_up(older_than_seconds: float, *, unless_to: Server | None = None) -> int:
    """Break off those that were opened longer ago; who waits for an answer on one gets an error. Answers how many.

    Those to a server that answers stay: what they wait for is something else.
    """
    before = time.monotonic() - older_than_seconds
    old = [
        one
        for one, opened_at in list(_opened.items())
        if opened_at < before and not one.closed and (unless_to is None or _server(one) != unless_to)
    ]
    for one in old:
        del _opened[one]
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(one.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
    return len(old)


async def let_go(engine: AsyncEngine) -> asyncio.TimerHandle:
    """Before tasks are cancelled, as this process ends: hang up where PostgreSQL does not answer.

    psycopg asks a server to cancel what is under way, and gives one that hangs ten seconds. Whatever still waits after
    some seconds more, for a lock as it may be, is broken off too, and rolled back; whose end comes sooner cancels that.
    """
    loop = asyncio.get_running_loop()
    late = loop.call_later(LONGEST_SECONDS, hang_up, 0.0)
    answer = loop.create_task(_answer(engine))
    await asyncio.wait({answer}, timeout=ANSWER_SECONDS)
    if not answer.done():
        hang_up(0.0)
        await asyncio.wait({answer}, timeout=ANSWER_SECONDS)
    return late


async def _answer(engine: AsyncEngine) -> None:
    with suppress(psycopg.Error, sa.exc.SQLAlchemyError, OSError):
        async with engine.connect() as conn:
            await conn.exec_driver_sql("SELECT")


def _server(connection: psycopg.AsyncConnection[Any]) -> Server:
    return connection.info.host, connection.info.port
