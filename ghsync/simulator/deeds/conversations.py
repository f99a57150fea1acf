"""What is done to issues and pull requests alike."""

from ghsync.simulator import prose
from ghsync.simulator.actions import comments, conversations
from ghsync.simulator.actions.conversations import issue_of
from ghsync.simulator.deeds.stage import Kinds, Stage, name_of
from ghsync.simulator.issue import Comment, LockReason

LOCK_REASONS: tuple[LockReason | None, ...] = ("resolved", "off-topic", "too heated", "spam", None)


def edit(stage: Stage) -> str:
    """Change a title or a text."""
    conversation = stage.conversation()
    author = stage.member(conversation.repository.owner)
    if stage.random.random() < 0.5:
        conversations.edit(stage.world, conversation, by=author, title=prose.complaint(stage.random))
    else:
        conversations.edit(stage.world, conversation, by=author, body=prose.report(stage.random) or "")
    return f"{author.login} edited {name_of(conversation)}"


def comment(stage: Stage) -> str:
    """Say something."""
    conversation = stage.conversation(lambda issue: not issue.locked)
    author = stage.bot() if stage.random.random() < 0.1 else stage.anyone()
    comments.create(stage.world, conversation, stage.random.choice(prose.REMARKS), by=author)
    return f"{author.login} commented on {name_of(conversation)}"


def edit_comment(stage: Stage) -> str:
    """Say it differently."""
    found = _comment(stage)
    comments.edit(stage.world, found, stage.random.choice(prose.REMARKS), by=found.author)
    return f"{found.author.login} edited a comment on {name_of(found.issue)}"


def delete_comment(stage: Stage) -> str:
    """Take it back."""
    found = _comment(stage)
    comments.delete(stage.world, found, by=found.author)
    return f"{found.author.login} deleted a comment on {name_of(found.issue)}"


def label(stage: Stage) -> str:
    """Put labels on, one or two."""
    conversation = stage.conversation(lambda issue: len(issue.labels) < len(issue.repository.labels))
    repository, by = conversation.repository, stage.member(conversation.repository.owner)
    free = [each for each in repository.labels if each not in issue_of(conversation).labels]
    chosen = stage.random.sample(free, k=min(len(free), stage.random.randint(1, 2)))
    conversations.add_labels(stage.world, conversation, *chosen, by=by)
    return f"{by.login} labeled {name_of(conversation)}"


def unlabel(stage: Stage) -> str:
    """Take a label off."""
    conversation = stage.conversation(lambda issue: bool(issue.labels))
    by = stage.member(conversation.repository.owner)
    conversations.remove_label(stage.world, conversation, stage.pick(issue_of(conversation).labels), by=by)
    return f"{by.login} unlabeled {name_of(conversation)}"


def assign(stage: Stage) -> str:
    """Give it to someone."""
    conversation = stage.conversation(lambda issue: len(issue.assignees) < 3)
    owner, by = conversation.repository.owner, stage.member(conversation.repository.owner)
    chosen = stage.member(owner, *issue_of(conversation).assignees)
    conversations.assign(stage.world, conversation, chosen, by=by)
    return f"{by.login} assigned {name_of(conversation)} to {chosen.login}"


def unassign(stage: Stage) -> str:
    """Take it from someone."""
    conversation = stage.conversation(lambda issue: bool(issue.assignees))
    by = stage.member(conversation.repository.owner)
    chosen = stage.pick(issue_of(conversation).assignees)
    conversations.unassign(stage.world, conversation, chosen, by=by)
    return f"{by.login} unassigned {chosen.login} from {name_of(conversation)}"


def set_milestone(stage: Stage) -> str:
    """Put it into a milestone."""
    conversation = stage.conversation(lambda issue: issue.milestone is None)
    by = stage.member(conversation.repository.owner)
    conversations.set_milestone(stage.world, conversation, stage.pick(conversation.repository.milestones), by=by)
    return f"{by.login} put {name_of(conversation)} into a milestone"


def unset_milestone(stage: Stage) -> str:
    """Take it out of its milestone."""
    conversation = stage.conversation(lambda issue: issue.milestone is not None)
    by = stage.member(conversation.repository.owner)
    conversations.unset_milestone(stage.world, conversation, by=by)
    return f"{by.login} took {name_of(conversation)} out of its milestone"


def lock(stage: Stage) -> str:
    """Let only members comment."""
    conversation = stage.conversation(lambda issue: not issue.locked)
    by = stage.member(conversation.repository.owner)
    conversations.lock(stage.world, conversation, by=by, reason=stage.random.choice(LOCK_REASONS))
    return f"{by.login} locked {name_of(conversation)}"


def unlock(stage: Stage) -> str:
    """Let everyone comment again."""
    conversation = stage.conversation(lambda issue: issue.locked)
    by = stage.member(conversation.repository.owner)
    conversations.unlock(stage.world, conversation, by=by)
    return f"{by.login} unlocked {name_of(conversation)}"


def _comment(stage: Stage) -> Comment:
    return stage.pick(issue_of(stage.conversation(lambda issue: bool(issue.comments))).comments)


KINDS: Kinds = {
    "edit": (25, edit),
    "comment": (80, comment),
    "edit_comment": (10, edit_comment),
    "delete_comment": (5, delete_comment),
    "label": (30, label),
    "unlabel": (15, unlabel),
    "assign": (20, assign),
    "unassign": (8, unassign),
    "set_milestone": (10, set_milestone),
    "unset_milestone": (5, unset_milestone),
    "lock": (3, lock),
    "unlock": (3, unlock),
}
