"""Tokens of installations: made for an hour, for all that the installation has or for less."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ghsync.simulator import assertion
from ghsync.simulator.refusals import Refused, bad_credentials
from ghsync.simulator.viewer import InstallationViewer, Integration, Nobody, Person, Viewer

if TYPE_CHECKING:
    from ghsync.simulator.app import Installation
    from ghsync.simulator.keys import Keys
    from ghsync.simulator.world import World

LIFETIME = timedelta(hours=1)
SCHEMES = ("bearer", "token")
SUSPENDED = "This installation has been suspended"


@dataclass(frozen=True)
class Grant:
    """What a token is good for."""

    installation_id: int
    expires_at: datetime
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None = None


@dataclass
class Tokens:
    """Every token that was made, and who is who by what they show."""

    world: World
    keys: Keys
    grants: dict[str, Grant] = field(default_factory=dict)

    def issue(
        self,
        installation: Installation,
        permissions: Mapping[str, str] | None = None,
        repository_ids: frozenset[int] | None = None,
    ) -> tuple[str, Grant]:
        """A new token: for everything, or for less."""
        digest = hashlib.sha256(f"{self.world.seed}:token:{len(self.grants)}".encode()).hexdigest()
        token = f"ghs_{digest[:36]}"
        expires_at = self.world.now().replace(microsecond=0) + LIFETIME
        granted = dict(installation.permissions) if permissions is None else dict(permissions)
        self.grants[token] = Grant(installation.id, expires_at, granted, repository_ids)
        return token, self.grants[token]

    def viewer(self, authorization: str | None) -> Viewer:
        """Who shows this; raises `Refused` if it is nothing that GitHub knows."""
        if authorization is None:
            return Nobody()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in SCHEMES:
            raise bad_credentials()
        if token.count(".") == 2:
            assertion.check(token, self.world.app, self.keys.public_key, self.world.now())
            return Integration(self.world.app)
        account = self.keys.personal_tokens.get(token)
        if account is None:
            return self._installation(token)
        return Person(self.world, account, scopes=self.keys.scopes.get(token))

    def _installation(self, token: str) -> InstallationViewer:
        grant = self.grants.get(token)
        if grant is None or grant.expires_at <= self.world.now():
            raise bad_credentials()
        installation = self.world.installations.get(grant.installation_id)
        if installation is None:
            raise bad_credentials()
        if installation.suspended_at is not None:
            raise Refused(403, SUSPENDED)
        return InstallationViewer(self.world, installation, grant.permissions, grant.repository_ids)
