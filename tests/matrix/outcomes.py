"""What becomes of every request that is answered wrongly: a table, in ``outcomes.txt``.

    python -m tests.matrix.outcomes

writes the file anew: read the difference. Ways with the same outcome share a line.
"""

import asyncio
import gc
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ghsync import log, migrate
from tests import postgres
from tests.matrix import cells
from tests.matrix.bench import bench
from tests.matrix.cells import Cell

FILE = Path(__file__).with_name("outcomes.txt")


def kept() -> dict[str, str]:
    """The section of each request, as the file has it."""
    sections = FILE.read_text().split("\n\n")
    return {section.partition(" (")[0]: section.rstrip("\n") for section in sections}


def section(of_one: Sequence[Cell]) -> str:
    """What becomes of one request, as people read it."""
    first = of_one[0]
    healthy = f"{first.healthy.doer}: {first.healthy.outcome.requests} requests when nothing goes wrong"
    return "\n".join([f"{first.asked} ({healthy})", *_lines(of_one)])


def _lines(of_one: Iterable[Cell]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for cell in of_one:
        groups.setdefault(_outcome(cell), []).append(cell.way)
    for outcome, ways in groups.items():
        yield f"  {', '.join(ways)}\n    {outcome}"


def _outcome(cell: Cell) -> str:
    read = f"all but {_named(cell.unread)}" if cell.unread else "all"
    gone = f" | gone: {_named(cell.outcome.gone)}" if cell.outcome.gone else ""
    return f"read: {read}{gone} | requests: {cell.outcome.requests} | told: {cell.told or 'nothing'}"


def _named(tables: Iterable[str]) -> str:
    return ", ".join(sorted(name.removeprefix("github_") for name in tables))


async def table(url: str) -> str:
    """The whole table, on a migrated, otherwise empty database."""
    async with bench(url) as made:
        gc.freeze()
        requests = cells.requests(await cells.healthy(made))
        return "\n\n".join([section(await cells.of(made, asked, run)) for asked, run in requests.items()]) + "\n"


def main() -> None:
    """Write the table anew."""
    log.configure("console", "critical")
    with postgres.server() as server, postgres.database(server) as url:
        migrate.upgrade(url)
        FILE.write_text(asyncio.run(table(url)))


if __name__ == "__main__":
    main()
