"""What one run of the reconciler reads with and writes to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from ghsync.github import question
from ghsync.github.client import Answer, GitHub, GraphQLAnswer, Meter
from ghsync.github.credentials import Credential
from ghsync.mirror.noun import Origin
from ghsync.reconciler.gate import Gate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """One credential's view of GitHub, a gate, and what the run has cost so far."""

    github: GitHub
    credential: Credential
    gate: Gate
    source: str
    priority: str
    meter: Meter

    def origin(self, observed_at: datetime) -> Origin:
        """Where rows read at ``observed_at`` come from."""
        return Origin(observed_at, "api", self.source)

    async def get(self, path: str, *, conditional: bool = False, **params: object) -> Answer:
        """One REST answer; a conditional one may be that nothing has changed, and is free then."""
        return await self.github.get(
            self.credential, path, params=params, priority=self.priority, meter=self.meter, conditional=conditional
        )

    async def post(self, path: str) -> Answer:
        """Have GitHub do something."""
        return await self.github.post(self.credential, path, priority=self.priority, meter=self.meter)

    async def listing(self, path: str, item: type[T], **params: object) -> AsyncIterator[tuple[list[T], datetime]]:
        """The pages of a REST listing, each with when it was asked for; raises where the listing breaks off."""
        async for page, observed_at in self.pages(path, list[item], **params):  # type: ignore[valid-type]
            yield page, observed_at

    async def pages(self, path: str, page: type[T], **params: object) -> AsyncIterator[tuple[T, datetime]]:
        """The same for listings whose pages are no plain lists."""
        decoder = msgspec.json.Decoder(page)
        answers = self.github.pages(self.credential, path, params=params, priority=self.priority, meter=self.meter)
        async for answer in answers:
            yield decoder.decode(answer.body), answer.observed_at

    async def graphql(self, name: str, **variables: object) -> GraphQLAnswer:
        """The answer to one of the documents in ``ghsync/github/queries``, without what is not known or shown."""
        return await question.ask(
            self.github, self.credential, name, variables, priority=self.priority, meter=self.meter
        )
