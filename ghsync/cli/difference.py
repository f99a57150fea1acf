"""What a dry run tells: which rows are not as GitHub has them, field by field."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any

import msgspec

from ghsync.cli import terminal
from ghsync.reports.differences import Difference

SHOWN = 50
LONGEST = 60
BEFORE = 30
"""So much of what is alike is shown before a difference in a long value."""


def show(differences: Sequence[Difference]) -> None:
    """The differences for people."""
    if not differences:
        terminal.console.print("The mirror is as GitHub is.", style="green")
        return
    shown = terminal.table("Row", "field", "mirrored", "on GitHub")
    repository = None
    for one in differences[:SHOWN]:
        if one["repository"] != repository:
            repository = one["repository"]
            shown.add_row(f"[bold]{terminal.cell(repository)}[/]")
        row = one["table"] if one["number"] is None else f"{one['table']} #{one['number']}"
        for field, mirrored, actual in _fields(one):
            shown.add_row(terminal.cell(row), field, mirrored, actual)
            row = ""
    terminal.console.print(shown)
    if len(differences) > SHOWN:
        terminal.console.print(f"and {len(differences) - SHOWN:,} more: --json prints all of them.")


def _fields(one: Difference) -> list[tuple[str, str, str]]:
    """Each field that differs; a row that is there on one side only is one line."""
    if one["operation"] == "insert":
        called = (one["actual"].get(name) for name in ("title", "full_name", "name", "account_login"))
        return [("", "is missing", _brief(next(filter(None, called), "is there")))]
    if one["operation"] == "delete":
        return [("", "is there", "is gone")]
    return [(field, *_both(one["mirrored"].get(field), actual)) for field, actual in one["actual"].items()]


def _both(mirrored: Any, actual: Any) -> tuple[str, str]:
    """Both values, those that are long from shortly before they differ."""
    pairs = zip(_text(mirrored), _text(actual), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return _brief(mirrored, alike), _brief(actual, alike)


def _brief(value: Any, alike: int = 0) -> str:
    text = _text(value)
    with suppress(ValueError):
        return terminal.moment(datetime.fromisoformat(text))
    if len(text) <= LONGEST:
        return terminal.cell(text)
    start = max(alike - BEFORE, 0)
    before, after = "..." if start else "", "..." if start + LONGEST < len(text) else ""
    return terminal.cell(f"{before}{text[start + len(before) : start + LONGEST - len(after)]}{after}")


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
