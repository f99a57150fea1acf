"""A PostgreSQL of its own, to be stopped and started while it is used."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from ghsync import embedded

# What `pg_ctl stop --mode` sends: https://www.postgresql.org/docs/current/server-shutdown.html
FAST = signal.SIGINT  # every session is ended
IMMEDIATE = signal.SIGQUIT  # a crash
STOP_SECONDS = 30


@dataclass
class Server:
    """A server whose files are in ``data_dir/postgres``."""

    data_dir: Path
    url: str
    _stack: ExitStack

    def stop(self, how: signal.Signals) -> None:
        """Stop it, and return when it is gone; `FAST` and `IMMEDIATE` say how."""
        pid, *_ = (self.data_dir / "postgres/postmaster.pid").read_text().splitlines()
        postmaster = psutil.Process(int(pid))
        postmaster.send_signal(how)
        postmaster.wait(STOP_SECONDS)

    def start(self) -> None:
        """Start it again, at the same address."""
        assert self._stack.enter_context(embedded.running(self.data_dir)) == self.url


@contextmanager
def running() -> Iterator[Server]:
    """A server as ghsync starts it: it loses nothing in a crash."""
    with tempfile.TemporaryDirectory(prefix="ghsync-chaos-") as directory, ExitStack() as stack:
        data_dir = Path(directory)
        yield Server(data_dir, stack.enter_context(embedded.running(data_dir)), stack)
