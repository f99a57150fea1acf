"""A release is one command: what it makes agrees with itself, can be made again byte by byte, and is one commit."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from email.parser import Parser
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.image import CHECKOUT

VERSION = "7.8.9"
SOMEBODY = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
NOBODY_S = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def run(folder: Path, *words: str, umask: int = 0o022, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command there, by somebody without a configuration of git's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHONPATH"))}
    return subprocess.run(
        words, cwd=folder, env=environment | SOMEBODY | NOBODY_S | variables, umask=umask,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def git(folder: Path, *words: str) -> str:
    """What git answers there."""
    done = run(folder, "git", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def release(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `make release` does when all is checked and tested."""
    return run(folder, sys.executable, "-m", "release", *words)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of what this one holds now, committed or not."""
    folder = tmp_path_factory.mktemp("origin")
    files = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for file in (file for file in files if (CHECKOUT / file).exists() and not file.startswith("fixtures/")):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, folder / file)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=All that there is")
    return folder


@pytest.fixture
def checkout(origin: Path, tmp_path: Path) -> Path:
    """A clone of it."""
    git(tmp_path, "clone", "--quiet", str(origin), "checkout")
    return tmp_path / "checkout"


@pytest.fixture(scope="module")
def released(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which a version was made."""
    folder = tmp_path_factory.mktemp("released")
    git(folder, "clone", "--quiet", str(origin), "checkout")
    done = release(folder / "checkout", VERSION)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"dist/{VERSION} has what was built. Give it away: git push --follow-tags\n"
    return folder / "checkout"


def built(released: Path) -> Path:
    """Where a release is."""
    return released / "dist" / VERSION


@pytest.mark.slow
def test_a_release_is_a_commit_with_a_tag_that_names_the_version_everywhere(released: Path) -> None:
    assert git(released, "log", "--format=%s", "-2").splitlines() == [f"Release {VERSION}", "All that there is"]
    assert git(released, "rev-parse", f"v{VERSION}^{{commit}}") == git(released, "rev-parse", "main")
    assert git(released, "status", "--porcelain") == ""
    assert git(released, "worktree", "list").count("\n") == 0
    assert tomllib.loads((released / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert f"\n## [Unreleased]\n\n## [{VERSION}] - 20" in (released / "CHANGELOG.md").read_text()
    changed = git(released, "show", "--format=", "--name-only", "HEAD").splitlines()
    manifests = [f"deploy/kubernetes/{name}.yaml" for name in ("migrate", "serve")]
    assert changed == ["CHANGELOG.md", *manifests, "pyproject.toml"]
    for name in manifests:
        assert f"image: ghsync:{VERSION}\n" in (released / name).read_text()


@pytest.mark.slow
def test_sums_version_and_provenance_agree(released: Path) -> None:
    there = {path.name: sha256(path.read_bytes()).hexdigest() for path in built(released).iterdir()}
    sums = [line.split() for line in (built(released) / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in sums}
    statement = json.loads((built(released) / f"ghsync-{VERSION}.provenance.json").read_text())
    attested = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
    wheel, parts = f"ghsync-{VERSION}-py3-none-any.whl", f"ghsync-{VERSION}.cdx.json"
    assert set(attested) == {wheel, parts, f"ghsync-{VERSION}.tar.gz", "constraints.txt"}
    assert set(listed) == {*attested, f"ghsync-{VERSION}.provenance.json"}
    assert set(there) == {*listed, "SHA256SUMS"}
    assert attested.items() <= listed.items() <= there.items()

    definition = statement["predicate"]["buildDefinition"]
    commit = git(released, "rev-parse", f"v{VERSION}^{{}}")
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": commit}
    assert definition["externalParameters"] == {"version": VERSION}
    with ZipFile(built(released) / wheel) as archive:
        told = Parser().parsestr(archive.read(f"ghsync-{VERSION}.dist-info/METADATA").decode())
    assert told["Version"] == VERSION
    listing = json.loads((built(released) / parts).read_text())
    assert listing["metadata"]["component"]["version"] == VERSION


@pytest.mark.slow
def test_whoever_builds_the_tag_again_elsewhere_gets_the_same_bytes(released: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", f"--branch=v{VERSION}", str(released), "again")
    moment = git(tmp_path / "again", "log", "-1", "--format=%ct")
    built_again = run(
        tmp_path / "again", sys.executable, "-m", "build", "--no-isolation",
        umask=0o077, SOURCE_DATE_EPOCH=moment, TZ="Pacific/Kiritimati",
    )  # fmt: skip
    assert built_again.returncode == 0, built_again.stderr
    sums = run(tmp_path / "again/dist", "sha256sum", "--check", "--ignore-missing", str(built(released) / "SHA256SUMS"))
    assert sums.stdout.splitlines() == [f"ghsync-{VERSION}-py3-none-any.whl: OK", f"ghsync-{VERSION}.tar.gz: OK"]


@pytest.mark.slow
def test_the_source_holds_what_others_run_it_with(released: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(built(released) / f"ghsync-{VERSION}.tar.gz", tmp_path, filter="data")
    source = tmp_path / f"ghsync-{VERSION}"
    for name in ("deploy", "Dockerfile", "compose.yaml", "constraints.txt", "SECURITY.md"):
        assert (source / name).exists()


@pytest.mark.slow
def test_a_build_that_fails_leaves_everything_as_it_was(checkout: Path) -> None:
    text = (checkout / "pyproject.toml").read_text()
    (checkout / "pyproject.toml").write_text(text.replace('"hatchling.build"', '"not_there"'))
    git(checkout, "commit", "--quiet", "--all", "--message=Break it")
    failed = release(checkout, VERSION)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("Nothing was released: `")
    assert git(checkout, "log", "--format=%s", "-1") == "Break it"
    assert git(checkout, "tag") == ""
    assert git(checkout, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3rc1"])
def test_a_version_that_is_none_is_refused(checkout: Path, version: str) -> None:
    refused = release(checkout, version, "--check")
    assert (refused.returncode, refused.stderr) == (1, "Say which version it is to be: make release VERSION=1.2.3\n")


def test_what_is_not_committed_is_refused(checkout: Path) -> None:
    (checkout / "new").touch()
    refused = release(checkout, VERSION, "--check")
    said = "There are changes that are not committed: commit them, or put them away.\n"
    assert (refused.returncode, refused.stderr) == (1, said)


def test_a_version_that_was_or_is_before_another_is_refused(checkout: Path) -> None:
    git(checkout, "tag", f"v{VERSION}")
    refused = release(checkout, VERSION, "--check")
    said = f"There is a tag v{VERSION} already: name a later version.\n"
    assert (refused.returncode, refused.stderr) == (1, said)
    earlier = release(checkout, "0.0.1", "--check")
    assert earlier.stderr.startswith("Version ")
    assert earlier.stderr.endswith(" was before: name a later one than 0.0.1.\n")


def test_a_version_with_nothing_new_is_refused(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    before = changelog.read_text()
    changelog.write_text(before.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.0.1] - 2026-01-01\n"))
    git(checkout, "commit", "--quiet", "--all", "--message=Nothing is new")
    refused = release(checkout, VERSION, "--check")
    said = "CHANGELOG.md has nothing under Unreleased: say there what is new.\n"
    assert (refused.returncode, refused.stderr) == (1, said)


def test_where_all_is_well_the_check_says_nothing_and_does_nothing(checkout: Path) -> None:
    checked = release(checkout, VERSION, "--check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert git(checkout, "tag") == ""
    assert not (checkout / "dist").exists()
