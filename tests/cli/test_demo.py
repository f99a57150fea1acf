"""`ghsync demo`: all of it in processes of its own, as people start it."""

import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from ghsync import embedded
from ghsync.cli.demo import REFRESH_SECONDS
from ghsync.demo.queries import QUERIES
from tests.cli.glass import Glass
from tests.service import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

SCENES = ("First reading", "A task", "A lost webhook", "A parked delivery", "Comparison")
LONGEST_SECONDS = 300  # for a machine that has much else to do
CTRL_C = b"\x03"
TIME = r"[\d.]+ (?:ms|s|min)(?: \d+ s)?"


@contextmanager
def demonstrating(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process of its own, whose temporary files are in ``folder``."""
    with subprocess.Popen(
        [sys.executable, "-m", "ghsync", "demo", *options],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def environment(folder: Path) -> Mapping[str, str]:
    """What the demo is started with."""
    settings = {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "", "GHSYNC_DATABASE_URL": "not used"}
    return {**os.environ, **settings, "PYTHONWARNINGS": "error"}


def read_to(process: subprocess.Popen[str], words: str) -> str:
    """What it prints, up to the line with these words."""
    assert process.stdout is not None
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, (said, process.communicate())
        said += line
    return said


def read_terminal(terminal: int, words: bytes | None = None) -> bytes:
    """What is written to a terminal up to these words, or until nobody can write to it any more."""
    said = b""
    while words is None or words not in said:
        try:
            said += os.read(terminal, 65_536)
        except OSError:  # Linux says so that the other side was closed
            assert words is None, said.decode()
            break
    return said


def read_frame(terminal: int) -> bytes:
    """The rest of what is drawn now, after which there is a pause."""
    said = b""
    while select.select([terminal], [], [], REFRESH_SECONDS / 2)[0]:
        said += os.read(terminal, 65_536)
    return said


def run(program: Path, *words: str) -> str:
    """What a program prints that the demo has put there."""
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


def shown(said: bytes) -> str:
    """What can be read of what was written to a terminal."""
    glass = Glass(80, 24)
    glass.write(said.decode(errors="replace"))
    return "\n".join(line.rstrip() for line in glass.everything.splitlines())


def left_behind(folder: Path) -> list[str]:
    """Files, and processes that still have to do with them."""
    there = [process.name() for process in psutil.process_iter() if str(folder) in " ".join(_command(process))]
    return there + [path.name for path in folder.iterdir()]


def _command(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return []


def scene(said: str, title: str) -> str:
    """What was said of a scene that has ended."""
    found = re.search(rf"^{title} +{TIME}  (.+)$", said, re.MULTILINE)
    assert found, said
    return found[1]


@dataclass(frozen=True)
class Told:
    """A demo that went well, was asked to end while it stayed up and again while it cleaned up, and kept its files."""

    status: int
    said: str
    complained: str
    folder: Path
    asked: str
    status_told: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("kept")
    with demonstrating(folder, "--keep", "--seconds", "600") as demo:
        said = read_to(demo, "./ghsync status")
        (stage,) = folder.iterdir()
        asked, status = (run(stage / words[0], *words[1:]) for words in (["questions"], ["ghsync", "status"]))
        demo.send_signal(signal.SIGTERM)
        said += read_to(demo, "rows   ")
        demo.send_signal(signal.SIGINT)  # it is past its end, and only cleans up
        rest, complained = demo.communicate(timeout=LONGEST_SECONDS)
    return Told(demo.returncode, said + rest, complained, folder, asked, status)


def test_every_scene_is_told_when_it_has_ended(told: Told) -> None:
    assert (told.status, told.complained) == (0, "")
    assert re.findall(rf"^({'|'.join(SCENES)})  ", told.said, re.MULTILINE) == list(SCENES)
    read = r"60 issues and pull requests of 5 repositories read through the API, with \d\d requests\."
    assert re.fullmatch(read, scene(told.said, "First reading"))
    named = r"Pull request amber-tools#\d+ names the task"
    linked = rf"{named}: linked after {TIME}, completed {TIME} after it was merged\."
    assert re.fullmatch(linked, scene(told.said, "A task"))
    healed = rf"amber-tools#\d+ was closed untold: `ghsync heal` brought it in within {TIME}\."
    assert re.fullmatch(healed, scene(told.said, "A lost webhook"))
    refused = r"One delivery was refused by an index that we added; (\d+) others went on"
    replayed = rf"{refused}; replayed when the index was gone: {TIME}\."
    found = re.fullmatch(replayed, scene(told.said, "A parked delivery"))
    assert found
    assert int(found[1]) >= 5
    compared = re.fullmatch(
        r"Every row equals what the simulated GitHub shows: (\d+) issues and pull requests compared\.",
        scene(told.said, "Comparison"),
    )
    assert compared
    assert int(compared[1]) > 60


def test_nothing_is_at_work_when_it_has_ended_whoever_was_impatient(told: Told) -> None:
    (kept,) = told.folder.iterdir()
    assert left_behind(told.folder) == [kept.name]


def test_the_figures_come_last(told: Told) -> None:
    assert told.said.startswith("Starting PostgreSQL, a simulated GitHub and ghsync serve.\n")
    assert "Stopping.\n" in told.said
    figures = told.said.partition("Stopping.\n")[2]
    delay = rf"^delay  p50 {TIME}, slowest {TIME} from sending to visible rows, of (\d+) deliver.+; 2 more healed or"
    arrived = re.search(delay, figures, re.MULTILINE)
    rows = r"^rows   5 repositories, \d+ issues, \d+ pull requests, 1 task link, (\d+) deliveries$"
    counted = re.search(rows, figures, re.MULTILINE)
    assert arrived
    assert counted
    assert int(arrived[1]) + 2 == pytest.approx(int(counted[1]), abs=1)  # one may be arriving
    assert re.search(r"^Fresh and true: all that GitHub has sent is visible; compared at .+Z\.$", figures, re.MULTILINE)


def test_in_another_terminal_one_may_ask_for_the_same(told: Told) -> None:
    (kept,) = told.folder.iterdir()
    assert f"\n  cd {kept}\n  ./questions " in told.said
    assert [line for line in told.asked.splitlines() if line.endswith("?")] == [query.question for query in QUERIES]
    assert re.search(r"Speed up the parser +\| completed +\| pull_request", told.asked)
    assert told.status_told.startswith("Fresh")


def test_its_last_words_are_what_to_do_next(told: Told) -> None:
    following = told.said.rpartition("Everything is stopped. What to do next:\n")[2]
    assert '"Run it" in README.md' in following
    assert re.search(r"\S simulate\n\Z", following)


def test_queries_are_shown_with_their_answers(told: Told) -> None:
    assert re.search(r"^What do open pull requests wait for\?\nSELECT .+;\n.+\namber-works/", told.said, re.MULTILINE)
    assert re.search(r"^Speed up the parser  completed +pull_request +\d+ +Task-ID: ", told.said, re.MULTILINE)


def test_what_is_kept_tells_what_was_done_and_nothing_alarming(told: Told) -> None:
    (kept,) = told.folder.iterdir()
    (program,) = re.findall(rf"GHSYNC_DATA_DIR={kept} (\S+) status", told.said)
    assert subprocess.run(["sh", "-c", f"{program} --version"], capture_output=True, check=True).stdout
    assert (kept / "serve.log").read_text().count("status=parked") == 1
    status = subprocess.run(
        [sys.executable, "-m", "ghsync", "status"],
        env={**os.environ, "GHSYNC_DATA_DIR": str(kept)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout.startswith("Fresh")
    with embedded.running(kept) as url, psycopg.connect(url) as connection:
        sources: dict[str, int] = dict(
            connection.execute(
                "SELECT sync_source, count(*) FROM webhook_deliveries WHERE status = 'processed' GROUP BY 1"
            ).fetchall()
        )
        assert (sources["reconcile"], sources["replay"]) == (1, 1)
        acts = [act for (act,) in connection.execute("SELECT action FROM audit_logs ORDER BY created_at")]
        assert acts == ["task.created", "task.moved", "task.moved", "delivery.heal_started", "delivery.replayed"]
        assert connection.execute("SELECT to_regclass('demo_days')").fetchone() == (None,)


def test_a_row_that_is_wrong_is_told_and_fails(tmp_path: Path) -> None:
    with demonstrating(tmp_path) as demo:
        read_to(demo, "A lost webhook")
        (status,) = tmp_path.glob("ghsync-demo-*/postgres/postmaster.pid")
        sockets = status.read_text().splitlines()[4]
        with psycopg.connect(host=sockets, user="postgres", dbname="postgres") as connection:
            connection.execute(
                "UPDATE github_issues SET title = 'Nobody wrote this' WHERE title LIKE 'The export stops%'"
            )
        _, complained = demo.communicate(timeout=LONGEST_SECONDS)

    assert demo.returncode == 1
    assert re.fullmatch(r"The mirror is not as the simulated GitHub is: .+ in github_issues \(title\).+\n", complained)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("moment", ["starting", "playing"])
def test_a_demo_that_is_ended_in_the_middle_leaves_nothing(tmp_path: Path, moment: str) -> None:
    with demonstrating(tmp_path) as demo:
        if moment == "playing":
            read_to(demo, "mirrors a simulated GitHub")
        while not list(tmp_path.iterdir()):
            assert demo.poll() is None
        demo.send_signal(signal.SIGTERM)
        demo.send_signal(signal.SIGINT)  # whoever is impatient disturbs nothing
        said, complained = demo.communicate(timeout=LONGEST_SECONDS)

    assert (demo.returncode, complained) == (130, "Stopped before its end.\n")
    assert said.count("Stopping.\n") == 1
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [((), "mirrors a simulated GitHub"), (("--seconds", str(LONGEST_SECONDS)), "In another terminal")],
    ids=["in the middle", "while it stays up"],
)
def test_a_server_that_is_killed_ends_the_demo_which_says_so(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    with demonstrating(tmp_path, *options) as demo:
        read_to(demo, words)
        (server,) = [child for child in psutil.Process(demo.pid).children() if "serve" in child.cmdline()]
        server.kill()
        _, complained = demo.communicate(timeout=LONGEST_SECONDS)

    assert demo.returncode == 1
    assert complained.startswith("`ghsync serve` ended in the middle (exit code -9): ")
    assert complained.count("\n") == 1
    assert left_behind(tmp_path) == []


def test_on_a_terminal_it_is_a_screen_that_lives_until_ctrl_c(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "ghsync", "demo"]
    with subprocess.Popen(
        command,
        env={**environment(tmp_path), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as demo:
        os.close(theirs)
        said = read_terminal(ours, b"In another terminal") + read_frame(ours)
        frame = said.rpartition(b"\x1b[H")[2]
        os.write(ours, CTRL_C)
        said += read_terminal(ours)
        os.close(ours)
        assert demo.wait(PATIENCE_SECONDS) == 0, said.decode()

    lived, left = shown(frame), shown(said.rpartition(b"\x1b[?1049l")[2])
    for title in SCENES:
        assert re.search(rf"^{title} +{TIME}  \S", lived, re.MULTILINE)
        assert re.search(rf"^{title} +{TIME}  \S", left, re.MULTILINE)
    assert "ghsync demo  " in lived
    assert "ghsync demo  " not in left
    assert "delay  p50 " in left
    assert "Stopping.\n\nEverything is stopped and removed. What to do next:\n" in left
    assert left_behind(tmp_path) == []


def test_a_port_in_use_is_told_as_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demonstrating(tmp_path, "--port", str(port)) as demo:
            stdout, stderr = demo.communicate(timeout=LONGEST_SECONDS)

    assert (demo.returncode, stdout) == (1, "Starting PostgreSQL, a simulated GitHub and ghsync serve.\n")
    assert stderr == f"Port {port} cannot be used (Address already in use): choose another with --port.\n"
    assert left_behind(tmp_path) == []
