"""Who acts, and from where: what the audit log says of each administrative act."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or with ``kind`` system a part of ghsync.

    ``user_id`` is that of a user of ours, where it is one, and ``key`` what the key is called that was shown;
    ``address`` is the IP address that the act came from, ``program`` the program, and ``request`` is method and path
    where it came over HTTP.
    """

    name: str
    kind: str = "user"
    user_id: str | None = None
    key: str | None = None
    address: str | None = None
    program: str | None = None
    request: tuple[str, str] | None = None

    def __str__(self) -> str:
        return self.name
