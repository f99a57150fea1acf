"""What is checked of the head of a pull request, read into the payloads that hooks and REST bring."""

from collections.abc import Iterator
from datetime import datetime

from ghsync.github import node_ids
from ghsync.github.graphql.answered import AnswerPart, Oid, PageInfo, Person, lower, user
from ghsync.mirror import check_run, check_suite, commit_status
from ghsync.mirror import workflow_run as workflow_runs
from ghsync.mirror.check_run import App, Output


class CheckingApp(AnswerPart, frozen=True):
    """The App that checks."""

    database_id: int | None = None
    slug: str | None = None

    @property
    def payload(self) -> App:
        """As REST shows it."""
        return App(self.database_id, self.slug)


class CheckRun(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#checkrun"""

    database_id: int
    id: str
    name: str
    status: str
    conclusion: str | None = None
    url: str | None = None
    title: str | None = None
    summary: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class CheckRuns(AnswerPart, frozen=True):
    """The newest runs of a suite."""

    nodes: tuple[CheckRun, ...] = ()
    page_info: PageInfo = PageInfo()


class Workflow(AnswerPart, frozen=True):
    """A workflow of GitHub Actions."""

    name: str
    database_id: int | None = None


class WorkflowRun(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#workflowrun"""

    database_id: int
    id: str
    event: str
    run_number: int
    url: str
    created_at: datetime
    updated_at: datetime
    workflow: Workflow


class Branch(AnswerPart, frozen=True):
    """A branch, by its name; null when it is deleted, and for a fork's."""

    name: str


class CheckSuite(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#checksuite"""

    database_id: int
    id: str
    status: str
    created_at: datetime
    updated_at: datetime
    conclusion: str | None = None
    branch: Branch | None = None
    app: CheckingApp | None = None
    workflow_run: WorkflowRun | None = None
    check_runs: CheckRuns | None = None

    def payload(self, sha: str) -> check_suite.Payload:
        """As hooks and REST show it."""
        return check_suite.Payload(
            id=self.database_id,
            head_sha=sha,
            node_id=self.id,
            head_branch=self.branch.name if self.branch else None,
            app=self.app.payload if self.app else None,
            status=self.status.lower(),
            conclusion=lower(self.conclusion),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def runs(self, sha: str) -> Iterator[check_run.Payload]:
        """Its newest runs, as hooks and REST show them."""
        for run in (self.check_runs or CheckRuns()).nodes:
            yield check_run.Payload(
                id=run.database_id,
                head_sha=sha,
                name=run.name,
                status=run.status.lower(),
                node_id=run.id,
                conclusion=lower(run.conclusion),
                html_url=run.url,
                app=self.app.payload if self.app else None,
                check_suite=check_run.Suite(self.database_id),
                output=Output(run.title, run.summary),
                started_at=run.started_at,
                completed_at=run.completed_at,
            )

    def workflow(self, sha: str) -> workflow_runs.Payload | None:
        """The workflow run behind it, as hooks and REST show it: how far it is, the suite says."""
        run = self.workflow_run
        if run is None:
            return None
        return workflow_runs.Payload(
            id=run.database_id,
            head_sha=sha,
            node_id=run.id,
            workflow_id=run.workflow.database_id,
            name=run.workflow.name,
            event=run.event,
            head_branch=self.branch.name if self.branch else None,
            run_number=run.run_number,
            status=self.status.lower(),
            conclusion=lower(self.conclusion),
            check_suite_id=self.database_id,
            html_url=run.url,
            created_at=run.created_at,
            updated_at=run.updated_at,
        )


class CheckSuites(AnswerPart, frozen=True):
    """The suites of a commit."""

    nodes: tuple[CheckSuite, ...] = ()
    page_info: PageInfo = PageInfo()


class Context(AnswerPart, frozen=True):
    """The newest status of a context. GraphQL does not tell its numeric id, but for what its node id says."""

    id: str
    context: str
    state: str
    created_at: datetime
    description: str | None = None
    target_url: str | None = None
    creator: Person | None = None

    def payload(self, number: int) -> commit_status.Payload:
        """As REST shows it, with its numeric id."""
        return commit_status.Payload(
            id=number,
            context=self.context,
            state=self.state.lower(),
            description=self.description,
            target_url=self.target_url,
            creator=user(self.creator),
            created_at=self.created_at,
            updated_at=self.created_at,
        )


class StatusNode(AnswerPart, frozen=True):
    """The newest statuses of a commit."""

    contexts: tuple[Context, ...] = ()


class Commit(Oid, frozen=True, kw_only=True):
    """A commit, and what is checked of it; null is what was not asked for, or is none."""

    status: StatusNode | None = None
    check_suites: CheckSuites | None = None

    @property
    def suites(self) -> tuple[CheckSuite, ...]:
        """Its suites."""
        return self.check_suites.nodes if self.check_suites else ()

    @property
    def cut(self) -> bool:
        """Whether a list inside it goes on after its first page."""
        pages = [suite.check_runs.page_info for suite in self.suites if suite.check_runs]
        pages += [self.check_suites.page_info] if self.check_suites else []
        return any(page.has_next_page for page in pages)


class PullRequestCommit(AnswerPart, frozen=True):
    """A commit of a pull request."""

    commit: Commit


class PullRequestCommits(AnswerPart, frozen=True):
    """The last commit of a pull request."""

    nodes: tuple[PullRequestCommit, ...] = ()


class Head(AnswerPart, frozen=True, kw_only=True):
    """An open pull request of which only the head is asked for."""

    id: str
    full_database_id: int
    number: int
    head_ref_oid: str
    last_commit: PullRequestCommits = PullRequestCommits()

    @property
    def commit(self) -> Commit | None:
        """The commit at the head; none while GitHub's list of commits lags behind a push."""
        found = [each.commit for each in self.last_commit.nodes]
        return found[0] if found and found[0].oid == self.head_ref_oid else None

    def statuses(self, repository_id: int) -> list[commit_status.Payload] | None:
        """The newest status of each context; None where their numeric ids cannot be told.

        They are read from node ids where that of the pull request says what GraphQL tells of it besides.
        """
        contexts = self.commit.status.contexts if self.commit and self.commit.status else ()
        if contexts and node_ids.number(self.id, repository_id) != self.full_database_id:
            return None
        found = [(each, node_ids.number(each.id, repository_id)) for each in contexts]
        told = [each.payload(number) for each, number in found if number is not None]
        return told if len(told) == len(contexts) else None


class Heads(AnswerPart, frozen=True):
    """A page of open pull requests, by their heads; null is what took GitHub too long."""

    page_info: PageInfo
    nodes: list[Head | None]
