"""Bodies: no larger than the limit, and all together no larger than the room for them."""

import io
import traceback

import pytest
from starlette.requests import Request
from starlette.types import Message

from ghsync.errors import BodyTooLarge, Overloaded
from ghsync.receiver import bodies
from ghsync.receiver.bodies import Room


def test_there_is_room_for_so_many_bytes_and_no_more() -> None:
    room = Room(100)
    with room.share() as one, room.share() as other:
        one(60)
        other(40)
        with pytest.raises(Overloaded, match="100 bytes of bodies wait"):
            one(1)


def test_what_a_request_took_is_given_back_however_it_ends() -> None:
    room = Room(100)
    with pytest.raises(ValueError, match="odd"), room.share() as take:
        raise ValueError(f"odd: {take(60)}")
    with room.share() as take:
        take(100)


@pytest.mark.anyio
async def test_what_came_of_a_refused_body_is_let_go_even_while_its_error_is_answered() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with Room(1000).share() as take, pytest.raises(BodyTooLarge) as refused:
        await bodies.read(request, 100, take)
    kept = [frame.f_locals.get("body") for frame, _ in traceback.walk_tb(refused.tb)]
    assert [body.closed for body in kept if isinstance(body, io.BytesIO)] == [True]
