"""Version skew: code of before the newest migrations works with the schema that they made, as in a rollout.

The older code is taken out of the history of this repository, and runs as it did.
"""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests import service
from tests.stories import snapshot, story
from tests.stories.story import Story
from tests.stories.test_stories import missing

ROOT = Path(__file__).parents[2]
MIGRATIONS = "db/versions"

# How many migrations ago the code is from: the newest one by itself, and a release with several.
AGO = (1, 6)

TOLD = ("02-a-pull-request-from-draft-to-merge", "09-checks-and-statuses")


def git(*words: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout


@cache
def added() -> list[str]:
    """The commits that added migrations, the newest first; none where there is no history."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        return []
    return git("log", "--diff-filter=A", "--format=%H", "--", MIGRATIONS).split()


def older(ago: int, folder: Path) -> Path:
    """The code of before so many migrations."""
    commits = added()
    if len(commits) < ago:
        pytest.skip(f"The history of the repository, which has the code of {ago} migrations ago, is not here.")
    try:
        archive = subprocess.run(
            ["git", "-C", ROOT, "archive", f"{commits[ago - 1]}^", "ghsync", "db"], check=True, capture_output=True
        )
    except subprocess.CalledProcessError:
        pytest.skip(f"The history of the repository does not reach back {ago} migrations.")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    assert len(list((folder / MIGRATIONS).glob("0*.py"))) <= len(list((ROOT / MIGRATIONS).glob("0*.py"))) - ago
    return folder


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("ago", AGO)
@pytest.mark.parametrize("name", TOLD)
async def test_older_code_receives_and_projects_with_the_newest_schema(
    engine: AsyncEngine, database_url: str, tmp_path: Path, name: str, ago: int
) -> None:
    told: Story = story.load(name)
    async with engine.begin() as conn:
        await story.set_up(conn, told)
    (tmp_path / "older").mkdir()
    code = older(ago, tmp_path / "older")
    receiver = service.Receiver(
        database_url, tmp_path / "log", before=("env", "-C", str(code)), webhook_secrets=service.SECRET
    )
    try:
        await receiver.start()
        for delivery in told.deliveries:
            assert (await service.post(receiver.client, delivery)).status_code == 202
        with service.connect(database_url) as connection:
            await service.drained(connection)
            assert connection.execute("SELECT count(*) FROM webhook_deliveries WHERE last_error <> ''").fetchone() == (
                0,
            )
        assert await receiver.terminate() == 0
    finally:
        await receiver.close()
        if receiver.running:
            await receiver.kill()
    assert receiver.told("error", "critical") == []
    async with engine.connect() as conn:
        assert missing(told.expected, await snapshot.take(conn)) == []
