"""What becomes of a reading of which one kind of request is answered wrongly: a table, in ``outcomes.txt``.

    python -m tests.matrix.outcomes

writes the file anew: read the difference. Ways with the same outcome share a line. Kinds of requests are not listed
anywhere: they are those that a reading makes when nothing goes wrong.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from ghsync import log, migrate
from tests import postgres
from tests.matrix.bench import DOORS, Bench, Outcome, bench
from tests.matrix.ways import WAYS

FILE = Path(__file__).with_name("outcomes.txt")


async def kinds(made: Bench) -> dict[str, str]:
    """Every kind of REST request that readings make, with the door of the cheapest reading that makes it."""
    found: dict[str, str] = {}
    for door in DOORS:
        await made.outcome(door)
        for kind in sorted(made.faulty.asked):
            if not kind.startswith("GraphQL"):
                found.setdefault(kind, door)
    return found


async def table(made: Bench) -> str:
    """All of it."""
    return "\n".join([await section(made, kind, door) for kind, door in (await kinds(made)).items()])


async def section(made: Bench, kind: str, door: str) -> str:
    """What becomes of one kind of request, broken in every way."""
    outcomes = {way: await made.outcome(door, kind, answer) for way, answer in WAYS.items()}
    return "\n".join([f"{kind} (read through {door})", *_grouped(outcomes.items()), ""])


def _grouped(outcomes: Iterable[tuple[str, Outcome]]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for way, outcome in outcomes:
        groups.setdefault(str(outcome), []).append(way)
    return [f"  {', '.join(ways)}\n    {outcome}" for outcome, ways in groups.items()]


async def _write(url: str) -> None:
    async with bench(url) as made:
        FILE.write_text(await table(made))


def main() -> None:
    """Write the table anew."""
    log.configure("console", "error")
    with postgres.server() as server, postgres.database(server) as url:
        migrate.upgrade(url)
        asyncio.run(_write(url))


if __name__ == "__main__":
    main()
