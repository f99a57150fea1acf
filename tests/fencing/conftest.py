"""The command line, for what operators are told."""

from tests.cli.conftest import environment, ghsync

__all__ = ["environment", "ghsync"]
