"""What a release is where its payload does not say so."""

from datetime import UTC, datetime

import pytest

from ghsync.mirror import release
from ghsync.mirror.noun import Origin
from ghsync.mirror.release import Payload

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(("published_at", "draft", "is_draft"), [
    (None, None, True), (NOON, None, False), (NOON, True, True), (None, False, False),
])  # fmt: skip
def test_one_that_does_not_say_whether_it_is_a_draft_is_one_until_it_was_published(
    published_at: datetime | None, draft: bool | None, is_draft: bool
) -> None:
    payload = Payload(1, "v1", draft=draft, published_at=published_at)
    assert release.row(payload, Origin(NOON, "guid", "webhook"))["draft"] is is_draft
