"""Writes the next migration, after a table was declared or changed: ``python db/revision.py "what changes"``.

It is what Alembic finds to differ between the declared tables and an empty database that every migration has been
through. `[tool.alembic]` in `pyproject.toml` says how the file is named and formatted.
"""

import sys
import tempfile
import warnings
from pathlib import Path

from alembic import command
from alembic.config import Config

from ghsync import embedded

SETTINGS = Path(__file__).parents[1] / "pyproject.toml"


def write(what_changes: str) -> None:
    """Write the migration into ``db/versions/``."""
    # PostgreSQL words the expressions of generated columns anew, so Alembic cannot tell whether they are the same.
    # `tests/db/test_migrations.py` can.
    warnings.filterwarnings("ignore", message="Computed default on")
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder)) as url:
        # What is defined over the tables may speak of the new ones already.
        config = Config(toml_file=SETTINGS, attributes={"url": url, "tables_only": True})
        command.upgrade(config, "head")
        command.revision(config, what_changes, autogenerate=True)


if __name__ == "__main__":
    if not "".join(sys.argv[1:]).strip():
        sys.exit('Say what changes: make migration NAME="releases".')
    said = " ".join(sys.argv[1:]).strip()
    write(said[0].upper() + said[1:])
