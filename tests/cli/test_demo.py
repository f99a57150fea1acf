import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow


@contextmanager
def demonstrating(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process of its own, whose temporary files are in ``tmp_path``."""
    settings: Mapping[str, str] = {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1", "GHSYNC_DATABASE_URL": "not used"}
    with subprocess.Popen(
        [sys.executable, "-m", "ghsync", "demo", *options],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def left_behind(tmp_path: Path) -> list[str]:
    """Processes that still have to do with a folder."""
    return [process.name() for process in psutil.process_iter() if str(tmp_path) in " ".join(_command(process))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return []


def test_the_demo_sends_every_story_and_cleans_up(tmp_path: Path) -> None:
    with demonstrating(tmp_path) as demo:
        stdout, stderr = demo.communicate(timeout=120)

    assert (demo.returncode, stderr) == (0, "")
    assert re.search(r"All 2\d\d deliveries arrived\. From POST to visible rows: p50 .+, p99 .+\.", stdout)
    for table in ("github_issues", "github_pull_requests", "pr_tracking", "task_github_links", "change_events"):
        assert f"\n{table}" in stdout
    assert "closing keyword" in stdout
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_an_ended_demo_cleans_up_too(tmp_path: Path) -> None:
    with demonstrating(tmp_path, "--seconds", "600") as demo:
        assert demo.stdout is not None
        while "What changes from here on" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGTERM)
        stdout, stderr = demo.communicate(timeout=60)

    assert (demo.returncode, stdout.strip(), stderr) == (0, "Stopping.", "")
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_a_kept_demo_leaves_a_database_that_can_be_read(tmp_path: Path) -> None:
    with demonstrating(tmp_path, "--keep") as demo:
        stdout, _ = demo.communicate(timeout=120)

    (kept,) = tmp_path.iterdir()
    assert f"GHSYNC_DATA_DIR={kept} ghsync status" in stdout
    status = subprocess.run(
        [sys.executable, "-m", "ghsync", "status"],
        env={**os.environ, "GHSYNC_DATA_DIR": str(kept)},
        capture_output=True,
        text=True,
        check=True,
    )
    # One of the stories ends so; nothing else is in the way.
    first, blank = status.stdout.splitlines()[:2]
    assert (first.partition(" on ")[0], blank) == ("Stale: The App is suspended", "")


def test_a_port_in_use_is_told_as_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demonstrating(tmp_path, "--port", str(port)) as demo:
            stdout, stderr = demo.communicate(timeout=120)

    assert (demo.returncode, stdout) == (1, "")
    assert stderr == f"Port {port} cannot be used (Address already in use): choose another with --port.\n"
    assert list(tmp_path.iterdir()) == []
