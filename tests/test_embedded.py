"""The embedded PostgreSQL starts anywhere it can, is shared, and says one sentence where it cannot."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ghsync import embedded
from ghsync.errors import NotConfigured

SHOW = "SELECT current_setting('fsync'), current_setting('listen_addresses'), current_setting('server_encoding')"
HOLD = """
import sys, pathlib
from ghsync import embedded
with embedded.running(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def asked(url: str, query: str) -> tuple | None:
    """The row that a query gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()


def running(data_dir: Path) -> bool:
    """Whether a server has its files there."""
    return (data_dir / "postgres/postmaster.pid").exists()


def holder(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


@pytest.mark.slow
def test_it_runs_while_it_is_used_and_keeps_its_data(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url:
        assert asked(url, SHOW) == ("on", "", "UTF8")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept ()")
    assert not running(tmp_path)
    with embedded.running(tmp_path) as url:
        assert asked(url, "SELECT count(*) FROM kept") == (0,)


@pytest.mark.slow
def test_a_server_that_pg_ctl_did_not_see_start_is_there_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = embedded._run

    def blind(program: str, directory: Path, *arguments: str) -> None:
        run(program, directory, *arguments)
        if arguments[0] == "start":  # as where the clock is set back while it looks on
            raise subprocess.CalledProcessError(1, program, "pg_ctl: server did not start in time")

    monkeypatch.setattr(embedded, "_run", blind)
    with embedded.running(tmp_path) as url:
        assert asked(url, "SELECT 1") == (1,)
    assert not running(tmp_path)


@pytest.mark.parametrize("name", ["with space, comma; semicolon & 100%", "x" * 120, "not/yet/there"])
def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    with embedded.running(tmp_path / name) as url:
        assert asked(url, "SELECT 1") == (1,)


def test_a_directory_of_its_own_for_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    with embedded.running(tmp_path / ("x" * 120)) as url:
        (directory,) = asked(url, "SHOW unix_socket_directories") or ()
        assert Path(directory).stat().st_mode & 0o777 == 0o700
    assert not Path(directory).exists()


def test_only_the_owner_can_reach_it(tmp_path: Path) -> None:
    with embedded.running(tmp_path):
        socket = tmp_path / "postgres" / embedded.SOCKET_NAME
        assert [oct(path.stat().st_mode & 0o777) for path in (socket, socket.parent)] == ["0o700", "0o700"]


def test_the_last_process_to_go_stops_it(tmp_path: Path) -> None:
    other = holder(tmp_path)
    with embedded.running(tmp_path) as url:
        other.communicate()
        assert asked(url, "SELECT 1") == (1,)
    assert not running(tmp_path)


def test_a_killed_process_is_not_waited_for(tmp_path: Path) -> None:
    other = holder(tmp_path)
    other.kill()
    other.communicate()
    assert running(tmp_path)
    with embedded.running(tmp_path) as url:
        assert asked(url, "SELECT 1") == (1,)
    assert not running(tmp_path)


@pytest.mark.slow
def test_a_process_number_that_another_program_has_by_now_is_no_server(tmp_path: Path) -> None:
    with embedded.running(tmp_path):
        lines = (tmp_path / "postgres/postmaster.pid").read_text().splitlines()
    (tmp_path / "postgres/postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with embedded.running(tmp_path) as url:
        assert asked(url, "SELECT 1") == (1,)


def test_a_directory_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotConfigured) as told, embedded.running(tmp_path / "file"):
        pass
    assert str(told.value) == (
        f"The embedded PostgreSQL cannot run in {tmp_path}/file/postgres (File exists: {tmp_path}/file): "
        "mend that, or set GHSYNC_DATABASE_URL to a PostgreSQL 15 or newer."
    )


def test_files_of_another_version_are_told_in_one_sentence(tmp_path: Path) -> None:
    with embedded.running(tmp_path):
        pass
    (tmp_path / "postgres/PG_VERSION").write_text("15\n")
    with (
        pytest.raises(
            NotConfigured,
            match=r"\(database files are incompatible with server\): mend that, or set GHSYNC_DATABASE_URL",
        ),
        embedded.running(tmp_path),
    ):
        pass


def test_it_is_told_why_its_files_cannot_be_made_and_not_what_was_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    initdb = programs / "initdb"
    initdb.write_text(
        "#!/bin/sh\necho creating files\n"
        "echo 'initdb: error: could not write file \"x\": No space left on device' >&2\n"
        "echo 'initdb: removing contents of data directory \"x\"' >&2\nexit 1\n"
    )
    initdb.chmod(0o755)
    monkeypatch.setattr(embedded, "binaries", lambda: programs)
    told = pytest.raises(NotConfigured, match=r'\(could not write file "x": No space left on device\): mend that')
    with told, embedded.running(tmp_path / "data"):
        pass


def test_a_machine_without_the_wheel_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package")
    with pytest.raises(NotConfigured, match="set GHSYNC_DATABASE_URL"), embedded.running(tmp_path):
        pass


def test_its_user_is_made_by_one_of_those_who_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.touch()
    useradd = tmp_path / "useradd"
    useradd.write_text(f'#!/bin/sh\nsleep 0.2\nfor name; do :; done\necho "$name" >> {users}\n')
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def known(name: str) -> str:
        if name not in users.read_text().splitlines():
            raise KeyError(name)
        return name

    monkeypatch.setattr(embedded.pwd, "getpwnam", known)
    with ThreadPoolExecutor() as pool:
        for made in [pool.submit(embedded._make_system_user) for _ in range(4)]:
            made.result()
    assert users.read_text().splitlines() == [embedded.SYSTEM_USER]


def test_its_programs_are_at_hand() -> None:
    version = subprocess.run([embedded.binaries() / "pg_dump", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("pg_dump (PostgreSQL)")
