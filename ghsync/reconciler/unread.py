"""What could not be read (I12): told in one sentence that names it, and asked for again by the job that reads it.

The job's row is all that is kept of it: since when, how often it was tried, when it is tried next, and why in vain.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import jobs
from ghsync.database import transaction
from ghsync.errors import (
    BadCredentials,
    GhsyncError,
    GitHubUnavailable,
    GitHubUnreachable,
    Gone,
    Moved,
    NotFound,
    PermissionMissing,
    RefusedByGitHub,
    RepositoryLost,
    Suspended,
    SwitchedOff,
    Transient,
)
from ghsync.jobs import Job
from ghsync.reconciler.runs import Run

MOST = 10
"""So many things of one repository may fail that did not lately before it is given up for now: it is not they then."""

_EVERYTHING = (GitHubUnreachable, BadCredentials, Suspended, PermissionMissing, RepositoryLost)


@dataclass(slots=True)
class UnreadParts:
    """What a run could not read, by the job that asks for it again; ``waiting`` is what is not due to be asked for.

    Of that ``reached`` is what has been read all the same.
    """

    sentences: dict[Job, str] = field(default_factory=dict)
    waiting: dict[Job, str] = field(default_factory=dict)
    reached: set[Job] = field(default_factory=set)

    def note(self, job: Job, name: str, error: Exception) -> None:
        """Note that ``name`` could not be read."""
        self.sentences[job] = f"{name} could not be read: {error}"

    def note_or_raise(self, job: Job, name: str, error: Exception) -> None:
        """The same for a part of a repository; raises the error where too much of it could not."""
        if job not in self.sentences and len(self.sentences.keys() - self.waiting.keys()) >= MOST:
            raise error
        self.note(job, name, error)

    def reach(self, job: Job) -> None:
        """Note that what a job asks for was read."""
        if job in self.waiting:
            self.reached.add(job)

    def waits(self, job: Job) -> bool:
        """Whether it could not be read lately either, and is not to be asked for before its pause is over."""
        if job not in self.waiting:
            return False
        self.sentences[job] = self.waiting[job]
        return True

    @property
    def sentence(self) -> str | None:
        """One sentence for the run."""
        if not self.sentences:
            return None
        first, *others = self.sentences.values()
        return f"{first} And {len(others)} more." if others else first

    async def keep(self, conn: AsyncConnection) -> None:
        """Have all of it asked for again, and what could be read this time at once, so that it is told no more."""
        await jobs.fail(conn, self.sentences)
        await jobs.forgive(conn, self.reached - self.sentences.keys())


def is_of_one(error: GhsyncError) -> bool:
    """Whether an error speaks of what was asked for alone, so that what is beside it can be read."""
    return isinstance(error, GitHubUnavailable | RefusedByGitHub | NotFound | Gone | Moved) and not isinstance(
        error, _EVERYTHING
    )


@asynccontextmanager
async def kept(
    unread: UnreadParts, engine: AsyncEngine, run: Run, repository_id: str, *, rehearsed: bool
) -> AsyncIterator[None]:
    """Read one repository, knowing what could not be read lately; note in the end what cannot be now."""
    async with transaction(engine) as conn:
        unread.waiting |= await jobs.paused(conn, repository_id)
    ended = False
    try:
        yield
        ended = True
    finally:
        run.unread = unread.sentence or run.unread
        if not rehearsed and (unread.sentences or unread.reached):
            # What ended it, a cancellation for one, must not be lost over a database that is gone.
            with suppress(*(() if ended else (Transient,))):
                async with transaction(engine) as conn:
                    await unread.keep(conn)


@contextmanager
def part(unread: UnreadParts, repository_id: str, name: str) -> Iterator[None]:
    """Note a part of a repository that cannot be read, or may not be, and go on without it."""
    try:
        yield
    except SwitchedOff:
        return  # it is not to be seen, and there is nothing wrong with that
    except GhsyncError as error:
        if not is_of_one(error) and not isinstance(error, PermissionMissing):
            raise
        unread.note_or_raise(parts(repository_id), name, error)


def conversation(repository_id: str, number: int, *, pull: bool) -> Job:
    """The job that reads an issue or pull request again; ``repository_id`` is ours."""
    kind = "refetch_pull_request" if pull else "refetch_issue"
    return Job(kind, f"{repository_id}#{number}", repository_id, "it could not be read")


def checks(repository_id: str, number: int) -> Job:
    """The job that reads the checks of a pull request again."""
    return Job("refetch_checks", f"{repository_id}#{number}", repository_id, "they could not be read")


def parts(repository_id: str) -> Job:
    """The job that reads a repository again, with its labels, milestones and alerts."""
    return Job("refetch_repository", repository_id, repository_id, "a part of it could not be read")


def installation(github_id: str) -> Job:
    """The job that reads an installation again."""
    return Job("refetch_installation", github_id, None, "it could not be read")
