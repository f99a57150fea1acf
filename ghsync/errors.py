"""Every error ghsync raises on purpose.

    GhsyncError
    ├── Transient                try again later, nothing is wrong with the input
    │   ├── DatabaseUnavailable
    │   ├── Overloaded
    │   └── RateLimited
    └── Permanent                trying again changes nothing: park it, or tell the person
        ├── NotConfigured        a setting is missing or wrong             (exit code 3)
        ├── RefusedRequest       the answer to a webhook request: 400, 401, 408, 413 or 415
        │   ├── MalformedRequest
        │   ├── SignatureMismatch
        │   ├── BodyTooLarge
        │   ├── BodyTooSlow
        │   └── UnsupportedContentType
        ├── MalformedPayload     a delivery lacks what identifies its noun (parked, with the path)
        ├── UnreadableFixture    a recorded delivery cannot be read back
        └── NotFound             no such delivery, task or repository

The message is one sentence for the person who reads it, and says what to do where something can be done.
"""


class GhsyncError(Exception):
    """Base of all errors below."""


class Transient(GhsyncError):
    """Trying again later may succeed."""


class DatabaseUnavailable(Transient):
    """PostgreSQL cannot be reached or cannot commit."""


class Overloaded(Transient):
    """More arrives at one time than this process has memory for."""


class RateLimited(Transient):
    """GitHub asked us to wait."""


class Permanent(GhsyncError):
    """Trying again changes nothing."""


class NotConfigured(Permanent):
    """A setting is missing or wrong."""


class RefusedRequest(Permanent):
    """A webhook request that is not stored."""


class MalformedRequest(RefusedRequest):
    """A header is missing or the body is not the JSON object it should be."""


class SignatureMismatch(RefusedRequest):
    """The body is not signed with a secret we know."""


class BodyTooLarge(RefusedRequest):
    """The body is larger than the limit."""


class BodyTooSlow(RefusedRequest):
    """The body takes too long to arrive."""


class UnsupportedContentType(RefusedRequest):
    """The body is neither JSON nor a form."""


class MalformedPayload(Permanent):
    """A verified payload lacks a field that identifies its noun."""


class UnreadableFixture(Permanent):
    """A recorded delivery cannot be read back."""


class NotFound(Permanent):
    """There is no such delivery, task or repository."""
