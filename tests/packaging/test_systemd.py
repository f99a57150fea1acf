"""The unit for systemd is one that systemd takes, confines much, and lets ghsync do its work."""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import service, traffic
from tests.packaging import confined
from tests.packaging.image import CHECKOUT
from tests.relay import as_url, relay

FOLDER = CHECKOUT / "deploy/systemd"
UNIT = FOLDER / "ghsync.service"

EXPOSURE = 11
"""Of 100, as `systemd-analyze security` counts: the network, and that no folder of its own is its root, are left."""

FORBIDDEN = {
    "open('/etc/ghsync-was-here', 'w')": "OSError: [Errno 30] Read-only file system",
    "open(os.environ['TMPDIR'] + '/../ghsync-was-here', 'w')": "OSError: [Errno 30] Read-only file system",
    "os.setuid(0)": "PermissionError: [Errno 1] Operation not permitted",
    "os.chroot('/')": "PermissionError: [Errno 1] Operation not permitted",
    "open('/proc/meminfo')": "FileNotFoundError: [Errno 2] No such file or directory",
    "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)": "OSError: [Errno 97] Address family not supported by protocol",
    "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)": "PermissionError: [Errno 1] Operation not permitted",
}

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
needs_mounts = pytest.mark.skipif(not confined.possible(), reason="this machine lets no program have mounts of its own")


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    """What systemd says of something."""
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder that the program may write to, beside one for what is temporary; others come past them."""
    with tempfile.TemporaryDirectory(prefix="ghsync-unit-") as folder:
        Path(folder).chmod(0o755)
        for name in ("state", "temporary"):
            (Path(folder) / name).mkdir(mode=0o700)
            shutil.chown(Path(folder) / name, 65534, 65534)
        yield Path(folder) / "state"


@needs_systemd
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/ghsync/bin/ghsync", "/bin/true"))
    told = analyze("verify", "--man=no", unit)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@needs_systemd
def test_the_unit_is_exposed_to_no_more_than_it_was() -> None:
    told = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", UNIT)
    assert told.returncode == 0, told.stdout
    assert f"counts {EXPOSURE / 10} of 10" in (CHECKOUT / "README.md").read_text()


def test_of_several_processes_the_first_one_is_told_to_stop() -> None:
    assert confined.settings(UNIT)["KillMode"] == ["mixed"]


@needs_systemd
@needs_mounts
@pytest.mark.parametrize(("attempt", "answer"), FORBIDDEN.items())
def test_what_is_tried_in_the_unit_s_confinement_fails(state: Path, attempt: str, answer: str) -> None:
    words = confined.command(UNIT, state, state.parent / "temporary")
    script = f"import mmap, os, socket; {attempt}"
    tried = subprocess.run([*words, sys.executable, "-c", script], capture_output=True, text=True, cwd=CHECKOUT)
    assert tried.stderr.splitlines()[-1].startswith(answer)


@needs_systemd
@needs_mounts
@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("options", ["", "--workers 2"])
async def test_confined_as_the_unit_says_it_serves_projects_spools_and_stops(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, state: Path, options: str
) -> None:
    first, second = traffic.busy(100).deliveries[:2]
    (_, *command) = shlex.split(confined.settings(UNIT)["ExecStart"][0])
    async with relay(database_url) as door:
        given = {"operations_port": service.free_port(), "data_dir": state, "spool_dir": state / "spool"}
        before = confined.command(UNIT, state, state.parent / "temporary")
        async with service.serving(
            as_url(door), tmp_path / "log", command=shlex.join([*command, *options.split()]), before=before, **given
        ) as receiver:
            assert (await service.post(receiver.client, first)).status_code == 202
            await service.drained(connection)
            assert "ghsync_deliveries_projected_total" in (await receiver.operations.get("/metrics")).text
            await door.shut()
            assert (await service.post(receiver.client, second)).json()["status"] == "spooled"
            await door.open()
            assert await receiver.terminate() == 0


@needs_systemd
@needs_mounts
@pytest.mark.anyio
async def test_without_a_spool_it_serves_where_it_may_write_to_nothing_but_tmp(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, state: Path
) -> None:
    delivery = traffic.busy(1).deliveries[0]
    before = confined.command(UNIT, state, state.parent / "temporary")
    async with (
        relay(database_url) as door,
        service.serving(
            as_url(door), tmp_path / "log", command="serve --no-migrate", before=before, data_dir="/nowhere"
        ) as receiver,
    ):
        assert (await service.post(receiver.client, delivery)).status_code == 202
        await service.drained(connection)
        assert await receiver.terminate() == 0
