"""Files of deliveries that wait for PostgreSQL: one a line, behind the checksum of the line.

Whoever writes or reads a file has it locked. So it is free as soon as that process is gone, however it went.
"""

import errno
import fcntl
import os
import secrets
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from ghsync.inbox.delivery import Delivery

SUFFIX = ".v1.spool"
"""The end of a file's name, with the version of its format: who does not know that version leaves it alone."""

ASIDE = ".aside"
"""What a name ends in where something of the file could not be recorded: nothing reads it any more."""

TAKEN_BYTES = 8 * 1024 * 1024  # read at one time, and a record more

log = structlog.get_logger()


class Journal:
    """A file, open and locked; of its records ``count`` have yet to be recorded, and ``damaged`` could not be read."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.count = self.damaged = self.size_bytes = 0
        self._file = file

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed or moved the file: what is appended then nobody finds."""
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except FileNotFoundError:
            return True

    def append(self, lines: Sequence[bytes]) -> None:
        """Have the disk keep them, whatever becomes of the machine; after an `OSError` it may have some or none."""
        descriptor = self._file.fileno()
        os.ftruncate(descriptor, self.size_bytes)  # a failed attempt may have left half a record
        for line in lines:
            left = memoryview(line)
            while left:
                left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
        self.count += len(lines)
        self.size_bytes += sum(map(len, lines))

    def measure(self) -> None:
        """Find out how much is in it, and read it from its start."""
        self._file.seek(0)
        self.count = sum(piece.count(b"\n") for piece in iter(lambda: self._file.read(TAKEN_BYTES), b""))
        self.size_bytes = self._file.tell()
        self._file.seek(0)

    def take(self, count: int) -> list[Delivery]:
        """So many of the records, fewer if they are large, none at the end; those that are damaged are left out."""
        taken: list[Delivery] = []
        end = self._file.tell() + TAKEN_BYTES
        while len(taken) < count and self._file.tell() < end and (read := self._file.readline()):
            if not read.endswith(b"\n"):
                log.warning("cut off a torn record, which was never answered", file=str(self.path), bytes=len(read))
                break
            if delivery := _delivery(read):
                taken.append(delivery)
            else:
                self.count -= 1
                self.damaged += 1
        return taken

    def remove(self) -> None:
        """All of it is recorded."""
        self.path.unlink(missing_ok=True)

    def put_aside(self) -> Path:
        """Keep it for people; under its old name it is read once more."""
        return self.path.rename(self.path.with_name(self.path.name + ASIDE))

    def close(self) -> None:
        """Leave it to whoever finds it."""
        self._file.close()


def create(folder: Path) -> Journal:
    """A new file, which nobody else may read: bodies are confidential."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{time.time_ns()}-{secrets.token_hex(4)}{SUFFIX}"
        file = _open(path, os.O_CREAT | os.O_EXCL)
        if _lock(file, path):
            break
        file.close()  # somebody found it before we had it locked, and nothing in it
    _sync(folder)
    return Journal(path, file)


def claim(folder: Path) -> Journal | None:
    """The oldest file that nobody has, if there is one; one that cannot be opened is told of, and stays."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            file = _open(path)
        except FileNotFoundError:  # another process was faster
            continue
        except OSError as error:
            log.error("cannot open spooled deliveries", file=str(path), error=error.strerror)
            continue
        if _lock(file, path):
            return Journal(path, file)
        file.close()
    return None


def used_bytes(folder: Path) -> int:
    """How much all files take, of whatever process, those that were put aside too."""
    used = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            used += path.stat().st_size
    return used


def line(delivery: Delivery) -> bytes:
    """A record."""
    text = msgspec.json.encode(delivery)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _delivery(read: bytes) -> Delivery | None:
    """What a record holds; None where it is damaged."""
    checksum, _, text = read[:-1].partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(text, type=Delivery)
    return None


def _lock(file: BinaryIO, path: Path) -> bool:
    """Whether it is ours now, and still there: who had it may have been done with it since we opened it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _open(path: Path, flags: int = 0) -> BinaryIO:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600), "r+b")
    if os.fstat(file.fileno()).st_uid != os.geteuid():  # others might have written what was never verified
        file.close()
        raise PermissionError(errno.EPERM, "another user owns it", path)
    return file


def _sync(folder: Path) -> None:
    """Have the disk keep the names of files, too: https://man7.org/linux/man-pages/man2/fsync.2.html"""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
