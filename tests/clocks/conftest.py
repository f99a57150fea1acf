"""A simulated GitHub, and the commands that read it."""

from tests.cli.conftest import environment, hub, open_hub

__all__ = ["environment", "hub", "open_hub"]
