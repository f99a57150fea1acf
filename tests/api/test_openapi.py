"""What the description says of the HTTP interface is so: schemathesis asks in every way, allowed or not."""

import asyncio
import sys
from pathlib import Path

import psycopg
import pytest

from tests import service

pytestmark = pytest.mark.anyio

# Things that are there, so that what follows the lookups is reached too.
KNOWN = """
[parameters]
delivery = "GUID"
owner = "acme"
name = "web"
task = "11111111"
number = 7
"""


@pytest.mark.slow
@pytest.mark.parametrize("config", [KNOWN, ""], ids=["of what there is", "of anything"])
async def test_whatever_is_asked_is_answered_as_described(
    database_url: str, connection: psycopg.Connection, held: dict[str, dict[str, str]], tmp_path: Path, config: str
) -> None:
    connection.execute("UPDATE webhook_deliveries SET guid = 'GUID' WHERE repository = 'acme/web'")
    (tmp_path / "schemathesis.toml").write_text(config)
    async with service.serving(
        database_url, tmp_path / "log", webhook_secrets="a secret", stranger_requests_a_second=100_000
    ) as served:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{served.port}/api/openapi.json",
            "-H", f"Authorization: {held['admin']['Authorization']}",
            "--max-examples", "30", "--seed", "1", "--no-color",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await running.communicate()
        assert running.returncode == 0, said.decode()
    done = connection.execute("SELECT DISTINCT action FROM audit_logs WHERE request_method <> ''").fetchall()
    assert (("delivery.replayed",) in done) == (config == KNOWN)
