"""What becomes of every published example, one line each, in ``outcomes.txt``.

    make corpus
    python -m tests.conformance.outcomes

writes the file anew. A line has the event, the action, which of the event's examples it is, the answer, how the
delivery ended, and the rows whose change the feed told of: the table, and the number where it has one. Examples come
in the order of the file, each projected before the next one comes, so a row that an earlier example brought is only
there again if it changed.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from ghsync import log, migrate
from tests import postgres
from tests.conformance import examples
from tests.conformance.assembly import Assembly, assembled
from tests.conformance.examples import Example
from tests.receiver import hook

FILE = Path(__file__).with_name("outcomes.txt")

STATUS = "SELECT status FROM webhook_deliveries WHERE guid = %s"
TOUCHED = "SELECT entity_type, number FROM change_events WHERE seq > %s"
POSITION = "SELECT last_seq FROM change_feed"

Connection = psycopg.Connection[Any]


async def deliver(url: str, delivered: Iterable[Example]) -> list[str]:
    """Deliver examples one by one to a ghsync on this database; answers their lines."""
    with psycopg.connect(url, autocommit=True) as connection:
        async with assembled(url) as assembly:
            return [await _line(assembly, connection, example) for example in delivered]


async def _line(assembly: Assembly, connection: Connection, example: Example) -> str:
    before = _one(connection, POSITION)
    guid = str(uuid.uuid1())  # as GitHub's are: the examples happened just now, in this order
    headers = hook.headers(example.body, event=example.event, x_github_delivery=guid)
    answer = await assembly.post(example.body, headers)
    await assembly.worker.drain()
    touched = Counter(_row(*row) for row in connection.execute(TOUCHED, [before]))
    rows = " ".join(row if count == 1 else f"{row}*{count}" for row, count in sorted(touched.items()))
    return f"{example.name}: {answer.status_code} {_one(connection, STATUS, guid)} {rows}".rstrip()


def _one(connection: Connection, query: str, *parameters: object) -> Any:
    (value,) = connection.execute(query, parameters).fetchone() or (None,)
    return value


def _row(table: str, number: int | None) -> str:
    return table if number is None else f"{table}#{number}"


def main() -> None:
    """Write the file."""
    log.configure("console", "error")
    with (
        postgres.server() as server_url,
        postgres.database(server_url) as url,
    ):
        migrate.upgrade(url)
        lines = asyncio.run(deliver(url, examples.load()))
    FILE.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
