"""Journals: what the disk was given comes back as it was, or is told to be damaged, and no two processes have one."""

import os
import resource
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ghsync.inbox import journal
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.journal import Journal
from tests.inbox.test_recorder import DELIVERY, numbered

ARRIVED = replace(DELIVERY, received_at=datetime(2026, 11, 29, 12, 0, 0, 123456, UTC), ignored=True, action=None)


def written(folder: Path, *deliveries: Delivery) -> Path:
    """A file that nobody has any more."""
    made = journal.create(folder)
    made.append([journal.line(delivery) for delivery in deliveries])
    made.close()
    return made.path


@contextmanager
def claimed(folder: Path) -> Iterator[Journal]:
    found = journal.claim(folder)
    assert found
    found.measure()
    yield found
    found.close()


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """As a full disk: https://man7.org/linux/man-pages/man2/getrlimit.2.html"""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_delivery_comes_back_as_it_was(tmp_path: Path) -> None:
    written(tmp_path, ARRIVED, replace(ARRIVED, body=bytes(range(256))))
    with claimed(tmp_path) as found:
        assert found.count == 2
        assert found.take(10) == [ARRIVED, replace(ARRIVED, body=bytes(range(256)))]
        assert (found.take(10), found.damaged) == ([], 0)


def test_deliveries_come_back_in_order_and_so_many_at_a_time(tmp_path: Path) -> None:
    deliveries = numbered(5)
    written(tmp_path, *deliveries)
    with claimed(tmp_path) as found:
        assert [found.take(2), found.take(2), found.take(2)] == [deliveries[:2], deliveries[2:4], deliveries[4:]]


def test_large_deliveries_come_back_a_few_at_a_time(tmp_path: Path) -> None:
    written(tmp_path, *numbered(3, body=bytes(journal.TAKEN_BYTES)))
    with claimed(tmp_path) as found:
        assert [len(found.take(10)) for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize("lost_bytes", [1, 2, 100])
def test_a_torn_last_record_is_cut_off(tmp_path: Path, lost_bytes: int) -> None:
    path = written(tmp_path, *numbered(3))
    os.truncate(path, path.stat().st_size - lost_bytes)
    with claimed(tmp_path) as found:
        assert found.count == 2
        assert (found.take(10), found.take(10), found.damaged) == (numbered(2), [], 0)


def test_a_last_record_of_zeros_is_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path, *numbered(2))
    os.truncate(path, path.stat().st_size + 4096)
    with claimed(tmp_path) as found:
        assert (found.take(10), found.take(10), found.damaged) == (numbered(2), [], 0)


@pytest.mark.parametrize("place", [0, 4, 20, 60], ids=["checksum", "its end", "text", "body"])
def test_a_damaged_record_is_counted_and_the_others_come_back(tmp_path: Path, place: int) -> None:
    path = written(tmp_path, *numbered(3))
    content = bytearray(path.read_bytes())
    content[len(content) // 3 + place] ^= 1
    path.write_bytes(content)
    with claimed(tmp_path) as found:
        assert found.take(10) == [numbered(3)[0], numbered(3)[2]]
        assert (found.count, found.damaged) == (2, 1)


def test_a_record_whose_checksum_is_right_and_that_is_no_delivery_is_damaged(tmp_path: Path) -> None:
    text = b'{"guid": "alone"}'
    written(tmp_path).write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    with claimed(tmp_path) as found:
        assert (found.take(10), found.damaged) == ([], 1)


def test_what_a_failed_attempt_left_is_written_over(tmp_path: Path) -> None:
    made = journal.create(tmp_path)
    first, second, third = numbered(3)
    made.append([journal.line(first)])
    with files_of_at_most(made.size_bytes + 10), pytest.raises(OSError, match="File too large"):
        made.append([journal.line(second)])
    assert made.path.stat().st_size == made.size_bytes + 10
    made.append([journal.line(third)])
    made.close()
    with claimed(tmp_path) as found:
        assert (found.take(10), found.damaged) == ([first, third], 0)


def test_a_journal_is_nobody_elses_while_it_is_open(tmp_path: Path) -> None:
    made = journal.create(tmp_path)
    assert journal.claim(tmp_path) is None
    made.close()
    with claimed(tmp_path) as found:
        assert found.path == made.path
        assert journal.claim(tmp_path) is None


def test_the_oldest_journal_that_nobody_has_is_claimed(tmp_path: Path) -> None:
    held = journal.create(tmp_path)
    older, _ = written(tmp_path, DELIVERY), written(tmp_path, DELIVERY)
    with claimed(tmp_path) as found:
        assert found.path == older
    held.close()


def test_a_journal_that_is_removed_or_put_aside_is_claimed_by_nobody(tmp_path: Path) -> None:
    written(tmp_path, DELIVERY), written(tmp_path, DELIVERY)
    with claimed(tmp_path) as first, claimed(tmp_path) as second:
        first.remove()
        aside = second.put_aside()
    assert list(tmp_path.iterdir()) == [aside]
    assert journal.claim(tmp_path) is None
    assert journal.used_bytes(tmp_path) == len(journal.line(DELIVERY))


def test_journals_of_another_version_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "1.v2.spool").write_bytes(b"")
    assert journal.claim(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_journal_that_another_user_may_have_made_up_is_left_alone(tmp_path: Path) -> None:
    path, other = written(tmp_path, DELIVERY), written(tmp_path, DELIVERY)
    os.chown(path, 12345, -1)
    with claimed(tmp_path) as found:
        assert found.path == other


def test_nobody_else_may_read_journals_or_their_folder(tmp_path: Path) -> None:
    made = journal.create(tmp_path / "made" / "here")
    made.append([journal.line(DELIVERY)])
    made.close()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700


def test_where_nothing_was_ever_spooled_nothing_is_found(tmp_path: Path) -> None:
    assert journal.claim(tmp_path / "nowhere") is None
    assert journal.used_bytes(tmp_path / "nowhere") == 0
