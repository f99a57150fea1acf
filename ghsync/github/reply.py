"""An answer of GitHub's, as bytes."""

from dataclasses import dataclass, field
from datetime import datetime

import httpx


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``observed_at`` is when the request began, by GitHub's clock, ``token`` the token's fingerprint."""

    url: httpx.URL
    token: str
    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    observed_at: datetime

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return str(self.url.join(self.headers.get("location", "")))

    @property
    def next_url(self) -> str | None:
        """The next page of a listing.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        links = httpx.Response(self.status, headers=self.headers).links
        return str(self.url.join(links["next"]["url"])) if "next" in links else None
