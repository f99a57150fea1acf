"""Programs to look into the demo with, in its temporary directory, where their names are short."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ghsync import embedded
from ghsync.cli import terminal
from ghsync.demo.queries import QUERIES
from ghsync.demo.stage import Stage
from ghsync.settings import PREFIX

QUESTIONS, PSQL, GHSYNC = "questions", "psql", "ghsync"


@contextmanager
def laid_out(stage: Stage) -> Iterator[None]:
    """Have them there as long as what they look at."""
    paths = [stage.directory / name for name in (QUESTIONS, PSQL, GHSYNC)]
    try:
        for path, text in zip(paths, (_questions(stage), _psql(stage), _ghsync(stage)), strict=True):
            path.touch(mode=0o700)
            path.write_text(f"#!/bin/sh\n{text}\n")
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def full(stage: Stage, how_long: str) -> str:
    """How to look into it, a line for each program."""
    return (
        f"All of it keeps running {how_long}. In another terminal:\n"
        f"  cd {shlex.quote(str(stage.directory))}\n"
        f"  ./{QUESTIONS}      # {len(QUERIES)} questions in SQL, and the answers\n"
        f"  ./{PSQL}           # your own SQL\n"
        f"  ./{GHSYNC} status  # or any other command"
    )


def short(stage: Stage, how_long: str) -> str:
    """The same in two lines."""
    return (
        f"All of it keeps running {how_long}. In another terminal:\n"
        f"  cd {shlex.quote(str(stage.directory))}; ./{QUESTIONS}; ./{GHSYNC} status"
    )


def _ghsync(stage: Stage) -> str:
    settings = (f"export {name}={shlex.quote(value)}\n" for name, value in stage.environment.items() if _is_ours(name))
    return f"export NO_PROXY='*' no_proxy='*'\n{''.join(settings)}exec {terminal.called()} \"$@\""


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)


def _psql(stage: Stage) -> str:
    """The machine's own, or the one that came with the embedded server."""
    program = shutil.which(PSQL) or str(embedded.binaries() / PSQL)
    return f'exec {shlex.quote(program)} {shlex.quote(stage.database_url)} "$@"'


def _questions(stage: Stage) -> str:
    told = "".join(f"\\echo {_quoted(query.question)}\n{query.sql};\n" for query in QUERIES)
    psql = shlex.quote(str(stage.directory / PSQL))
    return f"exec {psql} --quiet --no-psqlrc --echo-queries --pset=pager=off --pset=expanded=auto <<'END'\n{told}END"


def _quoted(text: str) -> str:
    """Text as psql's own commands take it."""
    return "'" + text.replace("'", "''") + "'"
