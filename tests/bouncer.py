"""PgBouncer before a test's server, in transaction mode, as hosted PostgreSQL puts it there."""

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ghsync import embedded
from tests import postgres, service

SESSIONS = 8  # of PostgreSQL, for all who come

_CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
ignore_startup_parameters = {ignored}
"""


@asynccontextmanager
async def pooling(database_url: str, folder: Path, *, ignored: str = "") -> AsyncIterator[str]:
    """A pooler at work; answers the database's URL through it."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed: `apt-get install pgbouncer`")
    said, port = conninfo_to_dict(database_url), service.free_port()
    server = " ".join(f"{name}={said[name]}" for name in ("host", "port", "user", "password") if name in said)
    file = folder / "pgbouncer.ini"
    file.write_text(_CONFIGURATION.format(server=server, port=port, sessions=SESSIONS, ignored=ignored))
    process = await asyncio.create_subprocess_exec(
        program, "-q", str(file), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        **_identity(file),
    )  # fmt: skip
    url = f"postgresql://postgres@127.0.0.1:{port}/{postgres.name_of(database_url)}"

    async def answers() -> bool:
        assert process.returncode is None, await process.stderr.read() if process.stderr else b""
        try:
            await (await psycopg.AsyncConnection.connect(url)).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        await service.until(answers, "PgBouncer answers")
        yield url
    finally:
        process.kill()
        await process.communicate()


def _identity(file: Path) -> dict[str, Any]:
    """Who it runs as: it refuses root, as the embedded server does, and has to read its file."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(file, embedded.SYSTEM_USER)
    for directory in file.parents:
        directory.chmod(directory.stat().st_mode | 0o111)
    return {"user": embedded.SYSTEM_USER, "group": pwd.getpwnam(embedded.SYSTEM_USER).pw_gid, "extra_groups": []}
