"""What GitHub refuses within an answer whose HTTP status is 200, and how it writes that.

https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
"""

from graphql import GraphQLError

from ghsync.simulator.payload import Json


class Refused(Exception):
    """A field, or the whole query, that is refused; `type` is GitHub's word for why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def not_found(message: str) -> Refused:
    """For what does not exist, or cannot be seen."""
    return Refused("NOT_FOUND", message)


def forbidden() -> Refused:
    """For what the App has no permission to read."""
    return Refused("FORBIDDEN", "Resource not accessible by integration")


def as_json(error: GraphQLError) -> Json:
    """An error as GitHub writes it: its type beside the message, and the path only of what was executed."""
    refused = error.original_error
    return {
        **({"type": refused.kind} if isinstance(refused, Refused) else {}),
        **({"path": error.path} if error.path else {}),
        **({"extensions": error.extensions} if error.extensions else {}),
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
        "message": error.message,
    }
