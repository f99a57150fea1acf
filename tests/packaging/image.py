"""A Dockerfile without Docker: reads one, and carries out its steps in a folder that stands for the image's root."""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PLAIN_USER = "nobody"
PYTHONS = (sys._base_executable, "/usr/bin/python3")  # type: ignore[attr-defined]

# What a machine needs to reach a package index is passed on; what belongs to this Python or this checkout is not.
OURS = re.compile(r"PYTHON|VIRTUAL_ENV|GHSYNC_|PATH$|HOME$|XDG_|PYTEST_")


@dataclass(frozen=True)
class Step:
    """One instruction."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The instruction's arguments; an exec form's are its JSON list."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


def stages(dockerfile: str) -> list[list[Step]]:
    """The steps of each stage, the first of which is its FROM."""
    without_comments = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    found: list[list[Step]] = []
    for line in without_comments.replace("\\\n", " ").splitlines():
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        if name:
            found[-1].append(Step(name, text.strip()))
    return found


def plain_python() -> str | None:
    """A Python that a plain user can run, as the one in the image is."""
    check = ["-I", "-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"]
    for python in PYTHONS:
        if (
            Path(python).exists()
            and subprocess.run(as_plain_user([python, *check]), capture_output=True).returncode == 0
        ):
            return python
    return None


def as_plain_user(command: list[str]) -> list[str]:
    """The command, run by somebody who may do little."""
    if os.geteuid() != 0:
        return command
    user = pwd.getpwnam(PLAIN_USER)
    # setpriv itself still has root's capabilities when it starts a program; the program that this one starts has none.
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "env", *command]


class Image:
    """A folder with a Python in it, where steps are carried out by a plain user."""

    def __init__(self, root: Path, python: str) -> None:
        self.root = root
        self.directory = root
        self.environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        # Whoever needs a compiler fails.
        self.environment |= {"CC": "/bin/false", "CXX": "/bin/false", "HOME": str(root / "home"), "PATH": os.defpath}
        if os.geteuid() == 0:
            shutil.chown(root, PLAIN_USER)
        self.run("mkdir home")
        self.run(f"{python} -I -m venv usr/local")
        self.environment["PATH"] = f"{root}/usr/local/bin:{os.defpath}"

    def path(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / path.lstrip("/") if path.startswith("/") else self.directory / path

    def here(self, text: str) -> str:
        """A command or value with its absolute paths turned into this machine's."""
        return re.sub(r"(?:(?<=[\s=])|^)/(?!dev/null)", f"{self.root}/", text)

    def carry_out(self, step: Step) -> None:
        """Do what a step of a Dockerfile says."""
        match step.name:
            case "WORKDIR":
                self.directory = self.path(step.text)
                self.run(f"mkdir -p {self.directory}", directory=self.root)
            case "COPY":
                self._copy(step.words)
            case "RUN":
                self.run(self.here(step.text))
            case "ENV":
                for assignment in step.words:
                    name, _, value = self.here(assignment).partition("=")
                    self.environment[name] = value.replace("$PATH", self.environment["PATH"])

    def _copy(self, words: list[str]) -> None:
        if words[0].startswith("--from="):
            assert words[1] == words[2], "both stages are one folder here"
            return
        *sources, target = words
        for source in sources:
            destination = self.path(target)
            if (CHECKOUT / source).is_dir():
                unwanted = shutil.ignore_patterns("__pycache__", ".mypy_cache")
                shutil.copytree(CHECKOUT / source, destination, ignore=unwanted)
            else:
                shutil.copy(CHECKOUT / source, destination)

    def command(self, words: list[str]) -> list[str]:
        """What to start on this machine to start something in the image."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return as_plain_user(["env", "-i", "-C", str(self.directory), *variables, *words])

    def run(self, script: str, *, directory: Path | None = None) -> str:
        """Run a shell script as the plain user; answers what it printed."""
        return self.start(["sh", "-ec", script], directory)

    def start(self, words: list[str], directory: Path | None = None) -> str:
        """Run a program as the plain user; answers what it printed."""
        self.directory, before = directory or self.directory, self.directory
        try:
            done = subprocess.run(
                self.command(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        finally:
            self.directory = before
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout
