"""An installed wheel migrates an empty database: `db/` travels in it."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.db import catalog

CHECKOUT = Path(__file__).parents[2]
MIGRATE = "import sys; from ghsync import migrate; migrate.upgrade(sys.argv[1]); print(migrate.scripts_directory())"


@pytest.mark.slow
def test_an_installed_wheel_migrates_an_empty_database(
    tmp_path: Path, empty_database_url: str, database_url: str
) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, CHECKOUT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ghsync-*.whl")

    venv.create(tmp_path / "venv")
    (site_packages,) = tmp_path.glob("venv/lib/python*/site-packages")
    # What ghsync depends on is borrowed; a .pth file in a borrowed directory, such as that of an editable ghsync, has
    # no effect.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    python = tmp_path / "venv/bin/python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)

    run = [python, "-I", "-c", MIGRATE, empty_database_url]
    migrated = subprocess.run(run, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert Path(migrated.stdout.strip()) == site_packages / "ghsync/_db"
    assert catalog.read(empty_database_url) == catalog.read(database_url)
