"""Commands of ghsync in processes that begin with everything imported: a new interpreter takes seconds for that.

Each is a process as any other: with its own environment and streams, ended by signals, answering an exit code.
"""

import asyncio
import atexit
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.process import BaseProcess
from typing import Any

MAIN = "tests.forked_main"
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


@dataclass(frozen=True)
class Descriptor:
    """A file descriptor on its way to a child."""

    number: int

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return _detached, (reduction.DupFd(self.number),)  # type: ignore[no-untyped-call]


def _detached(sent: Any) -> int:
    number: int = sent.detach()
    return number


class Forked:
    """A command under way."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs; where a signal ended it, that signal's number below zero."""
        return self._process.exitcode

    def send_signal(self, which: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self._process.is_alive():
            os.kill(self.pid, which)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        return self.join()

    def join(self, timeout: float | None = None) -> int:
        """The same, where nothing else is to be done meanwhile; `AssertionError` when it takes longer."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "It has not ended."
        return self._process.exitcode


def start(arguments: Sequence[str], environment: Mapping[str, str], *, stdout: int, stderr: int) -> Forked:
    """Start a command with file descriptors for what it says."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([MAIN])
    process = context.Process(
        target=_main, args=(list(arguments), dict(environment), Descriptor(stdout), Descriptor(stderr)), daemon=True
    )
    process.start()
    return Forked(process)


def _main(arguments: list[str], environment: dict[str, str], stdout: int, stderr: int) -> None:
    from tests import forked_main

    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, given in enumerate((nothing, stdout, stderr)):
        os.dup2(given, number)
        os.close(given)
    for number, (name, mode) in enumerate(STREAMS):
        setattr(sys, name, os.fdopen(number, mode, closefd=False))
    os.environ.clear()
    os.environ.update(environment)
    if environment.get("PYTHONWARNINGS"):
        warnings.simplefilter(environment["PYTHONWARNINGS"])  # type: ignore[arg-type]
    sys.argv = ["ghsync", *arguments]
    # It is ended with the tests, if nobody has ended it before; and may have children all the same.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    try:
        forked_main.main()
    finally:
        atexit._run_exitfuncs()
