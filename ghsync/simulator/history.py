"""The past of a repository: issues and pull requests with comments, reviews and checks, as they are after it all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Literal, Protocol

from ghsync.simulator import prose
from ghsync.simulator.actions.checks import run_of
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckSuite
from ghsync.simulator.commit import Change, Commit
from ghsync.simulator.commit_status import CommitStatus
from ghsync.simulator.issue import Comment, Issue
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.review import WRITERS, Review
from ghsync.simulator.review_comment import ReviewComment, ReviewThread

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.check_suite import Conclusion
    from ghsync.simulator.commit_status import StatusState
    from ghsync.simulator.pull_request import MergeableState
    from ghsync.simulator.review import ReviewState
    from ghsync.simulator.workflow_run import WorkflowEvent
    from ghsync.simulator.world import World

READY_STATES: tuple[MergeableState, ...] = ("clean", "clean", "clean", "blocked", "behind", "dirty", "unstable")
VERDICTS: tuple[ReviewState, ...] = ("APPROVED", "APPROVED", "APPROVED", "COMMENTED", "CHANGES_REQUESTED", "DISMISSED")
CONCLUSIONS: tuple[Conclusion, ...] = ("success", "success", "success", "failure", "skipped", "neutral", "cancelled")
STATES: tuple[StatusState, ...] = ("success", "success", "success", "failure", "pending", "error")


@dataclass(frozen=True)
class People:
    """Those who work here, those who come by, and those who are machines."""

    staff: list[Account]
    guests: list[Account]
    bots: list[Account]


class Extent(Protocol):
    """How much a repository's past has of what."""

    @property
    def pull_request_share(self) -> float:
        """Which part of all issues and pull requests are pull requests."""

    @property
    def comments_each(self) -> float:
        """How many comments one has on average."""


