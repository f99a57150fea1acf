"""Every request that ghsync makes, answered in every wrong way: what becomes of it is in ``outcomes.txt`` (I12)."""

import ast
import difflib
import re
from collections.abc import AsyncIterator, Iterator
from importlib import resources
from pathlib import Path

import pytest

import ghsync
from ghsync.reconciler import alerts
from tests import postgres
from tests.matrix import cells, outcomes
from tests.matrix.bench import Bench, bench
from tests.matrix.cells import Run
from tests.matrix.wire import Asked

ASKS = frozenset({"_url", "ask", "get", "listing", "pages", "post"})
"""What functions are called that ask for an address."""


Requests = dict[str, tuple[Asked, Run]]


@pytest.fixture(scope="module")
async def made(server_url: str, template: str) -> AsyncIterator[Bench]:
    """Where all cells are tried."""
    with postgres.database(server_url, template=template) as url:
        async with bench(url) as made:
            yield made


@pytest.fixture(scope="module")
async def requests(made: Bench) -> Requests:
    """Every request, by its name in the table, with the run in which it is answered wrongly."""
    return {str(asked): (asked, run) for asked, run in cells.requests(await cells.healthy(made)).items()}


@pytest.mark.slow
@pytest.mark.anyio
async def test_every_request_is_in_the_table(requests: Requests) -> None:
    assert list(requests) == list(outcomes.kept())


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("asked", outcomes.kept())
async def test_every_cell_buries_nothing_asks_little_tells_what_it_did_not_read_and_is_in_the_table(
    made: Bench, requests: Requests, asked: str
) -> None:
    found = await cells.of(made, *requests[asked])
    assert [f"{cell.asked}, {cell.way}: {said}" for cell in found for said in cell.complaints()] == []
    kept, now = outcomes.kept()[asked].splitlines(), outcomes.section(found).splitlines()
    changed = "\n".join(difflib.unified_diff(kept, now, "outcomes.txt", "now", lineterm=""))
    assert not changed, f"If that is as it should be, run `python -m tests.matrix.outcomes`:\n{changed}"


def test_every_query_is_in_the_table() -> None:
    queries = resources.files("ghsync.github") / "queries"
    documents = {file.name.removesuffix(".graphql").title() for file in queries.iterdir() if file.name.endswith("l")}
    assert {f"GraphQL {name}" for name in documents | {"Schema"}} - kinds() == set()


def test_every_address_in_the_code_is_in_the_table() -> None:
    asked = {kind.replace("{owner}/{repo}", "{full_name}") for kind in kinds()}
    assert [end for end in addresses() if not any(re.search(_pattern(end), kind) for kind in asked)] == []


def kinds() -> set[str]:
    """Every kind of request in the table."""
    return set(re.findall("^(.+), asked by ", outcomes.FILE.read_text(), re.MULTILINE))


def addresses() -> Iterator[str]:
    """The end of every address that the code asks for, as far as it stands there, with {} for what does not."""
    yield from (end for _, path, _ in alerts.LISTINGS.values() for end in (path, f"{path}/{{}}"))
    for folder in ("doctor", "github", "reconciler"):
        for file in (Path(ghsync.__file__).parent / folder).rglob("*.py"):
            yield from (end for call in _calls(file) for each in call.args for end in _ends(each))


def _calls(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text())):
        named = node.func if isinstance(node, ast.Call) else None
        name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
        if isinstance(node, ast.Call) and name in ASKS:
            yield node


def _ends(argument: ast.expr) -> Iterator[str]:
    """``labels/{}`` for ``place.path("labels", name)``; texts are addresses if there is a slash in them."""
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute) and argument.func.attr == "path":
        yield "/".join(["repositories/{}", *(_text(part) for part in argument.args)])
    elif isinstance(argument, ast.IfExp):
        yield from (*_ends(argument.body), *_ends(argument.orelse))
    elif "/" in _text(argument):
        yield _text(argument)


def _text(expression: ast.expr) -> str:
    if isinstance(expression, ast.JoinedStr):
        return "".join(_text(part) for part in expression.values)
    return expression.value if isinstance(expression, ast.Constant) and isinstance(expression.value, str) else "{}"


def _pattern(end: str) -> str:
    return "[^/]+".join(re.escape(part) for part in f"/{end.removeprefix('/')}".split("{}")) + "$"
