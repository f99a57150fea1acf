"""The readers of GraphQL's answers, without a network: that they would ask for something else is told instead."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import structs

from ghsync import database
from ghsync.github import syntax
from ghsync.github.client import Answer, GitHub, GraphQLAnswer, Meter
from ghsync.github.credentials import Credential
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import Catalog
from ghsync.mirror import release
from ghsync.projector.batch import Batch
from ghsync.reconciler import bulk, conversations, graphql_pages, heads, listings, news
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.gate import Mirror
from ghsync.reconciler.listings import Told
from ghsync.reconciler.news import News
from ghsync.reconciler.page import Page
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import Progress
from ghsync.reconciler.session import ListingPage, Session, T
from ghsync.settings import Settings
from tests.generated import answering, queries
from tests.generated.answering import REPOSITORY, Answering
from tests.generated.told import Json
from tests.generated.told_by_graphql import API, LABEL, MILESTONE, NOW

OURS = "00000000-0000-0000-0000-000000000001"


class Asked(Exception):
    """Something else is to be asked for."""


@dataclass(frozen=True, slots=True)
class Reading(Session):
    """A session to which only the documents with answers in it are answered, without what is left out of them."""

    answering: Mapping[str, Answering] = field(default_factory=dict)
    left_out: frozenset[str] = queries.WHOLE
    answered: list[Json] = field(default_factory=list)

    async def get(self, path: str, *, conditional: bool = False, **params: object) -> Answer:
        """REST is not there."""
        raise Asked(path)

    async def listing(
        self, path: str, item: type[T], within: str | None = None, **params: object
    ) -> AsyncIterator[ListingPage[T]]:
        """REST is not there."""
        raise Asked(path)
        yield

    async def graphql(self, name: str, **variables: object) -> GraphQLAnswer:
        """An answer that is made; ``answered`` keeps its data."""
        if name not in self.answering:
            raise Asked(name)
        taken = syntax.asked(syntax.without(name, self.left_out))
        given = {each: value for each, value in variables.items() if each in taken}
        data = self.answering[name].data(queries.asked(name, self.left_out), given)
        self.answered.append(data)
        return GraphQLAnswer(answering.body(data), (), NOW, 1)


@cache
def _github() -> GitHub:
    """Of which, and of whose database, nothing is asked."""
    return GitHub(database.create_engine(""), Settings(api_url=API, token="ghp_of_nobody"))


def session(left_out: frozenset[str] = queries.WHOLE, **answering: Answering) -> Reading:
    """A session to which these documents are answered."""
    github = _github()
    return Reading(
        github, Credential("token", "token:nobody"), Mirror(github.engine), "backfill", "event", Meter(),
        answering=answering, left_out=left_out,
    )  # fmt: skip


def place(
    number: int = REPOSITORY, read_at: datetime | None = None, permissions: frozenset[str] | None = None
) -> Place:
    """A repository that was read."""
    return Place(OURS, number, "R_1", "acme/parts", read_at, None, read_at, read_at, read_at, None, permissions)


def known(permissions: frozenset[str] | None = None) -> KnownRepository:
    """A repository with one label and one milestone."""
    return KnownRepository(
        place(permissions=permissions), Catalog({str(LABEL.node_id): LABEL}, {MILESTONE.number: MILESTONE})
    )


Read = list[Batch | None]
"""What was read of each item; None where something else has to be asked for it."""


async def read_refetch(reading: Reading) -> Read:
    """The rows of single issues and pull requests."""
    answer = await reading.graphql("refetch", ids=["I_1", "PR_2"])
    return [await _conversation(reading, node) for node in answers.refetch(answer.data)]


async def _conversation(reading: Reading, node: Any) -> Batch | None:
    batch = Batch()
    if node is not None:
        with suppress(Asked):
            conversations.add(reading, batch, REPOSITORY, await conversations.read(reading, known(), node, NOW))
            return batch
    return None


async def read_heads(reading: Reading, there: KnownRepository | None = None) -> Read:
    """The rows of what is checked of single heads."""
    there = there or known()
    answer = await reading.graphql("heads", ids=["PR_1"], **heads.variables(there.place))
    return [await _head(reading, there, node) for node in answers.heads(answer.data)]


async def _head(reading: Reading, there: KnownRepository, node: Any) -> Batch | None:
    batch = Batch()
    if node is not None:
        with suppress(Asked):
            for checked in await heads.read(reading, there, heads.shown([node], NOW)):
                heads.add(reading, batch, REPOSITORY, checked)
            return batch
    return None


async def read_page(reading: Reading, progress: Progress) -> Page:
    """The first page of a repository's issues and pull requests."""
    async with aclosing(graphql_pages.pages(reading, known(), progress, ("issues", "pull_requests"))) as pages:
        return await anext(pages)


async def read_releases(reading: Reading) -> Read:
    """The rows of a page of releases."""
    batch = Batch()
    with suppress(Asked):
        await listings.add(reading, reading.github.engine, batch, place(), release, whole=False)
        return [batch]
    return [None]


async def read_bulk(reading: Reading) -> list[Told | None]:
    """What is told of the listings of small repositories; None of one of which nothing can be read."""
    seen = heads.variables(place())
    asked = dict.fromkeys(("issues", "pullRequests", "heads", "releases"), True) | seen
    sizes = dict.fromkeys(("issuesSize", "pullRequestsSize", "headsSize"), 1)
    answer = await reading.graphql("bulk", repositories=["R_1"], order=graphql_pages.OLDEST_FIRST, **asked, **sizes)
    nodes = answers.bulk(answer.data)  # all node ids that are made are of one repository
    return [node and bulk.listed(structs.replace(node, database_id=REPOSITORY), NOW) for node in nodes]


async def read_newest(reading: Reading, there: Place) -> News:
    """What is new in a repository."""
    (told,) = await news.ask(reading, reading.github.engine, [there])
    return told
