"""Bodies of requests: how large one may be, and how much of all may be in memory at one time."""

import asyncio
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from starlette.requests import ClientDisconnect, Request

from ghsync.errors import BodyTooLarge, MalformedRequest, Overloaded

SMALL_BYTES = 1024 * 1024  # nearly all deliveries are smaller by far
LARGE_BYTES_A_SECOND = 64 * 1024 * 1024
"""How fast large bodies are read, all together: what strangers send must not take the processor from deliveries."""


PAUSE_SECONDS = 0.01  # a shorter one is not worth a timer


class Room:
    """Memory for the bodies of a process; where it lacks, whoever has proved nothing for longest gives way.

    All strangers of one place have a quarter of it at most, and large bodies leave an eighth to small ones, but not so
    little that a body as large as allowed would find no room.
    """

    def __init__(self, size_bytes: int, largest_bytes: int = 0) -> None:
        self._size_bytes = size_bytes
        self._for_large_bytes = max(size_bytes - size_bytes // 8, largest_bytes)
        self._for_stranger_bytes = max(size_bytes // 4, largest_bytes)
        self._taken_bytes = 0
        self._taken_by: dict[str, int] = {}
        self._paced_until = 0.0
        self._unproven: dict[Share, None] = {}  # the oldest first

    @contextmanager
    def share(self, stranger: str | None = None) -> Iterator["Share"]:
        """The room of one request, perhaps a stranger's; at the end all that it took is given back.

        Raises `Overloaded` out of whatever the request awaits when its room goes to others.
        """
        share = Share(self, stranger)
        self._unproven[share] = None
        try:
            yield share
        except asyncio.CancelledError:
            if not share.given_away:
                raise
            share.task.uncancel()
            raise self._full() from None
        finally:
            self._give_back(share)

    def take(self, share: "Share", size_bytes: int) -> None:
        """Take room for one request; raises `Overloaded` where there is none, not even that of strangers before it."""
        is_large = share.size_bytes + size_bytes > SMALL_BYTES
        while share.stranger and self._taken_by.get(share.stranger, 0) + size_bytes > self._for_stranger_bytes:
            self._make_room(share, of=share.stranger)
        while self._taken_bytes + size_bytes > (self._for_large_bytes if is_large else self._size_bytes):
            self._make_room(share)
        self._add(share, size_bytes)

    def _make_room(self, share: "Share", of: str | None = None) -> None:
        """Let the oldest that has proved nothing give way, of all or of one stranger; perhaps it is the taker."""
        holding = (one for one in self._unproven if one is share or one.size_bytes)
        oldest = next((one for one in holding if of in (None, one.stranger)), share)
        if oldest is share:
            raise self._full()
        oldest.given_away = True
        oldest.task.cancel()
        self._give_back(oldest)

    async def pace(self, share: "Share", size_bytes: int) -> None:
        """Wait for the turn of so much more of a large body; it is not read on meanwhile."""
        if share.size_bytes <= SMALL_BYTES:
            return
        now = time.monotonic()
        self._paced_until = max(now, self._paced_until) + size_bytes / LARGE_BYTES_A_SECOND
        if (wait := self._paced_until - now) > PAUSE_SECONDS:
            await asyncio.sleep(wait)

    def prove(self, share: "Share") -> None:
        """A body's signature was right: it gives way to nobody, and is no stranger's."""
        self._unproven.pop(share, None)
        size_bytes = share.size_bytes
        self._add(share, -size_bytes)
        share.stranger = None
        self._add(share, size_bytes)

    def _give_back(self, share: "Share") -> None:
        self._add(share, -share.size_bytes)
        self._unproven.pop(share, None)

    def _add(self, share: "Share", size_bytes: int) -> None:
        self._taken_bytes += size_bytes
        share.size_bytes += size_bytes
        if share.stranger and (held := self._taken_by.pop(share.stranger, 0) + size_bytes):
            self._taken_by[share.stranger] = held

    def _full(self) -> Overloaded:
        return Overloaded(f"{self._taken_bytes} bytes of bodies wait: GHSYNC_BODY_MEMORY_BYTES sets the limit.")


class Share:
    """What one request, the task that is running, has of the room."""

    def __init__(self, room: Room, stranger: str | None) -> None:
        self.task = cast("asyncio.Task[object]", asyncio.current_task())
        self.stranger = stranger
        self.size_bytes = 0
        self.given_away = False
        self._room = room

    def take(self, size_bytes: int) -> None:
        """Take more; raises `Overloaded`."""
        self._room.take(self, size_bytes)

    async def pace(self, size_bytes: int) -> None:
        """Wait before more of a large body is read."""
        await self._room.pace(self, size_bytes)

    def prove(self) -> None:
        """Keep what was taken until the end, for the signature was right."""
        self._room.prove(self)


async def read(request: Request, limit_bytes: int, share: Share) -> bytes:
    """The body, of which never more than the limit is kept; what arrives takes room, not what is announced."""
    try:
        announced = int(request.headers.get("content-length", "0"))
    except ValueError:
        raise MalformedRequest("Content-Length is not a number.") from None
    if (coding := request.headers.get("transfer-encoding", "chunked")).lower() != "chunked":
        raise MalformedRequest(f"Transfer-Encoding {coding!r} is not understood here: send the body as it is.")
    if announced > limit_bytes:
        raise _too_large(limit_bytes)
    # It grows in place and gives its bytes away, where chunks to be joined are there twice. It is closed because the
    # traceback of an error holds on to it while the error is answered.
    with io.BytesIO() as body:
        try:
            async for chunk in request.stream():
                if body.tell() + len(chunk) > limit_bytes:
                    raise _too_large(limit_bytes)
                share.take(len(chunk))
                body.write(chunk)
                await share.pace(len(chunk))
        except ClientDisconnect:
            raise MalformedRequest("The connection ended before the body did.") from None
        return body.getvalue()


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit_bytes} bytes: GHSYNC_MAX_BODY_BYTES sets the limit.")
