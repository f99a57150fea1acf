"""What the processes of `tests.forked` begin with: the program with all of its commands."""

import gc
from importlib import import_module

from ghsync.__main__ import COMMANDS, main

__all__ = ["main"]

for command in COMMANDS.values():
    import_module(f"ghsync.cli.{command.module}")

gc.freeze()  # no child need look through all that, which would copy its pages
