"""Pull requests with their reviews and threads, read into the payloads that hooks and REST bring."""

from datetime import datetime
from typing import Self

from msgspec import UNSET, UnsetType

from ghsync.github.graphql.answered import AnswerPart, Catalog, Count, Oid, PageInfo, Person, user
from ghsync.github.graphql.conversations import ConversationNode, lacks_ids
from ghsync.github.graphql.reviews import Reviews, Threads
from ghsync.mirror import pull_request
from ghsync.mirror.user import Team, time


class Request(AnswerPart, frozen=True):
    """Somebody asked for review; null if the account is gone."""

    requested_reviewer: Person | None = None


class Requests(AnswerPart, frozen=True):
    """Everybody asked for review; how many these are, where nobody is shown."""

    total_count: int = 0
    nodes: tuple[Request, ...] | UnsetType = UNSET
    page_info: PageInfo = PageInfo()

    @property
    def people(self) -> list[Person]:
        """The people and teams that are shown; of bots the other doors tell nothing."""
        shown = [request.requested_reviewer for request in self.nodes or ()]
        return [person for person in shown if person and person.typename != "Bot"]

    @classmethod
    def of(cls, told: pull_request.Payload) -> Self:
        """Those that REST names."""
        asked = [each for each in told.requested_reviewers or () if each]
        people = [Person(each.type, each.login, database_id=each.id) for each in asked if each.login]
        teams = [Person("Team", slug=team.slug, database_id=team.id) for team in told.requested_teams or ()]
        found = tuple(Request(each) for each in (*people, *teams))
        return cls(len(found), found)


class HeadRepository(AnswerPart, frozen=True):
    """The repository of the head."""

    database_id: int | None = None


class BranchName(AnswerPart, frozen=True):
    """A branch, by its name."""

    name: str


class BaseRepository(AnswerPart, frozen=True):
    """The repository of the base; an empty one has no default branch."""

    database_id: int | None = None
    default_branch_ref: BranchName | None = None


class AutoMerge(AnswerPart, frozen=True):
    """The order to merge when it may be."""

    merge_method: str
    enabled_by: Person | None = None


class PullRequestNode(ConversationNode, frozen=True, kw_only=True, tag_field="__typename", tag="PullRequest"):
    """https://docs.github.com/en/graphql/reference/objects#pullrequest"""

    is_draft: bool
    author_association: str | None = None
    merged_at: datetime | None = None
    merged_by: Person | None = None
    merge_commit: Oid | None = None
    mergeable: str = "UNKNOWN"
    merge_state_status: str = "UNKNOWN"
    head_ref_name: str
    head_ref_oid: str
    head_repository: HeadRepository | None = None
    base_ref_name: str
    base_ref_oid: str
    base_repository: BaseRepository | None = None
    additions: int
    deletions: int
    changed_files: int
    commits: Count
    auto_merge_request: AutoMerge | None = None
    review_requests: Requests | UnsetType | None = UNSET
    reviews: Reviews = Reviews()
    review_threads: Threads = Threads()

    @property
    def cut(self) -> bool:
        """Whether a list inside it goes on after its first page, or names people without ids: this is not all of it.

        Reviews and threads are read on by themselves.
        """
        requests = self.review_requests or Requests()
        goes_on = requests.nodes is not UNSET and requests.page_info.has_next_page
        return super().cut or goes_on or lacks_ids(requests.people)

    @property
    def hides_reviewers(self) -> bool:
        """Whether it does not show who is asked for review."""
        requests = self.review_requests
        if isinstance(requests, Requests):
            return requests.nodes is UNSET and requests.total_count > 0
        return requests is UNSET

    def payload(self, catalog: Catalog) -> pull_request.Payload:
        """As REST shows it."""
        requests = self.review_requests or Requests()
        head = self.head_repository
        auto = self.auto_merge_request
        return pull_request.Payload(
            **self._shared(catalog),
            draft=self.is_draft,
            author_association=self.author_association,
            merged_at=self.merged_at,
            merged_by=user(self.merged_by) if time(self.merged_at) else None,
            merge_commit_sha=self.merge_commit.oid if self.merge_commit else None,
            mergeable={"MERGEABLE": True, "CONFLICTING": False}.get(self.mergeable),
            mergeable_state=self.merge_state_status.lower(),
            head=pull_request.Branch(
                self.head_ref_name,
                self.head_ref_oid,
                pull_request.BranchRepository(head.database_id) if head and head.database_id else None,
            ),
            base=pull_request.Branch(self.base_ref_name, self.base_ref_oid, _base(self.base_repository)),
            additions=self.additions,
            deletions=self.deletions,
            changed_files=self.changed_files,
            commits=self.commits.total_count,
            review_comments=sum(thread.comments.total_count for thread in self.review_threads.nodes),
            auto_merge=pull_request.AutoMerge(auto.merge_method.lower(), user(auto.enabled_by)) if auto else None,
            requested_reviewers=[
                pull_request.Reviewer(person.user.id, person.user.login)
                for person in requests.people
                if person.typename != "Team"
            ],
            requested_teams=[
                Team(person.user.id, person.slug) for person in requests.people if person.typename == "Team"
            ],
        )


def _base(repository: BaseRepository | None) -> pull_request.BranchRepository | None:
    if repository is None:
        return None
    default = repository.default_branch_ref
    return pull_request.BranchRepository(repository.database_id or 0, default.name if default else None)
