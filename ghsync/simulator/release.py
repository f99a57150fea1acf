"""Releases, and drafts of them, which only those see who may push.

https://docs.github.com/en/rest/releases/releases
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.repository import Repository

UPLOADS_URL = "https://uploads.github.com"


@dataclass(eq=False)
class Release:
    """A release. `created_at` is the time of its commit; as long as it was not published, it is a draft."""

    id: int
    repository: Repository
    tag_name: str
    target_commitish: str
    author: Account
    created_at: datetime
    updated_at: datetime
    name: str | None = None
    body: str | None = None
    prerelease: bool = False
    published_at: datetime | None = None

    @property
    def draft(self) -> bool:
        """Whether it is still, or again, to be published."""
        return self.published_at is None

    @property
    def node_id(self) -> str:
        """The release's node id."""
        return node_id("RE", self.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The release's page; a draft has no tag there, even if the tag that it names exists."""
        untagged = f"untagged-{sha256(self.node_id.encode()).hexdigest()[:20]}"
        return f"{self.repository.html_url}/releases/tag/{untagged if self.draft else quote(self.tag_name, safe='')}"

    def as_json(self) -> Json:
        """The release as events carry it.

        GitHub's schema has an `updated_at` here that may be null, and GitHub's examples have none: nothing is told.
        """
        return {**self.as_rest_json(), "updated_at": None}

    def as_rest_json(self) -> Json:
        """The release as the REST API shows it."""
        repository = self.repository
        place = f"/repos/{repository.full_name}/releases/{self.id}"
        url = f"{repository.api_url}/releases/{self.id}"
        return {
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{UPLOADS_URL}{place}/assets{{?name,label}}",
            "html_url": self.html_url,
            "id": self.id,
            "author": self.author.as_json(),
            "node_id": self.node_id,
            "tag_name": self.tag_name,
            "target_commitish": self.target_commitish,
            "name": self.name,
            "draft": self.draft,
            "immutable": False,
            "prerelease": self.prerelease,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "published_at": iso_or_null(self.published_at),
            "assets": [],
            "tarball_url": self._archive_url("tarball"),
            "zipball_url": self._archive_url("zipball"),
            "body": self.body,
        }

    def _archive_url(self, kind: str) -> str | None:
        return None if self.draft else f"{self.repository.api_url}/{kind}/{self.tag_name}"


def visible_releases(repository: Repository, *, may_push: bool) -> list[Release]:
    """The releases of a repository that somebody sees who may push there or not."""
    return [each for each in repository.releases.values() if may_push or not each.draft]
