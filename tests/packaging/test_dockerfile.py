"""The Dockerfile makes a small image that works: its steps are carried out here, without Docker, by a plain user."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import psutil  # type: ignore[import-untyped]
import pytest
from packaging.utils import canonicalize_name

from release import dependencies
from tests.packaging.image import CHECKOUT, Image, Step, plain_python, stages
from tests.service import free_port

BUILD, FINAL = stages((CHECKOUT / "Dockerfile").read_text())
IGNORED = (CHECKOUT / ".dockerignore").read_text().split()
START_SECONDS = 60


def named(name: str, steps: list[Step]) -> list[Step]:
    """The steps of one kind."""
    return [step for step in steps if step.name == name]


def the(name: str, steps: list[Step]) -> Step:
    """The only step of a kind."""
    (step,) = named(name, steps)
    return step


def test_every_dependency_is_installed_as_a_pinned_binary() -> None:
    commands = [command for step in named("RUN", BUILD) for command in step.text.split("&&")]
    installs = [command for command in commands if re.search(r"\bpip\b.* install\b", command)]
    assert len(installs) == 2
    assert all("--only-binary :all:" in install and "--constraint constraints.txt" in install for install in installs)


def test_neither_stage_installs_a_system_package() -> None:
    assert not [
        step for step in named("RUN", BUILD + FINAL) if re.search(r"\b(apt|apt-get|apk|curl|wget)\b", step.text)
    ]


def test_the_final_stage_takes_nothing_but_what_was_installed() -> None:
    assert [step.text for step in named("COPY", FINAL)] == ["--from=build /opt/ghsync /opt/ghsync"]


def test_the_image_runs_as_a_plain_user_with_a_fixed_number() -> None:
    user, group = the("USER", FINAL).text.split(":")
    created = the("RUN", FINAL).text
    assert int(user) > 0
    assert f"groupadd --gid {group} " in created
    assert f"useradd --uid {user} --gid {group} " in created


def test_what_the_build_copies_is_let_through() -> None:
    sources = {source for step in named("COPY", BUILD) for source in step.words[:-1]}
    assert "*" in IGNORED
    assert {f"!{source}" for source in sources} <= set(IGNORED)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """What the Dockerfile makes; of the build stage nothing is left but what was copied out of it."""
    python = plain_python()
    if python is None:
        pytest.skip("no Python 3.11 here that a plain user can run")
    root = Path(tempfile.mkdtemp(prefix="ghsync-image-"))
    try:
        image = Image(root, python)
        for step in BUILD:
            image.carry_out(step)
        (root / "wheels").rename(root / "kept")
        shutil.rmtree(root / "src")
        for step in FINAL:
            if step.name != "RUN":  # the user is there already
                image.carry_out(step)
        image.environment |= {"GHSYNC_HOST": "127.0.0.1", "GHSYNC_PORT": str(free_port())}
        yield image
    finally:
        stop_database(root)
        shutil.rmtree(root)


def stop_database(root: Path) -> None:
    """Stop the embedded PostgreSQL of an image whose `ghsync` was killed."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        pid = int((root / "var/lib/ghsync/postgres/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        psutil.wait_procs([psutil.Process(pid)], timeout=START_SECONDS)


@pytest.fixture(scope="module")
def wheel(image: Image) -> set[str]:
    """The names of the files in the wheel."""
    (path,) = image.root.glob("kept/ghsync-*.whl")
    with ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_every_dependency_is_there_for_arm64_too(tmp_path: Path) -> None:
    wanted = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    platforms = [f"--platform=manylinux{libc}_aarch64" for libc in ("_2_28", "_2_17", "2014")]
    looked = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary", ":all:",
            f"--target={tmp_path}", "--python-version=3.11", *platforms, "--constraint", "constraints.txt", *wanted,
        ],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert looked.returncode == 0, looked.stderr


@pytest.mark.slow
def test_the_entry_point_tells_what_it_can_do(image: Image) -> None:
    assert "migrate" in image.start([*the("ENTRYPOINT", FINAL).words, "--help"])


@pytest.mark.slow
def test_an_empty_database_is_migrated_from_the_image_alone(image: Image) -> None:
    image.start(["ghsync", "migrate"])
    image.start(["ghsync", "migrate", "--check"])


@pytest.mark.slow
@pytest.mark.parametrize("command", [the("CMD", FINAL).words, ["work"]], ids=" ".join)
def test_a_command_works_passes_the_health_check_and_stops(
    image: Image, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == ["work"]:
        monkeypatch.setitem(image.environment, "GHSYNC_OPERATIONS_PORT", str(free_port()))
    check = Step("CMD", the("HEALTHCHECK", FINAL).text.partition("CMD ")[2]).words
    with serving(image, [*the("ENTRYPOINT", FINAL).words, *command]) as process:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if subprocess.run(image.command(check), capture_output=True, check=False).returncode == 0:
                break
        image.start(check)
    assert process.returncode == 0
    assert not image.path("/var/lib/ghsync/postgres/postmaster.pid").exists()


@contextlib.contextmanager
def serving(image: Image, words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the image, for as long as the block lasts."""
    image.environment["GHSYNC_WEBHOOK_SECRETS"] = "made up"
    process = subprocess.Popen(image.command(words), stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=START_SECONDS)


@pytest.mark.slow
def test_migrations_travel_in_the_wheel_and_fixtures_do_not(wheel: set[str]) -> None:
    migrations = {f"ghsync/_db/versions/{path.name}" for path in CHECKOUT.glob("db/versions/*.py")}
    statements = {f"ghsync/_db/sql/{path.name}" for path in CHECKOUT.glob("db/sql/*.sql")}
    assert migrations
    assert migrations | statements | {"ghsync/_db/env.py"} <= wheel
    assert not [name for name in wheel if name.endswith(".json")]


@pytest.mark.slow
def test_the_wheel_holds_no_tests_and_no_caches(wheel: set[str]) -> None:
    assert not [name for name in wheel if "__pycache__" in name or "_cache/" in name or name.startswith("tests/")]


@pytest.mark.slow
def test_what_is_listed_as_needed_is_what_is_in_the_image(image: Image) -> None:
    (installed,) = image.root.glob("opt/ghsync/lib/python3.*/site-packages")
    there = {canonicalize_name(each.name) for each in metadata.distributions(path=[str(installed)])}
    needed = dependencies.of(dependencies.requirements())
    assert there == {"ghsync", *(each.name for each in needed)}


@pytest.mark.slow
def test_neither_pip_nor_build_tools_are_in_the_image(image: Image) -> None:
    (installed,) = image.root.glob("opt/ghsync/lib/python3.*/site-packages")
    assert not [name for name in ("pip", "setuptools", "hatchling", "pytest", "mypy") if (installed / name).exists()]
