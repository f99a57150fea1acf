"""What every part of the reconciler needs: the database, GitHub, and a session per credential."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential
from ghsync.reconciler.gate import Gate, Mirror
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Reads through ``github``, writes through a gate to ``engine``."""

    engine: AsyncEngine
    github: GitHub

    async def session(
        self,
        installation: str | None,
        source: str,
        priority: str,
        *,
        gate: Gate | None = None,
        meter: Meter | None = None,
    ) -> Session:
        """A session with an installation's credential (GitHub's id), or with the personal token where there is none."""
        credential = await self.github.credential_for(int(installation) if installation else None)
        return self._session(credential, source, priority, gate, meter)

    def app_session(
        self, source: str, priority: str, *, gate: Gate | None = None, meter: Meter | None = None
    ) -> Session:
        """A session of the App itself, which sees its installations and its deliveries, and no repository."""
        return self._session(self.github.app, source, priority, gate, meter)

    def _session(
        self, credential: Credential, source: str, priority: str, gate: Gate | None, meter: Meter | None
    ) -> Session:
        return Session(self.github, credential, gate or Mirror(self.engine), source, priority, meter or Meter())

    def readable(self, places: Iterable[Place]) -> dict[str | None, list[Place]]:
        """Places by the installation that reads them; what no credential sees (a repository's own hook) is left out."""
        found: dict[str | None, list[Place]] = {}
        for place in places:
            if place.installation or self.github.has_token:
                found.setdefault(place.installation, []).append(place)
        return found
