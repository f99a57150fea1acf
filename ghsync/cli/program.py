"""What all commands are made with."""

import sys
from collections.abc import Mapping
from typing import Any

import typer

HELP: Mapping[str, Any] = {"help_option_names": ["-h", "--help"]}

PLAIN: Mapping[str, Any] = {"context_settings": {**HELP, "terminal_width": 110}, "rich_markup_mode": None}
"""How wide help is where no terminal says it: no first line of a command's help is cut."""


def program(**attributes: Any) -> typer.Typer:
    """Commands whose help and errors are boxes on a terminal, and plain lines for whatever else reads them."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        **({"context_settings": HELP} if sys.stdout.isatty() else PLAIN),
        **attributes,
    )
