"""Every error ghsync raises on purpose.

    GhsyncError
    ├── Transient                try again later, nothing is wrong with the input
    │   ├── DatabaseUnavailable
    │   │   └── DatabaseRefused      it answers, and refuses: the role, the database or a right is missing
    │   ├── Overloaded
    │   ├── TooManyRequests      of somebody who has signed nothing: 429
    │   ├── UnderWay             the same is being done elsewhere at this moment
    │   ├── Locked               another transaction holds what this needs, for longer than we wait
    │   │   └── PartitionsUnderWay   somebody makes partitions: no delivery is claimed meanwhile
    │   ├── NotAccepted          a process, or GitHub, does not go by a new webhook secret yet
    │   ├── NotLeading           another process leads the schedule by now
    │   ├── RateLimited          GitHub's limit, or our share of it, is used up until `retry_at`
    │   ├── GitHubUnavailable    GitHub answers with an error of its own
    │   │   ├── GitHubUnreachable    or not at all
    │   │   └── UnreadableAnswer     or with something that is not what was asked for
    │   │       └── RedirectedToItself   or with a redirect that leads to where it came from
    │   ├── GraphQLUnavailable   GraphQL is missing or broken: REST is asked instead
    │   │   ├── GraphQLDenied        or keeps a part back that the credential may not see
    │   │   └── GraphQLUnknown       or knows no such field
    │   └── TooHeavy             GraphQL cannot answer so much at once: ask for less
    └── Permanent                trying again changes nothing: park it, or tell the person
        ├── NotConfigured        a setting is missing or wrong             (exit code 3)
        ├── NotDefined           something in the database is in the way of a view or function
        ├── RefusedRequest       the answer to a webhook request: 400, 401, 403, 408, 413, 415 or 431
        │   ├── MalformedRequest
        │   ├── HeadTooLarge
        │   ├── HeadTooSlow
        │   ├── ForeignSender
        │   ├── SignatureMismatch
        │   ├── BodyTooLarge
        │   ├── BodyTooSlow
        │   └── UnsupportedContentType
        ├── NotAuthenticated     a request over HTTP shows no key that counts: 401
        ├── NotAllowed           or one that is for less: 403
        ├── NotPossible          or asks for what cannot be as things are: 409
        ├── MalformedPayload     a delivery lacks what identifies its noun (parked, with the path)
        ├── UnreadableFixture    a recorded delivery cannot be read back
        ├── NotWritable          a file cannot be written where it should go
        ├── NotFound             no such delivery, task or repository, here or on GitHub
        ├── PastRetention        the change feed does not reach back so far any more: `first` is where it begins
        ├── AheadOfFeed          the change feed ends with `last`: it was restored to an earlier moment
        ├── Gone                 GitHub says that it was deleted
        ├── Moved                GitHub says that it is at another address: `location`
        ├── TakenOver            another process goes on with this run
        └── RefusedByGitHub      any other answer 4xx
            ├── BadCredentials   the token, the App or its key is not accepted
            ├── SwitchedOff      a repository has no issues, pull requests or alerts, for now
            ├── AccessLost       the App or the token may not see this any more
            │   ├── Suspended    the installation is suspended
            │   ├── RepositoryLost   nothing of a repository is to be seen any more
            │   └── PermissionMissing
            └── UnavailableForLegalReasons

The message is one sentence for the person who reads it, and says what to do where something can be done.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class GhsyncError(Exception):
    """Base of all errors below."""


class Transient(GhsyncError):
    """Trying again later may succeed."""


class DatabaseUnavailable(Transient):
    """PostgreSQL cannot be reached or cannot commit."""

    @property
    def sentence(self) -> str:
        """What a person is told."""
        return (
            f"PostgreSQL does not answer ({self}): check that it runs and that GHSYNC_DATABASE_URL, or "
            "GHSYNC_DIRECT_DATABASE_URL where it is set, names it."
        )


class DatabaseRefused(DatabaseUnavailable):
    """PostgreSQL answers, and does not let us in or not write."""

    @property
    def sentence(self) -> str:
        """What a person is told."""
        return str(self)


class Overloaded(Transient):
    """More arrives at one time than this process has memory for."""


class TooManyRequests(Transient):
    """Somebody who has signed nothing asks for more than their share."""


class UnderWay(Transient):
    """The same is being done elsewhere, and two of it would be in each other's way."""


class Locked(Transient):
    """Another transaction holds what this needs."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Another transaction holds what this needs ({why}): `ghsync doctor` tells who.")


class PartitionsUnderWay(Locked):
    """Somebody makes a partition, or waits to: no delivery is claimed meanwhile."""

    def __init__(self) -> None:
        super().__init__("a partition is being made")


class NotAccepted(Transient):
    """Who receives, or GitHub, does not go by the new secret of a webhook yet."""


class NotLeading(Transient):
    """Another process leads the schedule: it was thought that this one is no more."""


class RateLimited(Transient):
    """GitHub asked us to wait, until ``retry_at`` by the database's clock: ``seconds`` by anybody's."""

    def __init__(self, sentence: str, retry_at: datetime | None = None, seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at
        self.seconds = seconds


class GitHubUnavailable(Transient):
    """GitHub answers with an error of its own, or breaks off."""


class GitHubUnreachable(GitHubUnavailable):
    """GitHub does not answer."""


class UnreadableAnswer(GitHubUnavailable):
    """GitHub's answer is not what was asked for."""


