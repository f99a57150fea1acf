"""What starts ghsync, wherever it runs, starts a command that there is; and it is given the time to end."""

import re
import shlex
import subprocess
import tomllib
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from ghsync import settings
from ghsync.__main__ import load
from ghsync.cli.serve import GRACEFUL_SECONDS
from ghsync.settings import Settings
from tests.packaging import confined, kubernetes
from tests.packaging.image import CHECKOUT, stages

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
UNIT = CHECKOUT / "deploy/systemd/ghsync.service"
END_SECONDS = GRACEFUL_SECONDS + Settings().lock_seconds


def commands() -> list[str]:
    """The command lines of the image, the unit and its comments, and the manifests."""
    (image,) = [step.words for step in stages((CHECKOUT / "Dockerfile").read_text())[-1] if step.name == "CMD"]
    unit = re.findall(r"^#?\s*ExecStart=/opt/ghsync/bin/ghsync (.+)$", UNIT.read_text(), re.MULTILINE)
    pods = [container["args"] for pod in kubernetes.pods() for container in pod["containers"]]
    return [shlex.join(words) for words in (image, *pods)] + unit


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_line_is_one_that_ghsync_takes(command: str) -> None:
    name, *words = shlex.split(command)
    assert load(name).make_context(name, words)


def test_all_kinds_of_command_lines_are_found() -> None:
    assert {"serve", "work", "migrate", "serve --no-migrate"} == set(commands())


def test_whoever_stops_it_waits_until_it_has_ended() -> None:
    (unit,) = confined.settings(UNIT)["TimeoutStopSec"]
    assert int(unit) > END_SECONDS
    assert int(COMPOSE["services"]["ghsync"]["stop_grace_period"].removesuffix("s")) > END_SECONDS
    (pod,) = [pod for pod in kubernetes.pods() if "terminationGracePeriodSeconds" in pod]
    waited = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > waited + END_SECONDS


def test_what_the_unit_reads_is_taken_by_a_shell_and_by_ghsync(monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"set -a; . {UNIT.with_suffix('.env')}; env"
    told = subprocess.run(["sh", "-ec", script], env={}, capture_output=True, text=True, check=True).stdout
    given = dict(line.split("=", 1) for line in told.splitlines() if line.startswith("GHSYNC_"))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    filled_in = {name.removeprefix("GHSYNC_").lower() for name, value in given.items() if value}
    assert filled_in == {"database_url", "trusted_proxies", "operations_port"}
    assert filled_in <= settings.load().model_fields_set


def test_compose_keeps_the_spool_and_nothing_else_is_written_to() -> None:
    service = COMPOSE["services"]["ghsync"]
    (volume, folder) = service["volumes"][0].split(":")
    assert volume in COMPOSE["volumes"]
    assert service["environment"]["GHSYNC_SPOOL_DIR"].startswith(f"{folder}/")
    assert (service["read_only"], service["tmpfs"], len(service["volumes"])) == (True, ["/tmp"], 1)  # noqa: S108


def test_the_image_s_user_has_the_folder_that_the_volume_begins_as() -> None:
    final = stages((CHECKOUT / "Dockerfile").read_text())[-1]
    (created,) = [step.text for step in final if step.name == "RUN"]
    (folder,) = [volume.split(":")[1] for volume in COMPOSE["services"]["ghsync"]["volumes"]]
    assert f"--home-dir {folder} --create-home" in created


def test_the_manifests_name_this_version() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    images = {container["image"] for pod in kubernetes.pods() for container in pod["containers"]}
    assert images == {f"ghsync:{version}"}
    (job,) = [each["metadata"]["name"] for each in kubernetes.manifests() if each["kind"] == "Job"]
    assert job == f"ghsync-migrate-{version.replace('.', '-')}"
