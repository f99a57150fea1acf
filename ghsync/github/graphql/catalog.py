"""Labels and milestones of a repository, read into the payloads that hooks and REST bring.

GraphQL does not tell their numeric ids, but in their node ids. What REST may tell otherwise is not read at all.
"""

from datetime import datetime

from ghsync.github import node_ids
from ghsync.github.graphql.answered import AnswerPart, Person
from ghsync.mirror import label, milestone


class LabelNode(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#label"""

    id: str
    name: str
    color: str
    is_default: bool
    description: str | None = None

    def payload(self, repository_id: int) -> label.Payload | None:
        """As REST shows it; None where its id is not to be seen."""
        number = node_ids.number(self.id, repository_id)
        if number is None:
            return None
        return label.Payload(
            id=number,
            name=self.name,
            node_id=self.id,
            color=self.color,
            description=self.description,
            default=self.is_default,
        )


class MilestoneNode(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#milestone"""

    id: str
    number: int
    title: str
    state: str
    url: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    due_on: datetime | None = None
    closed_at: datetime | None = None
    creator: Person | None = None

    def payload(self, repository_id: int) -> milestone.Payload | None:
        """As REST shows it; None where its id is not to be seen, and of one that is due or whose creator is not told.

        A due date is midnight of UTC here, and of San Francisco in REST.
        https://github.com/microsoft/PowerShellForGitHub/pull/133
        """
        number = node_ids.number(self.id, repository_id)
        if number is None or self.due_on is not None or self.creator is None:
            return None
        return milestone.Payload(
            id=number,
            number=self.number,
            title=self.title,
            state=self.state.lower(),
            node_id=self.id,
            description=self.description,
            html_url=self.url,
            creator=self.creator.user,
            created_at=self.created_at,
            updated_at=self.updated_at,
            closed_at=self.closed_at,
        )
