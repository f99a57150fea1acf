"""What is read of conversations, as far as it needs no GitHub."""

from datetime import UTC, datetime, timedelta

from ghsync.mirror import issue
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.page import changes

ASKED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_time_of_change_that_cannot_be_yet_is_no_mark_to_sweep_from() -> None:
    times = (ASKED, None, datetime(2999, 1, 1, tzinfo=UTC), ASKED + timedelta(minutes=1))
    read = [Conversation(issue.Payload(1, number, updated_at=time), ASKED) for number, time in enumerate(times)]
    assert list(changes(read)) == [ASKED, ASKED + timedelta(minutes=1)]
