"""Every request that a reading makes, answered in every wrong way: what becomes of it is in ``outcomes.txt`` (I12)."""

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import ghsync
from tests.matrix import outcomes
from tests.matrix.bench import Bench, bench

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def made(database_url: str) -> AsyncIterator[Bench]:
    async with bench(database_url) as found:
        yield found


def addresses() -> Iterator[str]:
    """The last word of every address below a repository that the reconciler's code names."""
    for file in (Path(ghsync.__file__).parent / "reconciler").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "path":
                words = [each.value for each in node.args if isinstance(each, ast.Constant)]
                yield from (word for word in words[-1:] if isinstance(word, str))


async def test_every_address_in_the_code_is_in_the_table(made: Bench) -> None:
    found = await outcomes.kinds(made)
    assert [word for word in addresses() if not any(f"/{word}" in kind for kind in found)] == []