class RedirectedToItself(UnreadableAnswer):
    """GitHub says that this is at another address, and names the same."""


class GraphQLUnavailable(Transient):
    """GraphQL is missing, broken, or does not show what was asked."""


class GraphQLDenied(GraphQLUnavailable):
    """GraphQL keeps back a part of what was asked, for which the credential lacks a permission: ``problems``."""

    def __init__(self, sentence: str, problems: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.problems = problems


class GraphQLUnknown(GraphQLUnavailable):
    """GraphQL's schema lacks a part of what was asked: ``problems``."""

    def __init__(self, sentence: str, problems: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.problems = problems


class TooHeavy(Transient):
    """GraphQL cannot answer this in time; half of it may pass."""


class Permanent(GhsyncError):
    """Trying again changes nothing."""


class NotDefined(Permanent):
    """Something in the database is in the way of a view, function or trigger."""


class NotConfigured(Permanent):
    """A setting is missing or wrong."""


class RefusedRequest(Permanent):
    """A webhook request that is not stored."""


class MalformedRequest(RefusedRequest):
    """A header is missing or the body is not the JSON object it should be."""


class HeadTooLarge(RefusedRequest):
    """The head of a request is larger than the limit."""


class HeadTooSlow(RefusedRequest):
    """The head of a request takes too long to arrive."""


class ForeignSender(RefusedRequest):
    """It comes from where no delivery may come from."""


class SignatureMismatch(RefusedRequest):
    """The body is not signed with a secret we know."""


class BodyTooLarge(RefusedRequest):
    """The body is larger than the limit."""


class BodyTooSlow(RefusedRequest):
    """The body takes too long to arrive."""


class UnsupportedContentType(RefusedRequest):
    """The body is neither JSON nor a form."""


class NotAuthenticated(Permanent):
    """A request shows no key, or one that does not count."""


class NotAllowed(Permanent):
    """A key may not do what it was shown for; ``bearer`` is whose it is, where that is known."""

    def __init__(self, sentence: str, bearer: Any = None) -> None:
        super().__init__(sentence)
        self.bearer = bearer


class NotPossible(Permanent):
    """What a request over HTTP asks for cannot be as things are."""


class MalformedPayload(Permanent):
    """A verified payload lacks a field that identifies its noun."""


class UnreadableFixture(Permanent):
    """A recorded delivery cannot be read back."""


class NotWritable(Permanent):
    """A file cannot be written where it should go."""


class NotFound(Permanent):
    """There is no such delivery, task or repository."""


class PastRetention(Permanent):
    """The change feed begins with the event ``first`` by now: what was asked for came before."""

    def __init__(self, first: int) -> None:
        super().__init__(
            f"The change feed begins with event {first} by now, and what came before is past its retention: "
            f"read the tables as they are, then follow from {first} on."
        )
        self.first = first


class AheadOfFeed(Permanent):
    """The change feed ends with the event ``last``: what was asked for comes after one that there is not."""

    def __init__(self, last: int, after: int) -> None:
        super().__init__(
            f"The change feed ends with event {last}, and event {after} is not in it: the database was restored to an "
            f"earlier moment, or is another one; read the tables as they are, then follow from {last + 1} on."
        )
        self.last = last


class Gone(Permanent):
    """GitHub knows that this was deleted."""


class Moved(Permanent):
    """This is at another address now: ``location``, an absolute URL."""

    def __init__(self, sentence: str, location: str) -> None:
        super().__init__(sentence)
        self.location = location


class TakenOver(Permanent):
    """Another process has taken over this run, and goes on with it."""


class RefusedByGitHub(Permanent):
    """GitHub does not do what was asked."""


class BadCredentials(RefusedByGitHub):
    """GitHub does not accept the token, or what the App's key signed."""


class SwitchedOff(RefusedByGitHub):
    """What was asked for is switched off in its repository, and not gone."""


class AccessLost(RefusedByGitHub):
    """What was asked for may be there, but may not be seen."""


class Suspended(AccessLost):
    """The installation is suspended."""


class RepositoryLost(AccessLost):
    """The whole repository is not to be seen any more."""


class PermissionMissing(AccessLost):
    """The App or the token lacks one of ``permissions``, as far as GitHub names them; ``token`` is its fingerprint."""

    def __init__(self, sentence: str, permissions: frozenset[str] = frozenset(), token: str | None = None) -> None:
        super().__init__(sentence)
        self.permissions = permissions
        self.token = token


class UnavailableForLegalReasons(RefusedByGitHub):
    """GitHub has blocked this for everybody."""
