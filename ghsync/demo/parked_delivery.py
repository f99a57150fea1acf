"""The fourth scene: a delivery that PostgreSQL refuses is parked, and replayed once the reason is gone.

The reason is an index that operators made for a report of theirs: it takes what titles say in brackets for numbers.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from ghsync import wording
from ghsync.database import transaction
from ghsync.demo import exhibit
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage, command
from ghsync.simulator.actions import conversations

TITLES = ("[3] The parser forgets the last line", "[soon] The parser forgets the last line")
OTHERS = 5
"""So many other deliveries are projected before it is replayed."""

_MAKE = sa.text(r"CREATE INDEX demo_days ON github_issues (CAST(substring(title FROM '^\[(.+)\]') AS integer))")
_DROP = sa.text("DROP INDEX IF EXISTS demo_days")

_STATUS = sa.text("SELECT status FROM webhook_deliveries WHERE guid = :guid")

_OTHERS = sa.text("""
SELECT count(*) FROM webhook_deliveries
WHERE status = 'processed' AND processed_at > (SELECT processed_at FROM webhook_deliveries WHERE guid = :guid)
""")


async def play(stage: Stage) -> AsyncIterator[str]:
    """Have somebody write a title that the index refuses; the others' deliveries go on."""
    site, shown = stage.github.site, await exhibit.put_up(stage, TITLES[0])

    async def is_parked() -> bool:
        return bool(await _read(stage, _STATUS, guid) == "parked")

    async def others_go_on() -> bool:
        return bool(await _read(stage, _OTHERS, guid) >= OTHERS)

    async with _index(stage):
        site.keep_time()
        conversations.edit(site.world, shown.issue, by=stage.person, title=TITLES[1])
        guid = site.world.deliveries[-1].guid
        parked = wording.duration(await until(is_parked, "a delivery was parked"))
        yield f"An index that we added refuses a title: its delivery was parked after {parked}, and the rest goes on."
        await until(others_go_on, "other deliveries were projected while one was parked")
        others = await _read(stage, _OTHERS, guid)
    began = time.monotonic()
    await command(stage, "deliveries", "replay", "--parked")
    await until(shown.is_mirrored, f"the new title of {shown} was in the mirror")
    replayed = wording.duration(time.monotonic() - began)
    told = f"One delivery was refused by an index that we added; {others} others went on"
    yield f"{told}; replayed when the index was gone: {replayed}."


@asynccontextmanager
async def _index(stage: Stage) -> AsyncIterator[None]:
    async with transaction(stage.engine) as conn:
        await conn.execute(_MAKE)
    try:
        yield
    finally:
        async with transaction(stage.engine) as conn:
            await conn.execute(_DROP)


async def _read(stage: Stage, statement: sa.TextClause, guid: str) -> Any:
    async with transaction(stage.engine) as conn:
        return await conn.scalar(statement, {"guid": guid})
