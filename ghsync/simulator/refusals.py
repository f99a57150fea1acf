"""What the API answers instead of what was asked for.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from collections.abc import Mapping

from ghsync.simulator.payload import Json


class Refused(Exception):
    """A request that is answered with an error; `more` goes into the body beside the message."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, more: Json | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.more = more or {}


class Moved(Exception):
    """What was asked for is elsewhere for good: at this path of the API."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def not_found() -> Refused:
    """For what does not exist, and for what may not be seen: the answer does not tell which."""
    return Refused(404, "Not Found")


def bad_credentials() -> Refused:
    """For a token that is unknown, expired or taken back."""
    return Refused(401, "Bad credentials")


def inaccessible(*permissions: str) -> Refused:
    """For what the App has no permission to read; one of those that would do is enough."""
    accepted = "; ".join(f"{permission}=read" for permission in permissions)
    headers = {"x-accepted-github-permissions": accepted} if permissions else {}
    return Refused(403, "Resource not accessible by integration", headers=headers)
