"""What the demo says of how to look into it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ghsync.demo import tools
from ghsync.demo.stage import Stage

LONGEST = "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/ghsync-demo-abcd1234"  # as macOS has it


@pytest.mark.parametrize(("directory", "columns"), [("/var/ghsync-demo-abcd1234", 60), (LONGEST, 80)])
def test_no_line_of_it_wraps(directory: str, columns: int) -> None:
    stage: Any = SimpleNamespace(directory=Path(directory))
    assert max(len(line) for line in tools.full(stage, "until Ctrl-C").splitlines()) <= columns


@pytest.mark.parametrize("told", [tools.full, tools.short])
def test_a_directory_with_a_space_can_be_pasted(told: Callable[[Stage, str], str]) -> None:
    stage: Any = SimpleNamespace(directory=Path("/srv/a b"))
    assert "cd '/srv/a b'" in told(stage, "until Ctrl-C")


def test_only_the_demos_own_settings_are_written_and_they_go_with_it(tmp_path: Path) -> None:
    stage: Any = SimpleNamespace(
        directory=tmp_path, database_url="postgresql://it's", environment={"GHSYNC_APP_ID": "7", "HOME": "/root"}
    )
    with tools.laid_out(stage):
        written = (tmp_path / "ghsync").read_text()
        assert "export GHSYNC_APP_ID=7\n" in written
        assert "HOME" not in written
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o700}
    assert not list(tmp_path.iterdir())
