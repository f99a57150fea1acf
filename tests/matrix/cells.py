"""The cells: every request that ghsync makes times every way to answer it wrongly, and what must hold in each.

Requests are listed nowhere: they are those that the doers make when nothing goes wrong. Each is answered wrongly to
the doer that makes the fewest others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.matrix import ways
from tests.matrix.bench import Bench, Outcome
from tests.matrix.doers import DOERS
from tests.matrix.wire import Asked

NOT_IN_REST = frozenset({"github_review_threads"})
"""Without GraphQL these stay as hooks told of them; that GraphQL is given up is in the log."""

MOST_MORE = 30
"""So many requests more than in a healthy run may be made: to ask again, and to ask REST for what GraphQL hides."""


@dataclass(frozen=True)
class Run:
    """What becomes of a doer when nothing goes wrong, and what it asks."""

    doer: str
    outcome: Outcome
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Cell:
    """A request that is answered wrongly in one way, and what becomes of the doer that makes it."""

    asked: Asked
    way: str
    healthy: Run
    outcome: Outcome

    @property
    def unread(self) -> frozenset[str]:
        """The tables of which nothing was read, and would have been."""
        return self.outcome.unread - self.healthy.outcome.unread

    @property
    def told(self) -> str:
        """What is told of it, and not of a healthy run."""
        return " ".join(each for each in self.outcome.told if each not in self.healthy.outcome.told)

    @property
    def gone(self) -> frozenset[str]:
        """The tables in which something is said to be gone that is there."""
        return self.outcome.gone - DOERS[self.healthy.doer].gone

    def complaints(self) -> Iterator[str]:
        """What does not hold."""
        if self.gone and not (self.way in ways.GONE and _is_of_one_thing(self.asked.kind)):
            yield f"buried something in {', '.join(sorted(self.gone))}"
        if self.outcome.requests > self.healthy.outcome.requests + MOST_MORE:
            yield f"made {self.outcome.requests} requests where a healthy run makes {self.healthy.outcome.requests}"
        if self.unread - NOT_IN_REST and not (self.told or self.gone or self._is_hidden):
            yield f"did not read {', '.join(sorted(self.unread))}, and told nothing"
        if self.told and not self.told.endswith((".", "!")):
            yield f"told what is no sentence: {self.told}"

    @property
    def _is_hidden(self) -> bool:
        """Whether it is not shown to us, as for most; and nothing is wrong with that."""
        return self.asked.kind.endswith("/alerts") and self.way in ("403", "403 permission", "404")


def _is_of_one_thing(kind: str) -> bool:
    """Whether a kind of request asks for one thing, which may be gone; and not for a list, which may be cut short."""
    return kind.endswith(("}", "/installation"))


async def healthy(made: Bench) -> list[Run]:
    """What each doer does when nothing goes wrong, those first that ask the least."""
    runs = []
    for name, doer in DOERS.items():
        outcome = await made.outcome(doer)
        runs.append(Run(name, outcome, tuple(sorted(made.wire.asked))))
    return sorted(runs, key=lambda run: (DOERS[run.doer].spare, run.outcome.requests))


def requests(runs: list[Run]) -> dict[Asked, Run]:
    """Every request, with the cheapest run in which it is made."""
    found: dict[Asked, Run] = {}
    for run in runs:
        for asked in run.asked:
            found.setdefault(asked, run)
    return dict(sorted(found.items()))


async def of(made: Bench, asked: Asked, run: Run) -> list[Cell]:
    """All of one request."""
    return [Cell(asked, way, run, await _outcome(made, asked, way, run)) for way in ways.of(asked.kind)]


async def _outcome(made: Bench, asked: Asked, way: str, run: Run) -> Outcome:
    try:
        return await made.outcome(DOERS[run.doer], asked, ways.of(asked.kind)[way])
    except Exception as error:
        error.add_note(f"{asked}, answered with {way}, in: {run.doer}")
        raise
