"""Some of the faults, with fewer deliveries, so that `make faults` goes on to work; and what is kept of all."""

import re
from pathlib import Path

import pytest

from tests.faults import arena
from tests.faults.__main__ import KEPT, play
from tests.faults.kinds import KINDS

ROW = re.compile(r"^\| (.+?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| (\d+) \|", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.anyio
async def test_of_what_was_answered_202_nothing_is_lost_whatever_happens(tmp_path: Path) -> None:
    chosen = [
        kind for kind in KINDS if "killed, and started" in kind.name or "locked" in kind.name or "spools" in kind.name
    ]
    async with arena.server() as (_, node):
        for place, kind in enumerate(chosen):
            (room := tmp_path / str(place)).mkdir()
            outcome = await play(kind, room, node, count=500)
            assert (outcome.lost, outcome.accepted) == (0, outcome.deliveries), kind.name


def test_the_page_has_every_fault_and_tells_of_nothing_lost() -> None:
    found = ROW.findall(KEPT.read_text())
    assert [name for name, *_ in found] == [kind.name for kind in KINDS]
    assert len(found) >= 15
    assert {lost for *_, lost in found} == {"0"}
    assert all(sent == taken for _, sent, _, taken, _ in found)
