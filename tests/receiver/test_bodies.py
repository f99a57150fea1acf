"""Bodies: no larger than the limit, and all together no larger than the room for them."""

import asyncio
import io
import traceback

import pytest
from starlette.requests import Request
from starlette.types import Message

from ghsync.errors import BodyTooLarge, Overloaded
from ghsync.receiver import bodies
from ghsync.receiver.bodies import Room

pytestmark = pytest.mark.anyio


async def hold(room: Room, size_bytes: int, held: asyncio.Event, *, proven: bool, stranger: str | None) -> None:
    """Hold so much of the room until cancelled."""
    with room.share(stranger) as share:
        share.take(size_bytes)
        if proven:
            share.prove()
        held.set()
        await asyncio.Event().wait()


async def holding(
    room: Room, size_bytes: int, *, proven: bool = False, stranger: str | None = None
) -> asyncio.Task[None]:
    """A request that holds so much of the room."""
    held = asyncio.Event()
    task = asyncio.create_task(hold(room, size_bytes, held, proven=proven, stranger=stranger))
    await held.wait()
    return task


async def test_there_is_room_for_so_many_bytes_and_no_more() -> None:
    with Room(100).share() as share:
        share.take(100)
        with pytest.raises(Overloaded, match="100 bytes of bodies wait"):
            share.take(1)


async def test_what_a_request_took_is_given_back_however_it_ends() -> None:
    room = Room(100)
    with pytest.raises(ValueError, match="odd"), room.share() as share:
        raise ValueError(f"odd: {share.take(60)}")
    with room.share() as share:
        share.take(100)


async def test_where_room_lacks_the_oldest_that_proved_nothing_gives_way() -> None:
    room = Room(100)
    signed = await holding(room, 20, proven=True)
    stalled = [await holding(room, 40), await holding(room, 40)]
    with room.share() as share:
        share.take(30)
        with pytest.raises(Overloaded, match="BODY_MEMORY_BYTES"):
            await stalled[0]
        assert (signed.done(), stalled[1].done()) == (False, False)
        share.prove()
        late = await holding(room, 45)
        with pytest.raises(Overloaded):
            await stalled[1]
    for task in (signed, late):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_those_that_proved_something_give_way_to_nobody() -> None:
    room = Room(100)
    signed = await holding(room, 90, proven=True)
    with pytest.raises(Overloaded), room.share() as share:
        share.take(20)
    signed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await signed


async def test_the_oldest_does_not_push_out_those_that_came_later() -> None:
    room = Room(100)
    with room.share() as oldest:
        oldest.take(50)
        later = await holding(room, 50)
        with pytest.raises(Overloaded):
            oldest.take(1)
        assert not later.done()
    later.cancel()
    with pytest.raises(asyncio.CancelledError):
        await later


async def test_a_stranger_has_a_quarter_of_the_room_and_its_own_oldest_body_gives_way() -> None:
    room = Room(100)
    others = await holding(room, 25, stranger="other")
    stalled = [await holding(room, 15, stranger="one"), await holding(room, 10, stranger="one")]
    with room.share("one") as share:
        share.take(15)
        with pytest.raises(Overloaded):
            await stalled[0]
        assert (others.done(), stalled[1].done()) == (False, False)
        share.prove()
        more = await holding(room, 15, stranger="one")
        assert not stalled[1].done()
    for task in (others, stalled[1], more):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with room.share("one") as share:
        share.take(25)
        with pytest.raises(Overloaded):
            share.take(1)


async def test_large_bodies_leave_room_for_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SMALL_BYTES", 10)
    room = Room(80)
    signed = await holding(room, 70, proven=True)
    with room.share() as large:
        large.take(8)  # nobody knows yet how large it becomes
        with pytest.raises(Overloaded):
            large.take(3)
    with room.share() as small:
        small.take(10)
    signed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await signed


async def test_a_body_as_large_as_allowed_finds_room_whoever_sends_it() -> None:
    with Room(100, 100).share("one") as share:
        share.take(100)


async def test_what_came_of_a_refused_body_is_let_go_even_while_its_error_is_answered() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with Room(1000).share() as share, pytest.raises(BodyTooLarge) as refused:
        await bodies.read(request, 100, share)
    kept = [frame.f_locals.get("body") for frame, _ in traceback.walk_tb(refused.tb)]
    assert [body.closed for body in kept if isinstance(body, io.BytesIO)] == [True]


async def test_large_bodies_are_read_no_faster_than_all_of_them_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SMALL_BYTES", 1000)
    monkeypatch.setattr(bodies, "LARGE_BYTES_A_SECOND", 100_000)
    room = Room(1_000_000)

    async def arrive(size_bytes: int) -> float:
        started = asyncio.get_running_loop().time()
        with room.share() as share:
            for _ in range(0, size_bytes, 500):
                share.take(500)
                await share.pace(500)
        return asyncio.get_running_loop().time() - started

    small, *large = await asyncio.gather(arrive(1000), arrive(11_000), arrive(11_000))
    assert small < 0.05
    assert max(large) > 0.15