@dataclass
class Historian:
    """Writes one repository's past, in the order of numbers; `fork` is where those from outside work.

    CI has chances of its own, so that what it does changes nothing of what people do.
    """

    world: World
    random: Random
    repository: Repository
    people: People
    extent: Extent
    fork: Repository | None = None
    contributors: set[Account] = field(default_factory=set)
    chances_of_ci: Random = field(init=False)

    def __post_init__(self) -> None:
        self.chances_of_ci = Random(f"{self.world.seed}:{self.repository.id}")

    def write(self, count: int) -> None:
        """So many issues and pull requests."""
        span = self.world.now() - self.repository.created_at
        for created_at in sorted(self.repository.created_at + span * self.random.random() for _ in range(count)):
            if self.random.random() < self.extent.pull_request_share:
                self._pull_request(created_at)
            else:
                self._issue(created_at)

    def _issue(self, created_at: datetime) -> None:
        random = self.random
        issue = self._conversation(created_at, prose.complaint(random), self._anyone(), prose.report(random))
        self._comment(issue)
        if random.random() < 0.7:
            self._close(issue)
            issue.state_reason = random.choice(("completed", "completed", "not_planned", "duplicate"))
        elif random.random() < 0.1:
            issue.state_reason = "reopened"

    def _pull_request(self, created_at: datetime) -> None:
        random, repository = self.random, self.repository
        outside = random.random() < 0.1
        author = random.choice(self.people.guests if outside else [*self.people.staff, self.people.bots[0]])
        source = self._fork() if outside else repository
        commits = [self._commit(author, created_at) for _ in range(random.randint(1, 4))]
        text = prose.explanation(random, self._closable())
        issue = self._conversation(created_at, prose.deed(random), author, text)
        pull_request = PullRequest(
            id=self.world.identities.next_id("pull_request"),
            issue=issue,
            head_repository=source,
            head_branch=prose.branch(random, issue.number),
            head_commit=commits[-1],
            base_branch="main",
            base_commit=repository.tip("main"),
            mergeability_known_at=created_at,
            ready_state=random.choice(READY_STATES),
            draft=random.random() < 0.08,
            commits=commits,
        )
        issue.pull_request = pull_request
        repository.pull_requests[issue.number] = pull_request
        self._comment(issue)
        self._review(pull_request)
        self._check(pull_request)
        self._settle(pull_request)

    def _settle(self, pull_request: PullRequest) -> None:
        """Most are merged, some closed; only what is open still has its branch."""
        random, issue = self.random, pull_request.issue
        fate = random.random()
        if fate < 0.12:
            source = pull_request.head_repository
            source.branches[pull_request.head_branch] = [*self.repository.branches["main"], *pull_request.commits]
            pull_request.test_merge_commit_sha = self.world.identities.next_sha()
            self._ask(pull_request)
            return
        self._close(issue)
        if fate < 0.25:
            return
        title = f"{issue.title} (#{issue.number})"
        changes = tuple(change for commit in pull_request.commits for change in commit.changes)
        merged = self._commit(issue.author, issue.updated_at, title, changes)
        pull_request.merged_at, pull_request.merged_by = issue.closed_at, random.choice(self.people.staff)
        pull_request.merge_commit, pull_request.draft = merged, False
        self.repository.branches["main"].append(merged)
        self.repository.pushed_at = max(self.repository.pushed_at, issue.updated_at)
        self.contributors.add(issue.author)

    def _conversation(self, created_at: datetime, title: str, author: Account, body: str | None) -> Issue:
        random, repository = self.random, self.repository
        some = random.random()
        issue = Issue(
            id=self.world.identities.next_id("issue"),
            repository=repository,
            number=repository.next_number(),
            title=title,
            author=author,
            author_association=self._association(author),
            created_at=created_at,
            updated_at=created_at,
            body=body,
            labels=random.sample(repository.labels, k=min(len(repository.labels), int(some * 4))),
            assignees=random.sample(self.people.staff, k=1 if some < 0.4 else 0),
            milestone=random.choice(repository.milestones) if repository.milestones and some < 0.3 else None,
        )
        if some > 0.98:
            issue.locked, issue.lock_reason = True, random.choice(("resolved", "off-topic", "too heated", "spam", None))
        repository.issues[issue.number] = issue
        return issue

    def _comment(self, issue: Issue) -> None:
        count = int(self.random.expovariate(1) * self.extent.comments_each + 0.5) if self.extent.comments_each else 0
        for _ in range(count):
            author, moment = self._anyone(), self._later(issue)
            issue.comments.append(
                Comment(
                    id=self.world.identities.next_id("comment"),
                    issue=issue,
                    author=author,
                    author_association=self._association(author),
                    body=self.random.choice(prose.REMARKS),
                    created_at=moment,
                    updated_at=moment,
                )
            )

    def _review(self, pull_request: PullRequest) -> None:
        reviewers = [each for each in self.people.staff if each is not pull_request.issue.author]
        for reviewer in self.random.sample(reviewers, k=min(len(reviewers), self.random.randint(0, 2))):
            moment = self._later(pull_request.issue)
            review = Review(
                id=self.world.identities.next_id("review"),
                pull_request=pull_request,
                author=reviewer,
                author_association=self._association(reviewer),
                author_can_push=self._association(reviewer) in WRITERS,
                state=self.random.choice(VERDICTS),
                commit=pull_request.head_commit,
                created_at=moment,
                updated_at=moment,
                body=self.random.choice(prose.VERDICTS),
                submitted_at=moment,
            )
            pull_request.reviews.append(review)
            if review.state != "APPROVED":
                self._discuss(pull_request, review, moment)

    def _discuss(self, pull_request: PullRequest, review: Review, moment: datetime) -> None:
        thread = ReviewThread(
            id=self.world.identities.next_id("review_thread"),
            pull_request=pull_request,
            path=pull_request.head_commit.changes[0].path,
            line=self.random.randint(1, 300),
            commit=pull_request.head_commit,
            resolved_by=pull_request.issue.author if self.random.random() < 0.6 else None,
        )
        comment = ReviewComment(
            id=self.world.identities.next_id("review_comment"),
            thread=thread,
            review=review,
            author=review.author,
            author_association=review.author_association,
            body=self.random.choice(prose.QUESTIONS),
            created_at=moment,
            updated_at=moment,
        )
        thread.comments.append(comment)
        pull_request.threads.append(thread)

    def _check(self, pull_request: PullRequest) -> None:
        random, head, moment = self.random, pull_request.head_commit, pull_request.issue.updated_at
        suite = self._suite(pull_request, "CI", "pull_request")
        for name in random.sample(prose.CHECKS, k=random.randint(1, 4)):
            for _ in range(2 if random.random() < 0.1 else 1):
                self._run(suite, name, moment, random.choice(CONCLUSIONS))
        self.repository.check_suites[head.sha] = [suite]
        self.repository.statuses[head.sha] = [
            CommitStatus(
                id=self.world.identities.next_id("status"),
                repository=self.repository,
                commit=head,
                context=context,
                state=random.choice(STATES),
                creator=self.people.bots[1],
                created_at=moment,
                description=prose.stated(
                    context,
                    random.randint(60, 99) + random.randint(0, 9) / 10,
                    self.chances_of_ci.uniform(-1, 1),
                    pull_request.base_commit.sha,
                ),
                target_url="https://ci.example/",
            )
            for context in random.sample(prose.CONTEXTS, k=random.randint(0, 2))
        ]
        self._check_more(pull_request)

    def _check_more(self, pull_request: PullRequest) -> None:
        """What only some heads have: checks of a push, of scanners, those that wait, and those that never ran."""
        chance, head = self.chances_of_ci, pull_request.head_commit
        suites, moment = self.repository.check_suites[head.sha], pull_request.issue.updated_at
        inside = pull_request.head_repository is self.repository
        if inside and chance.random() < 0.15:
            pushed = self._suite(pull_request, "CI", "push")
            self._run(pushed, "build", moment, chance.choice(CONCLUSIONS))
            suites.append(pushed)
        if chance.random() < 0.2:
            scanned = self._suite(pull_request, "Scan", "pull_request")
            self._run(scanned, chance.choice(prose.SCANNERS), moment, chance.choice(("success", "failure")))
            suites.append(scanned)
        if chance.random() < 0.06:
            unstarted = self._suite(pull_request, "Nightly", "pull_request")
            unstarted.outright = "startup_failure" if inside else "action_required"
            suites.append(unstarted)
        elif chance.random() < 0.06:
            waiting = self._suite(pull_request, "Release", "pull_request")
            self._run(waiting, "build", moment, "success")
            waiting.waiting.append("publish")
            suites.append(waiting)
        elif chance.random() < 0.06:
            begun = self._suite(pull_request, "Nightly", "pull_request")
            self._run(begun, "e2e / firefox", moment, None)
            suites.append(begun)

    def _suite(self, pull_request: PullRequest, workflow: str, event: WorkflowEvent) -> CheckSuite:
        inside, moment = pull_request.head_repository is self.repository, pull_request.issue.updated_at
        suite = CheckSuite(
            id=self.world.identities.next_id("check_suite"),
            repository=self.repository,
            app=self.world.ci,
            head_commit=pull_request.head_commit,
            created_at=moment,
            updated_at=moment,
            head_branch=pull_request.head_branch if inside else None,
            before=pull_request.base_commit.sha,
        )
        by = pull_request.issue.author
        suite.cause = pull_request if event == "pull_request" else None
        suite.workflow_run = run_of(self.world, suite, pull_request.head_repository, by, workflow, event)
        return suite

    def _run(self, suite: CheckSuite, name: str, moment: datetime, conclusion: Conclusion | None) -> None:
        number = self.world.identities.next_id("check_run")
        if conclusion is None:
            suite.runs.append(CheckRun(number, suite, name, moment, "in_progress"))
        else:
            suite.runs.append(CheckRun(number, suite, name, moment, "completed", conclusion, moment))

    def _ask(self, pull_request: PullRequest) -> None:
        heard = [review.author for review in pull_request.reviews]
        others = [each for each in self.people.staff if each not in (pull_request.issue.author, *heard)]
        pull_request.requested_reviewers = self.random.sample(others, k=min(len(others), self.random.randint(0, 2)))

    def _commit(
        self, author: Account, moment: datetime, message: str | None = None, changes: tuple[Change, ...] = ()
    ) -> Commit:
        random, identities = self.random, self.world.identities
        made = changes or tuple(
            Change(prose.path(random), random.randint(1, 120), random.randint(0, 40))
            for _ in range(random.randint(1, 3))
        )
        return Commit(identities.next_sha(), identities.next_sha(), message or prose.deed(random), author, moment, made)

    def _close(self, issue: Issue) -> None:
        issue.state, issue.closed_at = "closed", self._later(issue)

    def _later(self, issue: Issue) -> datetime:
        """A moment after the newest of an issue, and not after now: what happens then is its newest."""
        span = min(self.world.now() - issue.updated_at, timedelta(days=20))
        issue.updated_at += span * self.random.random()
        return issue.updated_at

    def _closable(self) -> int | None:
        """The number of an issue that a pull request could close."""
        if self.repository.last_number == 0 or self.random.random() < 0.6:
            return None
        return self.random.randint(1, self.repository.last_number)

    def _anyone(self) -> Account:
        chance = self.random.random()
        crowd = self.people.staff if chance < 0.6 else self.people.guests if chance < 0.95 else self.people.bots
        return self.random.choice(crowd)

    def _association(self, account: Account) -> Literal["MEMBER", "CONTRIBUTOR", "NONE"]:
        if account in self.world.members[self.repository.owner]:
            return "MEMBER"
        return "CONTRIBUTOR" if account in self.contributors else "NONE"

    def _fork(self) -> Repository:
        """The fork, which is made when it is first needed."""
        if self.fork is None:
            owner, source = self.people.guests[0], self.repository
            self.fork = Repository(
                id=self.world.identities.next_id("repository"),
                owner=owner,
                name=source.name,
                created_at=source.created_at,
                updated_at=source.created_at,
                pushed_at=source.created_at,
                description=source.description,
                language=source.language,
                visibility=source.visibility,
                fork_of=source,
                branches={"main": list(source.branches["main"])},
            )
            self.world.repositories[self.fork.id] = self.fork
            source.forks += 1
        return self.fork


def write_history(
    world: World, random: Random, repository: Repository, people: People, extent: Extent, count: int
) -> None:
    """Give a repository a past of so many issues and pull requests."""
    Historian(world, random, repository, people, extent).write(count)
