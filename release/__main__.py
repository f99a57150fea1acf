"""Makes a version of the commit that is checked out: ``python -m release VERSION``; with ``--check`` it only looks.

Nothing of the checkout changes before all is built: the version is written, committed and built beside it.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from release import dependencies, provenance, sbom

FORM = re.compile(r"\d+\.\d+\.\d+")
UNRELEASED = "## [Unreleased]\n"
SUMS = "SHA256SUMS"
MANIFESTS = "deploy/kubernetes/*.yaml"


def git(checkout: Path, *words: str) -> str:
    """What git answers there."""
    done = subprocess.run(["git", "-C", str(checkout), *words], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def trouble(checkout: Path, version: str) -> str | None:
    """What is in the way of this version, and what to do about it."""
    if not FORM.fullmatch(version):
        return "Say which version it is to be: make release VERSION=1.2.3"
    if git(checkout, "status", "--porcelain"):
        return "There are changes that are not committed: commit them, or put them away."
    if git(checkout, "tag", "--list", f"v{version}"):
        return f"There is a tag v{version} already: name a later version."
    current = dependencies.project(checkout)["version"]
    if Version(version) < Version(current):
        return f"Version {current} was before: name a later one than {version}."
    if not notes((checkout / "CHANGELOG.md").read_text()):
        return "CHANGELOG.md has nothing under Unreleased: say there what is new."
    return None


def notes(changelog: str) -> list[str]:
    """What is listed under Unreleased."""
    _, _, rest = changelog.partition(UNRELEASED)
    return re.findall(r"^\* .+", rest.partition("\n## ")[0], re.MULTILINE)


def name(checkout: Path, version: str, today: str) -> None:
    """Write the version wherever it stands."""
    _rewrite(checkout / "pyproject.toml", r'^version = ".+"$', f'version = "{version}"')
    _rewrite(checkout / "CHANGELOG.md", re.escape(UNRELEASED), f"{UNRELEASED}\n## [{version}] - {today}\n")
    for path in checkout.glob(MANIFESTS):
        _rewrite(path, r"\bimage: ghsync:\S+", f"image: ghsync:{version}", least=0)
        _rewrite(path, r"\bghsync-migrate-[\d-]+", f"ghsync-migrate-{version.replace('.', '-')}", least=0)


def _rewrite(path: Path, old: str, new: str, *, least: int = 1) -> None:
    text, count = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
    if count < least:
        raise ValueError(f"{path.name} has nothing like {old}.")
    path.write_text(text)


def build(checkout: Path, version: str, into: Path) -> None:
    """Make all that is given away of what is checked out, with its sums; the same each time."""
    moment = int(git(checkout, "log", "-1", "--format=%ct"))
    command = [sys.executable, "-m", "build", "--no-isolation", f"--outdir={into}", str(checkout)]
    subprocess.run(command, env=os.environ | {"SOURCE_DATE_EPOCH": str(moment)}, stdout=subprocess.DEVNULL, check=True)
    shutil.copy(checkout / "constraints.txt", into)
    (into / f"ghsync-{version}.cdx.json").write_text(sbom.document(checkout, moment))
    statement = provenance.statement(digests(into), version, git(checkout, "rev-parse", "HEAD"), moment)
    (into / f"ghsync-{version}.provenance.json").write_text(json.dumps(statement, indent=2) + "\n")
    (into / SUMS).write_text("".join(f"{digest}  {file}\n" for file, digest in digests(into).items()))


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@contextmanager
def beside(checkout: Path) -> Iterator[Path]:
    """The commit that is checked out, once more, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="ghsync-release-") as folder:
        again = Path(folder) / "ghsync"
        git(checkout, "worktree", "add", "--quiet", "--detach", str(again))
        try:
            yield again
        finally:
            git(checkout, "worktree", "remove", "--force", str(again))


def release(checkout: Path, version: str) -> Path:
    """Name, commit, build and tag a version; answers the folder with what was built."""
    into = checkout / "dist" / version
    shutil.rmtree(into, ignore_errors=True)  # what an attempt left that failed at the end
    into.mkdir(parents=True)
    with beside(checkout) as again:
        name(again, version, f"{datetime.now(UTC):%Y-%m-%d}")
        git(again, "commit", "--quiet", "--all", f"--message=Release {version}")
        build(again, version, into)
        git(checkout, "merge", "--quiet", "--ff-only", git(again, "rev-parse", "HEAD"))
    git(checkout, "tag", "--annotate", f"v{version}", f"--message=ghsync {version}")
    return into


def main(words: list[str]) -> int:
    """Do it, or say why not; answers the exit status."""
    version = next((word for word in words if not word.startswith("--")), "")
    checkout = Path.cwd()
    if sentence := trouble(checkout, version):
        print(sentence, file=sys.stderr)
        return 1
    if "--check" in words:
        return 0
    try:
        into = release(checkout, version)
    except subprocess.CalledProcessError as error:
        print(f"Nothing was released: `{shlex.join(error.cmd)}` failed.", file=sys.stderr)
        return 1
    print(f"{into.relative_to(checkout)} has what was built. Give it away: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
