"""Bodies of requests: how large one may be, and how much of all may be in memory at one time."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from ghsync.errors import BodyTooLarge, MalformedRequest, Overloaded

Take = Callable[[int], None]


class Room:
    """Memory for the bodies of a process."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._taken_bytes = 0

    @contextmanager
    def share(self) -> Iterator[Take]:
        """A function that takes room for one request; at the end all that it took is given back.

        It raises `Overloaded` where too little is left: who waited would be held up here instead of at GitHub.
        """
        shared = 0

        def take(size_bytes: int) -> None:
            nonlocal shared
            if self._taken_bytes + size_bytes > self._size_bytes:
                raise Overloaded(f"{self._taken_bytes} bytes of bodies wait: GHSYNC_BODY_MEMORY_BYTES sets the limit.")
            self._taken_bytes += size_bytes
            shared += size_bytes

        try:
            yield take
        finally:
            self._taken_bytes -= shared


async def read(request: Request, limit_bytes: int, take: Take) -> bytes:
    """The body, of which never more than the limit is kept; what arrives takes room, not what is announced."""
    try:
        announced = int(request.headers.get("content-length", "0"))
    except ValueError:
        raise MalformedRequest("Content-Length is not a number.") from None
    if announced > limit_bytes:
        raise _too_large(limit_bytes)
    # It grows in place and gives its bytes away, where chunks to be joined are there twice. It is closed because the
    # traceback of an error holds on to it while the error is answered.
    with io.BytesIO() as body:
        try:
            async for chunk in request.stream():
                if body.tell() + len(chunk) > limit_bytes:
                    raise _too_large(limit_bytes)
                take(len(chunk))
                body.write(chunk)
        except ClientDisconnect:
            raise MalformedRequest("The connection ended before the body did.") from None
        return body.getvalue()


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit_bytes} bytes: GHSYNC_MAX_BODY_BYTES sets the limit.")
