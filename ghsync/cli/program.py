"""What all commands are made with."""

import sys
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperArgument, TyperOption

HELP: Mapping[str, Any] = {"help_option_names": ["-h", "--help"]}

PLAIN: Mapping[str, Any] = {"context_settings": {**HELP, "terminal_width": 110}, "rich_markup_mode": None}
"""How wide help is where no terminal says it: no first line of a command's help is cut."""

TYPES = {"int": "N", "int range": "N", "float": "N", "float range": "N", "str": "TEXT", "Path": "PATH"}
"""What help calls a value that has no name of its own, by what Typer calls it."""


def program(**attributes: Any) -> typer.Typer:
    """Commands whose help and errors are boxes on a terminal, and plain lines for whatever else reads them."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        **({"context_settings": HELP} if sys.stdout.isatty() else PLAIN),
        **attributes,
    )


def _of_option(option: TyperOption, ctx: Any) -> str | None:
    """The name of an option's value; a flag has none."""
    if option.is_flag:
        return None
    label = option.metavar or option.display_type(ctx=ctx)
    return TYPES.get(label.strip("<>"), label)


def _of_argument(argument: TyperArgument, ctx: Any) -> None:
    """An argument's name says what it is."""


def _in_usage(argument: TyperArgument) -> str:
    """An argument as manuals write it, in brackets where it may be left out."""
    name = argument.metavar or argument.name
    return f"{name if argument.required else f'[{name}]'}{'' if argument.nargs == 1 else '...'}"


# Typer tells Python's types, of flags too, and sets what is required in braces; it lets nobody choose.
for kind, name, says in (
    (TyperOption, "display_type_rich", _of_option),
    (TyperArgument, "display_type_rich", _of_argument),
    (TyperArgument, "_usage_display_name", _in_usage),
):
    if hasattr(kind, name):  # not in every version
        setattr(kind, name, says)
