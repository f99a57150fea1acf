"""An issue that a scene is about, and what the mirror says of it."""

from dataclasses import dataclass

import sqlalchemy as sa

from ghsync.database import transaction
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage
from ghsync.simulator.actions import issues
from ghsync.simulator.issue import Issue

_ROW = sa.text("""
SELECT i.title, i.state FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id
WHERE r.github_id = :repository AND i.number = :number AND i.deleted_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """The issue as it is on the simulated GitHub."""

    stage: Stage
    issue: Issue

    def __str__(self) -> str:
        return f"{self.issue.repository.name}#{self.issue.number}"

    async def is_mirrored(self) -> bool:
        """Whether its row shows the title and state that it has."""
        asked = {"repository": str(self.issue.repository.id), "number": self.issue.number}
        async with transaction(self.stage.engine) as conn:
            row = (await conn.execute(_ROW, asked)).one_or_none()
        return row is not None and (row.title, row.state) == (self.issue.title, self.issue.state)


async def put_up(stage: Stage, title: str) -> Exhibit:
    """Open one where nobody else changes it, and wait until it is mirrored."""
    stage.github.site.keep_time()
    shown = Exhibit(stage, issues.open_issue(stage.github.world, stage.repository, title, by=stage.person))
    await until(shown.is_mirrored, f"{shown} was mirrored")
    return shown
