"""`make migration` writes what was declared, in our format."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ghsync import migrate

CHECKOUT = Path(__file__).parents[2]
DECLARED = """
sa.Table("orbits", metadata, uuid_key(), sa.Column("name", sa.Text, comment="Name"), comment="Orbits")
"""


@pytest.mark.slow
def test_a_declared_table_becomes_the_next_migration(tmp_path: Path) -> None:
    for folder in ("ghsync", "db"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    with (tmp_path / "ghsync/mirror/label.py").open("a") as module:
        module.write(DECLARED)
    with (tmp_path / "db/sql/active_tasks.sql").open("a") as defined:
        defined.write("COMMENT ON TABLE orbits IS 'Which is not there yet';")

    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, tmp_path / "db/revision.py", "orbits of satellites"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)

    newest = max(path.name for path in (migrate.scripts_directory() / "versions").glob("*.py"))
    number = int(newest[:4]) + 1
    written = tmp_path / f"db/versions/{number:04}_orbits_of_satellites.py"
    text = written.read_text()
    assert text.startswith('"""Orbits of satellites."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n')
    assert text.count("op.create_table(") == text.count('op.drop_table("orbits")') == 1
    assert "Alembic commands" not in text
    for check in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *check, written], cwd=tmp_path, check=True, capture_output=True)
