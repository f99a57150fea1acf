"""Comments on issues and pull requests."""

from ghsync.simulator.account import Account
from ghsync.simulator.actions import conversations
from ghsync.simulator.actions.conversations import Conversation
from ghsync.simulator.issue import Comment
from ghsync.simulator.world import World


def create(world: World, conversation: Conversation, body: str, *, by: Account) -> Comment:
    """Comment."""
    issue = conversations.issue_of(conversation)
    comment = Comment(
        id=world.identities.next_id("comment"),
        issue=issue,
        author=by,
        author_association=world.association(by, issue.repository),
        body=body,
        created_at=world.now(),
        updated_at=world.now(),
    )
    issue.comments.append(comment)
    conversations.touch(world, conversation)
    _send(world, "created", comment, by)
    return comment


def edit(world: World, comment: Comment, body: str, *, by: Account) -> None:
    """Write the comment anew."""
    changes = {"body": {"from": comment.body}}
    comment.body = body
    comment.updated_at = world.now()
    conversations.touch(world, comment.issue)
    _send(world, "edited", comment, by, changes=changes)


def delete(world: World, comment: Comment, *, by: Account) -> None:
    """Delete the comment."""
    comment.issue.comments.remove(comment)
    conversations.touch(world, comment.issue)
    _send(world, "deleted", comment, by)


def _send(world: World, action: str, comment: Comment, by: Account, **fields: object) -> None:
    world.send_about_repository(
        "issue_comment",
        action,
        comment.issue.repository,
        by,
        issue=comment.issue.as_json(),
        comment=comment.as_json(),
        **fields,
    )
